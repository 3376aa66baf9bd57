"""Who is trained on, who chooses and who judges: class by class, from a seed, the same on every machine.

The bits come from PCG64, whose stream numpy guarantees for all versions and machines (that of `Generator.permutation`
may change with a version). Samples are ranked in the order of their ids, so the order of reading does not matter; each
class has a stream of its own, named after its label, so a new class leaves the split of the others as it was; where
the recipe says `by`, each combination of the label with the values of those columns has one.
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
Group = tuple[str, ...]
SEPARATOR = "\0"


def split(recipe: Recipe, entries: Sequence[Entry], announced: Iterable[str] = ()) -> Splits:
    """Returns train, validation and test, each in the order of ids and with every class.

    Args:
        recipe: the split is in its `data` section.
        entries: all samples in the order of their ids.
        announced: classes that must be there.

    Raises:
        DataError: a class has too few samples for one in each split, or a label is not among `announced`; all at once.
    """
    by_class = _by_class(entries, announced)
    groups = _by_group(recipe, by_class)
    problems = [*_problems(recipe, by_class, tuple(announced))] or [*_group_problems(recipe, groups)]
    if problems:
        raise DataError("\n".join(problems))
    splits: Splits = {name: [] for name in SPLITS}
    for group, members in groups.items():
        for name, part in _cut(recipe.data.split, SEPARATOR.join(group), members).items():
            splits[name] += part
    return {name: sorted(part, key=lambda entry: entry.id) for name, part in splits.items()}


def _by_class(entries: Sequence[Entry], announced: Iterable[str]) -> dict[str, list[Entry]]:
    by_class: dict[str, list[Entry]] = {
        label: [] for label in in_order({*announced, *(entry.label for entry in entries)})
    }
    for entry in entries:
        by_class[entry.label].append(entry)
    return by_class


def _by_group(recipe: Recipe, by_class: dict[str, list[Entry]]) -> dict[Group, list[Entry]]:
    """Returns (label, value of each column in `by`) -> samples."""
    places = [recipe.data.reader.columns_kept.index(name) for name in getattr(recipe.data.split, "by", ())]
    groups: dict[Group, list[Entry]] = {}
    for label, members in by_class.items():
        for entry in members:
            groups.setdefault((label, *(entry.columns[place] for place in places)), []).append(entry)
    return groups


def _cut(rule: Split, group: str, members: list[Entry]) -> Splits:
    if isinstance(rule, StratifiedSplit):
        return _stratified(rule, group, members)
    return _official(rule, group, members)


def _stratified(rule: StratifiedSplit, group: str, members: list[Entry]) -> Splits:
    shuffled = _shuffled(members, rule.seed, group)
    validation = _count(rule.validation, len(members), spare=2)
    test = _count(rule.test, len(members), spare=1 + validation)
    return {
        "test": shuffled[:test],
        "validation": shuffled[test : test + validation],
        "train": shuffled[test + validation :],
    }


def _official(rule: OfficialSplit, group: str, members: list[Entry]) -> Splits:
    published = _shuffled([e for e in members if e.part == "train"], rule.seed, group)
    validation = _count(rule.validation, len(published), spare=1)
    return {
        "test": [e for e in members if e.part == "test"],
        "validation": published[:validation],
        "train": published[validation:],
    }


def _count(part: float, samples: int, spare: int) -> int:
    """Returns `part` of the samples, at least one, leaving `spare` to the other splits."""
    return min(max(1, int(part * samples + 0.5)), samples - spare)


def _shuffled(members: list[Entry], seed: int, group: str) -> list[Entry]:
    bits = np.random.PCG64([seed, *group.encode()]).random_raw(len(members))
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


def _group_problems(recipe: Recipe, groups: dict[Group, list[Entry]]) -> Iterator[str]:
    for group, members in groups.items():
        if len(group) > 1:
            for expected, got in _shortages(recipe.data.split, members):
                where = f"class {', '.join(group)}"
                yield mismatch(f"data of {recipe.name}", where, expected, got, "add samples, or shorten `split.by`")


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
