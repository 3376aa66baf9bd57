"""Who is trained on, who chooses and who judges: class by class, from a seed, the same on every machine.

The bits come from PCG64, whose stream numpy guarantees for all versions and machines (that of `Generator.permutation`
may change with a version). Samples are ranked in the order of their ids, so the order of reading does not matter; each
class has a stream of its own, named after its label, so a new class leaves the split of the others as it was.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from params.data import OfficialSplit, Split, StratifiedSplit
from params.pipeline import Recipe
from tasks.data.classes import in_order
from tasks.data.survey import Entry
from tasks.errors import DataError, mismatch

SPLITS = ("train", "validation", "test")
Splits = dict[str, list[Entry]]


def split(recipe: Recipe, entries: Sequence[Entry], announced: Iterable[str] = ()) -> Splits:
    """Returns train, validation and test, each in the order of ids and with every class.

    Args:
        recipe: the split is in its `data` section.
        entries: all samples in the order of their ids.
        announced: classes that must be there.

    Raises:
        DataError: a class has too few samples for one in each split, or a label is not among `announced`; all at once.
    """
    by_class = {label: [e for e in entries if e.label == label] for label in _labels(entries, announced)}
    problems = [*_problems(recipe, by_class, tuple(announced))]
    if problems:
        raise DataError("\n".join(problems))
    splits: Splits = {name: [] for name in SPLITS}
    for label, members in by_class.items():
        for name, part in _cut(recipe.data.split, label, members).items():
            splits[name] += part
    return {name: sorted(part, key=lambda entry: entry.id) for name, part in splits.items()}


def _labels(entries: Sequence[Entry], announced: Iterable[str]) -> tuple[str, ...]:
    return in_order({*announced, *(entry.label for entry in entries)})


def _cut(rule: Split, label: str, members: list[Entry]) -> Splits:
    if isinstance(rule, StratifiedSplit):
        return _stratified(rule, label, members)
    return _official(rule, label, members)


def _stratified(rule: StratifiedSplit, label: str, members: list[Entry]) -> Splits:
    shuffled = _shuffled(members, rule.seed, label)
    validation = _count(rule.validation, len(members), spare=2)
    test = _count(rule.test, len(members), spare=1 + validation)
    return {
        "test": shuffled[:test],
        "validation": shuffled[test : test + validation],
        "train": shuffled[test + validation :],
    }


def _official(rule: OfficialSplit, label: str, members: list[Entry]) -> Splits:
    published = _shuffled([e for e in members if e.part == "train"], rule.seed, label)
    validation = _count(rule.validation, len(published), spare=1)
    return {
        "test": [e for e in members if e.part == "test"],
        "validation": published[:validation],
        "train": published[validation:],
    }


def _count(part: float, samples: int, spare: int) -> int:
    """Returns `part` of the samples, at least one, leaving `spare` to the other splits."""
    return min(max(1, int(part * samples + 0.5)), samples - spare)


def _shuffled(members: list[Entry], seed: int, label: str) -> list[Entry]:
    bits = np.random.PCG64([seed, *label.encode()]).random_raw(len(members))
    return [members[index] for index in np.argsort(bits, kind="stable")]


def _problems(recipe: Recipe, by_class: dict[str, list[Entry]], announced: tuple[str, ...]) -> Iterator[str]:
    where = f"data of {recipe.name}"
    if len(by_class) < 2:
        yield mismatch(where, "classes", "at least two", f"only `{next(iter(by_class))}`", "add samples of another")
    for label, members in by_class.items():
        if announced and label not in announced:
            got = f"`{label}` at `{members[0].id}`"
            yield mismatch(where, "label", f"one of {', '.join(announced)}", got, "mend the label or the header")
            continue
        for expected, got in _shortages(recipe.data.split, members):
            yield mismatch(where, f"class {label}", expected, got, "add samples, or leave the class out")


def _shortages(rule: Split, members: list[Entry]) -> Iterator[tuple[str, str]]:
    """Yields (expected, got) for what a class lacks to be in each split."""
    if isinstance(rule, StratifiedSplit):
        if len(members) < 3:
            yield "at least 3 samples, one per split", f"{len(members) or 'none'}"
        return
    for part, least in (("train", 2), ("test", 1)):
        count = sum(entry.part == part for entry in members)
        if count < least:
            yield f"at least {least} in the published {part} set", f"{count or 'none'}"
