"""Equal samples: a copy of a training sample in the test split makes the numbers look better than they are."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from params.pipeline import Recipe
from tasks.data.survey import SHOWN, Entry
from tasks.errors import DataError

COPY, CONFLICT = "duplicate", "duplicate with another label"


def without_copies(entries: Sequence[Entry]) -> tuple[list[Entry], Counter[str]]:
    """Returns the entries without copies, and how many were dropped for which reason.

    Kept is the copy in a published test set, else the first; where copies disagree about a label, none is.
    """
    kept: set[str] = set()
    dropped: Counter[str] = Counter()
    for copies in _groups(entries):
        if len({(copy.label, copy.heads) for copy in copies}) > 1:
            dropped[CONFLICT] += len(copies)
            continue
        dropped[COPY] += len(copies) - 1
        kept.add(min(copies, key=lambda copy: (copy.part != "test", copy.id)).id)
    return [entry for entry in entries if entry.id in kept], +dropped


def refuse_copies(recipe: Recipe, splits: dict[str, list[Entry]]) -> None:
    """Refuses samples that stand in two splits.

    Raises:
        DataError: naming a few pairs.
    """
    split_of = {entry.id: split for split, entries in splits.items() for entry in entries}
    everything = [entry for entries in splits.values() for entry in entries]
    pairs = [pair for copies in _groups(everything) for pair in _across(copies, split_of)]
    if pairs:
        shown = [f"  `{a.id}` ({split_of[a.id]}) and `{b.id}` ({split_of[b.id]})" for a, b in pairs[:SHOWN]]
        shown += [f"  and {len(pairs) - SHOWN} more"] if len(pairs) > SHOWN else []
        first = f"`params/{recipe.name}.yaml`: `data.duplicates`: expected no sample in two splits, got {len(pairs)}:"
        last = "say `duplicates: drop` to leave the copies out, or `keep` to have them all the same"
        raise DataError("\n".join([first, *shown, last]))


def _groups(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Yields the entries of equal content together, in the order in which their first ones come."""
    contents = np.array([entry.content for entry in entries], dtype="V16")
    _, firsts, group, counts = np.unique(contents, return_index=True, return_inverse=True, return_counts=True)
    members = np.split(np.argsort(group, kind="stable"), np.cumsum(counts)[:-1])
    for place in np.argsort(firsts):
        yield [entries[row] for row in members[place]]


def _across(copies: Sequence[Entry], split_of: dict[str, str]) -> Iterator[tuple[Entry, Entry]]:
    """Yields one pair per copy that stands in another split than the first of them."""
    first = copies[0]
    yield from ((first, other) for other in copies[1:] if split_of[other.id] != split_of[first.id])
