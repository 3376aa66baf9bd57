"""Kinds of task that the data stage has never seen: a number per sample, and any number of them."""

import sys
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from params.pipeline import Recipe
from tasks.contracts.records import DatasetCard
from tasks.contracts.targets import BadTargetError, Column, Strata, TargetCard, Targets
from tasks.core.errors import DataError
from tasks.kinds import contract
from tasks.kinds.contract import Arrays, Declared, Geometry, Raw, Rows, TargetsPart
from tasks.training.arrays import open_split
from tasks.training.batches import Batch

MakeRecipe = Callable[..., Recipe]
Prepared = Callable[[Recipe], tuple[DatasetCard, Path]]
ROWS = 40


class Numbers:
    """One number per sample; low and high ones are spread evenly over the splits."""

    def gist(self, raw: Raw, declared: Declared) -> Hashable:
        """Returns the number."""
        try:
            return float(raw["label"])
        except ValueError:
            raise BadTargetError(f"expected a number, got `{raw['label']}`", "no number") from None

    def table(self, gists: Sequence[Any], declared: Declared) -> dict[str, Sequence[Any]]:
        """Returns the numbers."""
        return {"label": gists}

    def card(self, gists: Sequence[Any], declared: Declared) -> TargetCard:
        """Returns the range."""
        return TargetCard(facts={"low": min(gists), "high": max(gists)})

    def nominal(self) -> TargetCard:
        """Returns a range."""
        return TargetCard(facts={"low": 0.0, "high": 1.0})

    def strata(self, gists: Sequence[Any], card: TargetCard) -> Strata:
        """Returns which half each is in."""
        return Strata(("low", "high"), (np.array(gists) > np.median(gists)).astype(np.int64))

    def problems(self, trained: Sequence[Any], card: TargetCard) -> Iterator[str]:
        """Yields that all numbers are equal."""
        if card.facts["low"] == card.facts["high"]:
            yield "`label`: expected different numbers, got one; add samples"

    def problems_of_splits(self, splits: Mapping[str, Sequence[Any]], card: TargetCard) -> Iterator[str]:
        """Yields nothing."""
        return iter(())

    def columns(self, card: TargetCard) -> tuple[Column, ...]:
        """Returns a column of floats."""
        return (Column(name="label", dtype="float32"),)

    def encode(self, raw: Raw, declared: Declared, card: TargetCard) -> Arrays:
        """Returns the number."""
        return {"label": np.array(float(raw["label"]))}

    def summary(self, parts: Iterable[Targets], card: TargetCard) -> dict[str, Any]:
        """Returns the sum."""
        return {"sum": sum(float(part["label"].sum()) for part in parts)}

    def translated(self, targets: Targets, card: TargetCard, to: TargetCard) -> Targets:
        """Returns them as they are."""
        return targets

    def groups(self, targets: Targets) -> Rows:
        """Returns one group for all."""
        return np.zeros(len(targets), dtype=np.int64)

    def moved(self, targets: Targets, geometry: Geometry) -> Targets:
        """Returns them as they are."""
        return targets


class Digits(Numbers):
    """The digits of a number, as many as it has, each with its place."""

    def columns(self, card: TargetCard) -> tuple[Column, ...]:
        """Returns a ragged column of pairs."""
        return (Column(name="digits", dtype="int16", shape=(2,), ragged=True),)

    def encode(self, raw: Raw, declared: Declared, card: TargetCard) -> Arrays:
        """Returns (digit, place) of each digit that is not zero."""
        pairs = [(int(digit), place) for place, digit in enumerate(str(raw["label"])) if digit in "123456789"]
        return {"digits": np.array(pairs, dtype=np.int16).reshape(-1, 2)}

    def summary(self, parts: Iterable[Targets], card: TargetCard) -> dict[str, Any]:
        """Returns how many there are."""
        return {"digits": int(sum(part.offsets("digits")[-1] for part in parts))}


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A table: in each row a number, and the same times five."""
    path = tmp_path / "rows.csv"
    path.write_text("x,label\n" + "".join(f"{n},{n * 5}\n" for n in range(ROWS)))
    return path


def of_kind(part: TargetsPart, make: MakeRecipe, rows: Path, monkeypatch: pytest.MonkeyPatch, **data: object) -> Recipe:
    """Returns a recipe for the table, of a kind of task that is there from now on."""
    monkeypatch.setattr(contract, "kinds", lambda: ("classification", "other"))
    monkeypatch.setitem(sys.modules, "tasks.kinds.other.targets", SimpleNamespace(PART=part))
    recipe = make({"kind": "file", "path": str(rows)}, {"kind": "table", "label": "label"}, **data)
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"task": "other"})})


def test_numbers_are_targets(
    rows: Path, make_recipe: MakeRecipe, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, folder = prepared(of_kind(Numbers(), make_recipe, rows, monkeypatch))
    assert (card.targets.names, card.targets.facts) == ((), {"low": 0, "high": 195})
    for name, part in card.splits.items():
        inputs, labels = (np.load(folder / f"{name}-00000.{what}.npy") for what in ("inputs", "targets.label"))
        assert labels.dtype == np.float32
        np.testing.assert_array_equal(inputs[:, 0] * 5, labels)
        np.testing.assert_array_equal(pd.read_parquet(folder / f"{name}.parquet")["label"], labels)
        assert part.summary == {"sum": labels.sum()}
        assert (labels > 97.5).mean() == 0.5


def test_a_target_that_the_kind_cannot_use_goes_into_quarantine_for_its_reason(
    rows: Path, make_recipe: MakeRecipe, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows.write_text(rows.read_text() + "7,many\n")
    with pytest.raises(DataError, match="`row 00000041`: expected a number, got `many`"):
        prepared(of_kind(Numbers(), make_recipe, rows, monkeypatch))
    card, _ = prepared(of_kind(Numbers(), make_recipe, rows, monkeypatch, arrivals={"bad": "quarantine"}))
    assert card.quarantine is not None
    assert card.quarantine.reasons == {"no number": 1}


def test_what_is_wrong_with_all_targets_together_is_told(
    rows: Path, make_recipe: MakeRecipe, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows.write_text("x,label\n" + "".join(f"{n},{n // 20}\n" for n in range(ROWS)).replace(",1", ",0"))
    monkeypatch.setattr(Numbers, "strata", lambda _self, gists, _card: Strata(("",), np.zeros(len(gists), np.int64)))
    with pytest.raises(DataError, match="`data of mine`: `label`: expected different numbers, got one"):
        prepared(of_kind(Numbers(), make_recipe, rows, monkeypatch))


def test_any_number_of_targets_per_sample_stays_with_it_whatever_the_shard(
    rows: Path, make_recipe: MakeRecipe, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.data.prepared.shards.MEGABYTE", 40)  # ten samples of one float each
    card, folder = prepared(of_kind(Digits(), make_recipe, rows, monkeypatch, shard_megabytes=1))
    assert [shard.samples for shard in card.splits["train"].shards] == [10, 10, 4]
    train = open_split(folder, "train")
    order = np.array([23, 0, 11, 11, 5], dtype=np.int64)
    some = train.gather(order)
    offsets, digits = some.targets.offsets("digits"), some.targets["digits"]
    for number, begin, end in zip(some.inputs["inputs"][:, 0], offsets[:-1], offsets[1:], strict=True):
        text = str(int(number) * 5)
        assert digits[begin:end].tolist() == [[int(d), place] for place, d in enumerate(text) if d != "0"]
    part = Batch.of(some, torch.device("cpu")).part(slice(1, 3))
    np.testing.assert_array_equal(part.targets["digits"], digits[offsets[1] : offsets[3]])
    np.testing.assert_array_equal(part.as_targets().take(np.array([1]))["digits"], digits[offsets[2] : offsets[3]])
    assert part.targets["offsets.digits"].tolist() == (offsets[1:4] - offsets[1]).tolist()
    assert card.splits["train"].summary["digits"] == train.targets().offsets("digits")[-1]
    assert not list(folder.glob("*.spool"))
