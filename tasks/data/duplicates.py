"""Equal samples: a copy of a training sample in the test split makes the numbers look better than they are."""

from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np

from params.pipeline import Recipe
from tasks.data.split import Splits
from tasks.data.survey import SHOWN, Objects, Rows, Survey, groups_of
from tasks.errors import DataError

COPY, CONFLICT = "duplicate", "duplicate with another label"


def without_copies(found: Survey, heads: Iterable[str]) -> tuple[Rows, Counter[str]]:
    """Returns the samples without copies, and how many were dropped for which reason.

    Kept is the copy in a published test set, else the first; where copies disagree about a label, of whichever head,
    none is.
    """
    labels = [found.labels, *(found.columns[head] for head in heads)]
    kept = np.ones(len(found), dtype=bool)
    dropped: Counter[str] = Counter()
    for copies in _copies(found, np.arange(len(found))):
        kept[copies] = False
        if len(groups_of(copies, *labels)) > 1:
            dropped[CONFLICT] += len(copies)
            continue
        dropped[COPY] += len(copies) - 1
        kept[min(copies, key=lambda row: (found.parts[row] != "test", row))] = True
    return np.flatnonzero(kept), dropped


def refuse_copies(recipe: Recipe, found: Survey, splits: Splits) -> None:
    """Refuses samples that stand in two splits.

    Raises:
        DataError: naming a few pairs.
    """
    split_of = np.empty(len(found), dtype=np.object_)
    for name, rows in splits.items():
        split_of[rows] = name
    everything = np.concatenate(list(splits.values()))
    pairs = [pair for copies in _copies(found, everything) for pair in _across(copies, split_of)]
    if pairs:
        shown = [f"  `{found.ids[a]}` ({split_of[a]}) and `{found.ids[b]}` ({split_of[b]})" for a, b in pairs[:SHOWN]]
        shown += [f"  and {len(pairs) - SHOWN} more"] if len(pairs) > SHOWN else []
        first = f"`params/{recipe.name}.yaml`: `data.duplicates`: expected no sample in two splits, got {len(pairs)}:"
        last = "say `duplicates: drop` to leave the copies out, or `keep` to have them all the same"
        raise DataError("\n".join([first, *shown, last]))


def _copies(found: Survey, rows: Rows) -> Iterator[Rows]:
    """Yields the rows that have their content in common with others, group by group."""
    _, content, counts = np.unique(found.contents[rows], return_inverse=True, return_counts=True)
    several = counts[content] > 1
    content_of = np.empty(len(found), dtype=np.int64)
    content_of[rows] = content
    yield from groups_of(rows[several], content_of).values()


def _across(copies: Rows, split_of: Objects) -> Iterator[tuple[int, int]]:
    """Yields one pair per copy that stands in another split than the first of them."""
    first = copies[0]
    yield from ((first, other) for other in copies[1:] if split_of[other] != split_of[first])
