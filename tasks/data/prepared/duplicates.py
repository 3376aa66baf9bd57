"""Equal samples: a copy of a training sample in the test split makes the numbers look better than they are."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from params.pipeline import Recipe
from tasks.core.errors import DataError
from tasks.data.prepared.quarantine import SHOWN, Bad, leaves_out
from tasks.data.prepared.split import Splits
from tasks.data.prepared.survey import Objects, Rows, Survey, groups_of
from tasks.kinds.contract import Declared, TargetsPart

COPY, CONFLICT = "duplicate", "duplicate with another target"
CALLED = {"train": "training", "validation": "validation", "test": "test"}


@dataclass(frozen=True)
class Apart:
    """The samples to split, and the copies that were set apart from them before.

    Attributes:
        rows: the samples to split, in order.
        stays: copy -> the equal sample that stays.
        disputed: those of them that have another target than the one that stays.
        dropped: reason -> how many were set apart.
    """

    rows: Rows
    stays: Mapping[int, int] = field(default_factory=dict)
    disputed: frozenset[int] = frozenset()
    dropped: Mapping[str, int] = field(default_factory=dict)


def set_apart(recipe: Recipe, found: Survey) -> Apart:
    """Returns the samples without copies, where the recipe leaves copies out; before the split, so that none moves it.

    The copy in a published test set stays, else the first. Where copies disagree about the target, none stays, unless
    there is a quarantine: that trusts the one that was there.
    """
    quarantined, rule = leaves_out(recipe), recipe.data.duplicates
    if rule == "keep" or (rule == "refuse" and not quarantined):
        return Apart(np.arange(len(found)))
    kept, stays, disputed = np.ones(len(found), dtype=bool), dict[int, int](), set[int]()
    dropped = Counter[str]()
    for copies in _copies(found, np.arange(len(found))):
        kept[copies] = False
        first = min(copies, key=lambda row: (found.parts[row] != "test", row))
        others = [int(copy) for copy in copies if found.gists[copy] != found.gists[first]]
        if others and not quarantined:
            dropped[CONFLICT] += len(copies)
            continue
        dropped[COPY] += len(copies) - 1
        kept[first] = True
        stays |= {int(copy): int(first) for copy in copies if copy != first}
        disputed.update(others)
    return Apart(np.flatnonzero(kept), stays, frozenset(disputed), dropped)


def left_out_by_stratum(found: Survey, apart: Apart, kind: TargetsPart, declared: Declared) -> dict[str, Counter[str]]:
    """Returns stratum -> reason -> samples that are bad or copies: a group may lose all of its samples to one rule."""
    gone = np.setdiff1d(np.arange(len(found)), apart.rows)
    reasons = [COPY if row in apart.stays and row not in apart.disputed else CONFLICT for row in gone.tolist()]
    lost = [*zip(found.gists[gone].tolist(), reasons, strict=True), *found.lost]
    gists = [gist for gist, _ in lost]
    strata = kind.strata(gists, kind.card(gists, {column: {} for column in declared})) if gists else None
    counts: dict[str, Counter[str]] = {}
    for number, (_, reason) in zip(strata.of if strata else (), lost, strict=True):
        counts.setdefault(strata.names[number] if strata else "", Counter())[reason] += 1
    return counts


def judge_copies(recipe: Recipe, found: Survey, apart: Apart, splits: Splits) -> tuple[list[Bad], dict[str, int]]:
    """Returns the copies that belong into quarantine, and reason -> how many others are left out.

    Into quarantine go copies of test samples and those with another target; where copies are refused, all of them.

    Raises:
        DataError: samples stand in two splits, and the recipe refuses that.
    """
    refused = recipe.data.duplicates == "refuse"
    if refused and not leaves_out(recipe):
        refuse_copies(recipe, found, splits)
    split_of = _split_of(found, splits)
    into = {
        copy: first
        for copy, first in apart.stays.items()
        if leaves_out(recipe) and (refused or split_of[first] == "test" or copy in apart.disputed)
    }
    bad = [_bad_copy(found, apart, copy, CALLED[split_of[first]]) for copy, first in into.items()]
    others = {reason: count - len(into) * (reason == COPY) for reason, count in apart.dropped.items()}
    return bad, {reason: count for reason, count in others.items() if count}


def _bad_copy(found: Survey, apart: Apart, copy: int, split: str) -> Bad:
    first = apart.stays[copy]
    but = f", {_dispute(found, copy, first)}" if copy in apart.disputed else ""
    message = f"expected a sample that is not there yet, got a copy of `{found.ids[first]}`{but}"
    return Bad(str(found.ids[copy]), f"copy of a {split} sample", message)


def _dispute(found: Survey, copy: int, first: int) -> str:
    """Returns in words how the targets of two equal samples differ, where the table shows it."""
    for name, column in found.columns.items():
        if column[copy] != column[first]:
            return f"whose `{name}` is `{column[first]}` and not `{column[copy]}`"
    return "which has another target"


def refuse_copies(recipe: Recipe, found: Survey, splits: Splits) -> None:
    """Refuses samples that stand in two splits.

    Raises:
        DataError: naming a few pairs.
    """
    split_of = _split_of(found, splits)
    everything = np.concatenate(list(splits.values()))
    pairs = [pair for copies in _copies(found, everything) for pair in _across(copies, split_of)]
    if pairs:
        shown = [f"  `{found.ids[a]}` ({split_of[a]}) and `{found.ids[b]}` ({split_of[b]})" for a, b in pairs[:SHOWN]]
        shown += [f"  and {len(pairs) - SHOWN} more"] if len(pairs) > SHOWN else []
        first = f"`params/{recipe.name}.yaml`: `data.duplicates`: expected no sample in two splits, got {len(pairs)}:"
        last = "say `duplicates: drop` to leave the copies out, or `keep` to have them all the same"
        raise DataError("\n".join([first, *shown, last]))


def _split_of(found: Survey, splits: Splits) -> Objects:
    split_of = np.empty(len(found), dtype=np.object_)
    for name, rows in splits.items():
        split_of[rows] = name
    return split_of


def _copies(found: Survey, rows: Rows) -> Iterator[Rows]:
    """Yields the rows that have their content in common with others, group by group."""
    _, content, counts = np.unique(found.contents[rows], return_inverse=True, return_counts=True)
    several = counts[content] > 1
    content_of = np.empty(len(found), dtype=np.int64)
    content_of[rows] = content
    yield from groups_of(rows[several], content_of).values()


def _across(copies: Rows, split_of: Objects) -> Iterator[tuple[int, int]]:
    """Yields one pair per copy that is in another split than the first of them."""
    first = copies[0]
    yield from ((first, other) for other in copies[1:] if split_of[other] != split_of[first])
