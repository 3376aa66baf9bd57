"""Several labels per sample: the classes of each, and the numbers that stand for them."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tasks.core.errors import DataError, mismatch
from tasks.data.prepared.classes import in_order
from tasks.data.prepared.split import Splits
from tasks.data.prepared.survey import Objects, Rows, Survey
from tasks.data.readers.samples import Reading

Heads = dict[str, tuple[str, ...]]


def further_heads(name: str, reading: Reading, found: Survey, splits: Splits) -> Heads:
    """Returns head -> its classes in order, for all heads but the first.

    Raises:
        DataError: a head has fewer than two classes, or one of which no sample is trained on; all at once.
    """
    heads = dict(_classes(reading, found, splits))
    problems = [
        problem
        for head, classes in heads.items()
        for problem in _problems(f"data of {name}", head, classes, set(found.columns[head][splits["train"]]))
    ]
    if problems:
        raise DataError("\n".join(problems))
    return heads


def label_numbers(found: Survey, rows: Rows, classes: tuple[str, ...], heads: Heads) -> NDArray[np.int64]:
    """Returns the labels of samples, (n,) with one head, else (n, heads)."""
    first = _numbers(found.labels[rows], classes)
    if not heads:
        return first
    return np.stack([first, *(_numbers(found.columns[head][rows], known) for head, known in heads.items())], axis=1)


def _numbers(labels: Objects, classes: tuple[str, ...]) -> NDArray[np.int64]:
    number = {label: index for index, label in enumerate(classes)}
    return np.fromiter((number[label] for label in labels), dtype=np.int64, count=len(labels))


def _classes(reading: Reading, found: Survey, splits: Splits) -> Iterator[tuple[str, tuple[str, ...]]]:
    for head, announced in reading.heads.items():
        yield head, announced or in_order({label for rows in splits.values() for label in found.columns[head][rows]})


def _problems(where: str, head: str, classes: tuple[str, ...], trained: set[str]) -> Iterator[str]:
    if len(classes) < 2:
        yield mismatch(where, f"head {head}", "at least two classes", f"only `{classes[0]}`", "leave the head out")
    for label in classes:
        if label not in trained:
            do = "add samples, or name the head in `data.split.by`"
            yield mismatch(where, f"head {head}", f"`{label}` among the samples to train on", "none", do)
