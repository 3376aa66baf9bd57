"""Several labels per sample: the classes of each, and the numbers that stand for them."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.data.classes import in_order
from tasks.data.samples import Reading
from tasks.data.split import Splits
from tasks.data.survey import Entry
from tasks.errors import DataError, mismatch

Heads = dict[str, tuple[str, ...]]


def further_heads(name: str, reading: Reading, splits: Splits) -> Heads:
    """Returns head -> its classes in order, for all heads but the first.

    Raises:
        DataError: a head has fewer than two classes, or one of which no sample is trained on; all at once.
    """
    heads = dict(_classes(reading, splits))
    problems = [
        problem
        for place, (head, classes) in enumerate(heads.items())
        for problem in _problems(f"data of {name}", head, classes, {entry.heads[place] for entry in splits["train"]})
    ]
    if problems:
        raise DataError("\n".join(problems))
    return heads


def label_numbers(entries: Sequence[Entry], classes: tuple[str, ...], heads: Heads) -> NDArray[np.int64]:
    """Returns the labels of samples, (n,) with one head, else (n, heads)."""
    first = _numbers([entry.label for entry in entries], classes)
    if not heads:
        return first
    others = [_numbers([entry.heads[place] for entry in entries], known) for place, known in enumerate(heads.values())]
    return np.stack([first, *others], axis=1)


def _numbers(labels: Sequence[str], classes: tuple[str, ...]) -> NDArray[np.int64]:
    number: Mapping[str, int] = {label: index for index, label in enumerate(classes)}
    return np.array([number[label] for label in labels], dtype=np.int64)


def _classes(reading: Reading, splits: Splits) -> Iterator[tuple[str, tuple[str, ...]]]:
    for place, (head, announced) in enumerate(reading.heads.items()):
        yield head, announced or in_order({entry.heads[place] for part in splits.values() for entry in part})


def _problems(where: str, head: str, classes: tuple[str, ...], trained: set[str]) -> Iterator[str]:
    if len(classes) < 2:
        yield mismatch(where, f"head {head}", "at least two classes", f"only `{classes[0]}`", "leave the head out")
    for label in classes:
        if label not in trained:
            do = "add samples, or name the head in `data.split.by`"
            yield mismatch(where, f"head {head}", f"`{label}` among the samples to train on", "none", do)
