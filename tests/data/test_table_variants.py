"""Hundreds of tables as strangers write them: each becomes a right dataset or one message, and no row gets lost."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tasks.core.errors import InputError
from tasks.data.fetch import fetch
from tasks.data.init.scaffold import understand
from tasks.data.init.tables import guess_table
from tasks.data.prepared.prepare import prepare
from tasks.kinds.recipes import load_recipe
from tasks.runtime.bundle.fields import Fields
from tasks.runtime.errors import WrongInputError
from tasks.runtime.preprocess.cells import TableColumn
from tasks.runtime.preprocess.table import TablePreprocessor, load
from tests.data.reading import PreparedSamples, read_prepared
from tests.data.table_variants import LEARNED, TrueColumn, Variant, variant

SAID = {"bad cell": "expected only samples that can be used", "nothing to learn from": "expected columns to learn from"}


def outcome(made: Variant, project: Path) -> PreparedSamples | str:
    """Returns the dataset that a file becomes, or what is said in its place."""
    path = project.parent / made.name
    path.write_bytes(made.content)
    try:
        text = understand(project, "own", table=path).recipe
        if made.quarantine:
            text = text.replace("arrivals: {bad: stop}", "arrivals: {bad: quarantine, at_most: 0.5}")
        (project / "params/own.yaml").write_text(text, encoding="utf-8")
        recipe = load_recipe(project / "params/own.yaml")
        fetch(recipe, project)
        prepare(recipe, project)
    except InputError as error:
        return str(error)
    finally:
        (project / "params/own.yaml").unlink(missing_ok=True)
        path.unlink()
    return read_prepared(project / "data/own/prepared")


def check(seed: int, project: Path) -> str:
    """Compares what becomes of a variant with what should; returns which of the two it was."""
    made = variant(seed)
    found = outcome(made, project)
    if isinstance(found, str):
        assert made.fault, f"seed {seed}: {found}"
        assert SAID.get(made.fault, made.fault) in found, f"seed {seed}: {made.fault}"
        return "message"
    assert not made.fault, f"seed {seed}: {made.fault}"
    _check_dataset(made, found, project, f"seed {seed}")
    return "dataset"


def _check_dataset(made: Variant, found: PreparedSamples, project: Path, where: str) -> None:
    learned = [column for column in made.columns if column.learned]
    gaps = {row for column in learned for row, value in enumerate(column.values) if value is None}
    imputes = len(gaps) > 0.05 * len(made.labels)
    unlabelled = {row for row, label in enumerate(made.labels) if label is None}
    left_out = unlabelled | (set() if imputes else gaps)
    usable = [row for row in range(len(made.labels)) if row not in left_out and row not in made.bad]
    samples = {int(name.split()[1]) - 1: sample for name, sample in found.values.items()}
    # No row gets lost.
    quarantined = found.card.quarantine.reasons if found.card.quarantine else {}
    assert len(samples) + sum(found.card.dropped.values()) + sum(quarantined.values()) == len(made.labels), where
    assert quarantined.get("corrupt", 0) == len({*made.bad} - left_out), where
    copies = sum(count for reason, count in found.card.dropped.items() if reason.startswith("duplicate"))
    copies += sum(count for reason, count in quarantined.items() if reason.startswith("copy of a"))
    assert set(samples) <= set(usable), where
    assert len(usable) - len(samples) == copies, where
    # Every value is what its cell means.
    names = [name for column in learned for name in _features(column, usable, imputes)]
    assert sorted(found.card.feature_names) == sorted(names), where
    trained = {int(name.split()[1]) - 1 for name in _ids(found, project, "train")}
    for row, (values, label) in samples.items():
        assert label == made.labels[row], where
        given = dict(zip(found.card.feature_names, values, strict=True))
        for column in learned:
            _check_cell(column, row, given, trained, where)
    if made.csv and not made.bad and (imputes or not gaps):
        _check_device(made, found, samples, where)


def _features(column: TrueColumn, usable: list[int], imputes: bool) -> Iterator[str]:
    there = {column.values[row] for row in usable}
    if column.kind == "category":
        yield from (f"{column.name}={value}" for value in there if value is not None)
    else:
        yield column.name
    if imputes and None in column.values:
        yield f"{column.name} is missing"


def _check_cell(column: TrueColumn, row: int, given: dict[str, Any], trained: set[int], where: str) -> None:
    value = column.values[row]
    if f"{column.name} is missing" in given:
        assert given[f"{column.name} is missing"] == (value is None), where
    fills = {value}
    if value is None:
        some = [column.values[one] for one in sorted(trained) if column.values[one] is not None]
        counts = Counter(some)
        fills = {one for one in some if counts[one] == max(counts.values())}
        if column.kind not in ("category", "boolean"):
            fills = {float(np.median([float(one) for one in some if one is not None]))}
    if column.kind == "category":
        hot = {name for name, number in given.items() if number == 1 and name.startswith(f"{column.name}=")}
        assert hot in [{f"{column.name}={one}"} for one in fills], where
    else:
        assert given[column.name] in {np.float32(float(one)) for one in fills if one is not None}, where


def _check_device(made: Variant, found: PreparedSamples, samples: dict[int, Any], where: str) -> None:
    """The very file that trained it gives the same inputs, to the bit."""
    facts = json.loads(json.dumps(found.card.preprocessing))
    del facts["kind"]
    inputs = load(Fields(facts, "preprocessing")).from_file(made.content).arrays["inputs"]
    for row, (values, _) in samples.items():
        assert inputs[row].tobytes() == np.array(values).tobytes(), where


def _ids(found: PreparedSamples, project: Path, split: str) -> list[str]:
    table = project / "data/own/prepared" / found.card.splits[split].table.name
    ids: list[str] = pq.read_table(table)["id"].to_pylist()
    return ids


def test_sixty_tables_become_a_right_dataset_or_one_message(project: Path) -> None:
    counts = Counter(check(seed, project) for seed in range(60))
    assert min(counts["dataset"], counts["message"]) > 10


@pytest.mark.slow
def test_five_hundred_more_tables_become_a_right_dataset_or_one_message(project: Path) -> None:
    counts = Counter(check(seed, project) for seed in range(60, 600))
    assert min(counts["dataset"], counts["message"]) > 100


def test_the_variants_hold_every_kind_of_column_and_fault() -> None:
    made = [variant(seed) for seed in range(200)]
    assert {*LEARNED} <= {column.kind for one in made for column in one.columns}
    assert len({one.fault for one in made}) == 12


def test_damaged_files_are_read_or_end_in_one_message(tmp_path: Path) -> None:
    random = Random(0)
    preprocessor = TablePreprocessor((TableColumn("temp", "number", fill="0.0"),))
    said = Counter[str]()
    for seed in range(120):
        made = variant(seed)
        content = damaged(made.content, random)
        (tmp_path / made.name).write_bytes(content)
        try:
            guess_table(tmp_path / made.name, None)
            said["read"] += 1
        except InputError:
            said["message"] += 1
        with suppress(WrongInputError):
            preprocessor.from_file(content)
    assert min(said["read"], said["message"]) > 10


def damaged(content: bytes, random: Random) -> bytes:
    """Returns a file of which some bytes are others, gone, or cut off."""
    found = bytearray(content)
    for _ in range(random.choice([1, 2, 20])):
        place = random.randrange(len(found) + 1)
        put = random.choice([b"", b'"', b";", b"\n", b"\0", b"\xff", b"\r", bytes([random.randrange(256)])])
        found[place : place + random.choice([0, 1, 1, 9])] = put
    return bytes(found[: random.choice([len(found), len(found), random.randrange(len(found) + 1)])])
