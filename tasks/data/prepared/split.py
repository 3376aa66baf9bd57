"""Who is trained on, who chooses and who judges: stratum by stratum, from a seed, the same on every machine.

The bits come from PCG64, whose stream numpy guarantees for all versions and machines (that of `Generator.permutation`
may change with a version). Samples are ranked in the order of their ids, so the order of reading does not matter; each
stratum (such as a class) has a stream of its own, named after it, so a new one leaves the split of the others as it
was; where the recipe says `by`, each combination of the stratum with the values of those columns has one.

A stratified split is drawn again when samples are added: one that was trained on may then judge. A hashed one asks each
sample alone, by a hash of seed and content; neither its name, nor its target, nor what else is there moves it. A
grouped split asks each group in the same way, by a hash of seed and name.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from params.data import DrawnSplit, GroupedSplit, HashedSplit, OfficialSplit, Split, StratifiedSplit
from params.pipeline import Recipe
from tasks.contracts.records import counted
from tasks.contracts.targets import Strata
from tasks.core.errors import DataError, mismatch
from tasks.data.draws import draw, drawn_parts
from tasks.data.prepared.survey import Objects, Rows, Survey, groups_of

SPLITS = ("train", "validation", "test")
Splits = dict[str, Rows]
Group = tuple[str, ...]
SEPARATOR = "\0"
LEAST = 3
"""samples of a group: one per split"""
LeftOut = Mapping[str, Mapping[str, int]]
"""stratum -> reason -> samples of it that are not among those to split"""
NONE_LEFT_OUT: LeftOut = {}


def split(recipe: Recipe, found: Survey, rows: Rows, strata: Strata, left_out: LeftOut = NONE_LEFT_OUT) -> Splits:
    """Returns train, validation and test, each in the order of ids and with samples of every stratum.

    Args:
        recipe: the split is in its `data` section.
        found: all samples.
        rows: those of them to split, in order.
        strata: the groups of these.
        left_out: of each group, why samples of it are not among them.

    Raises:
        DataError: a group has too few samples for one in each split; all of them at once.
    """
    if isinstance(recipe.data.split, GroupedSplit):
        found = replace(found, parts=_parts_of_groups(recipe, recipe.data.split, found, rows))
    whole: dict[Group, Rows] = {(name,): rows[strata.of == number] for number, name in enumerate(strata.names)}
    groups = _finer(recipe, found, whole)
    problems = [*_problems(recipe, found, whole, "or leave them out", left_out)]
    if problems := problems or [*_problems(recipe, found, groups, "or shorten `split.by`", left_out)]:
        raise DataError("\n".join(problems))
    cuts = [_cut(recipe.data.split, SEPARATOR.join(group), found, members) for group, members in groups.items()]
    return {name: np.sort(np.concatenate([cut[name] for cut in cuts])) for name in SPLITS}


def _finer(recipe: Recipe, found: Survey, whole: Mapping[Group, Rows]) -> dict[Group, Rows]:
    """Returns (stratum, value of each column in `by`) -> samples."""
    rule = recipe.data.split
    columns = [found.columns[name] for name in rule.by] if isinstance(rule, StratifiedSplit) else []
    return {
        (*group, *map(str, values)): some
        for group, members in whole.items()
        for values, some in groups_of(members, *columns).items()
    }


def _cut(rule: Split, group: str, found: Survey, members: Rows) -> Splits:
    if isinstance(rule, StratifiedSplit):
        return _stratified(rule, group, members)
    if isinstance(rule, HashedSplit):
        return _hashed(rule, found, members)
    if isinstance(rule, GroupedSplit) or "validation" in found.published:
        return {part: members[found.parts[members] == part] for part in SPLITS}
    return _official(rule, group, found, members)


def _stratified(rule: StratifiedSplit, group: str, members: Rows) -> Splits:
    validation = _count(rule.validation, len(members), spare=2)
    test = _count(rule.test, len(members), spare=1 + validation)
    return _parts(shuffled(members, rule.seed, group), test, validation)


def _hashed(rule: HashedSplit, found: Survey, members: Rows) -> Splits:
    """Cuts at fixed places between 0 and 1; a stratum too small to have a sample there gives its nearest."""
    draws = np.array([draw(rule.seed, bytes(content)) for content in found.contents[members]])
    test, judged = (int((draws < end).sum()) for end in (rule.test, rule.test + rule.validation))
    test = min(max(1, test), len(members) - 2)
    validation = min(max(1, judged - test), len(members) - test - 1)
    return _parts(members[np.argsort(draws, kind="stable")], test, validation)


def _parts_of_groups(recipe: Recipe, rule: GroupedSplit, found: Survey, rows: Rows) -> Objects:
    """Returns the part that each sample belongs to with its group.

    Raises:
        DataError: groups that the recipe names are not there, or too few are left for one in each part.
    """
    column = found.columns[rule.by]
    left = sorted({*column[rows].tolist()})
    named = {part: given for part in ("test", "validation") if isinstance(given := getattr(rule, part), tuple)}
    if missing := [group for groups in named.values() for group in groups if group not in left]:
        expected, got = f"some of the groups {', '.join(left)}", ", ".join(f"`{group}`" for group in missing)
        raise DataError(mismatch(f"params/{recipe.name}.yaml", "data.split", expected, got, "correct the names"))
    part_of = {group: part for part, groups in named.items() for group in groups}
    left = [group for group in left if group not in part_of]
    drawn = {part: getattr(rule, part) for part in ("test", "validation") if part not in named}
    if len(left) <= len(drawn):
        got = f"{len(left)} of `{rule.by}`" + (" beside those that are named" if named else "")
        expected = f"at least {len(drawn) + 1} groups to train and to judge on"
        raise DataError(mismatch(f"data of {recipe.name}", "split.by", expected, got, "add groups"))
    part_of |= drawn_parts(rule.seed, left, drawn)
    parts = np.full(len(found), None, dtype=np.object_)
    parts[rows] = [part_of.get(group, "train") for group in column[rows]]
    return parts


def _parts(ordered: Rows, test: int, validation: int) -> Splits:
    return {
        "test": ordered[:test],
        "validation": ordered[test : test + validation],
        "train": ordered[test + validation :],
    }


def _official(rule: OfficialSplit, group: str, found: Survey, members: Rows) -> Splits:
    trained, judges = (members[found.parts[members] == part] for part in ("train", "test"))
    drawn = shuffled(trained, rule.seed, group)
    validation = _count(rule.validation, len(drawn), spare=1)
    return {"test": judges, "validation": drawn[:validation], "train": drawn[validation:]}


def _count(part: float, samples: int, spare: int) -> int:
    """Returns `part` of the samples, at least one, leaving `spare` to the other splits."""
    return min(max(1, int(part * samples + 0.5)), samples - spare)


def shuffled(members: Rows, seed: int, group: str) -> Rows:
    """Returns the samples of a group in the order that the seed and its name give them, on every machine."""
    bits = np.random.PCG64([seed, *group.encode()]).random_raw(len(members))
    return members[np.argsort(bits, kind="stable")]


def _problems(recipe: Recipe, found: Survey, groups: Mapping[Group, Rows], do: str, left_out: LeftOut) -> Iterator[str]:
    for group, members in groups.items():
        for expected, got in _shortages(recipe.data.split, found, members):
            where = " ".join(["samples", *(["of", ", ".join(group)] if any(group) else [])])
            reasons = left_out.get(group[0])
            told = f"{got}; left out: {counted(reasons)}" if reasons else got
            yield mismatch(f"data of {recipe.name}", where, expected, told, f"add samples, {do}")


def _shortages(rule: Split, found: Survey, members: Rows) -> Iterator[tuple[str, str]]:
    """Yields (expected, got) for what a group lacks to be in each split."""
    if isinstance(rule, DrawnSplit):
        if len(members) < LEAST:
            yield f"at least {LEAST} samples, one per split", f"{len(members) or 'none'}"
        return
    own = "validation" in found.published
    where = "groups of the {} set" if isinstance(rule, GroupedSplit) else "published {} set"
    for part, least in (("train", 1 if own else 2), *([("validation", 1)] if own else []), ("test", 1)):
        count = int((found.parts[members] == part).sum())
        if count < least:
            yield f"at least {least} in the {where.format(part)}", f"{count or 'none'}"
