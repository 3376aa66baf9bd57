"""Few labels: some of the training samples keep their targets, drawn group by group, and the others lose them.

It shows on data that is labelled throughout what fewer labels would be worth. Validation and test keep all of theirs:
they choose and judge.
"""

from collections.abc import Mapping
from math import floor

import numpy as np

from params.data import KeptLabels
from params.pipeline import Recipe
from tasks.contracts.records import UNLABELLED
from tasks.contracts.targets import TargetCard
from tasks.core.errors import DataError, mismatch
from tasks.data.prepared.split import Splits, shuffled
from tasks.data.prepared.survey import Survey
from tasks.kinds.contract import TargetsPart

COPY = "copy of a training sample"


def without_labels(
    recipe: Recipe, found: Survey, splits: Splits, card: TargetCard, kind: TargetsPart
) -> tuple[Splits, dict[str, int]]:
    """Returns the splits with the training samples that lose their targets as one more, and how many are left out.

    Left out are those that equal one that keeps its target: of their content the target is known.

    Raises:
        DataError: the recipe keeps more targets than there are, fewer than one of each group, or all.
    """
    rule, rows = recipe.data.labels, splits["train"]
    if rule.all:
        return splits, {}
    if rule.none:
        return {**splits, "train": rows[:0], UNLABELLED: rows}, {}
    strata = kind.strata(found.gists[rows].tolist(), card)
    groups = {name: rows[strata.of == number] for number, name in enumerate(strata.names)}
    counts = _quotas(recipe, rule, {name: len(members) for name, members in groups.items() if len(members)})
    labelled = np.concatenate([shuffled(groups[name], rule.seed, name)[:count] for name, count in counts.items()])
    if problems := [*kind.problems(found.gists[labelled].tolist(), card)]:
        raise DataError("\n".join(f"`data of {recipe.name}`: {problem}" for problem in problems))
    known, others = {bytes(one) for one in found.contents[labelled]}, np.setdiff1d(rows, labelled)
    new = np.array([bytes(one) not in known for one in found.contents[others]], dtype=bool)
    copies = int((~new).sum())
    return {**splits, "train": np.sort(labelled), UNLABELLED: others[new]}, {COPY: copies} if copies else {}


def _quotas(recipe: Recipe, rule: KeptLabels, sizes: Mapping[str, int]) -> dict[str, int]:
    """Returns how many samples of each group keep their targets: the same part of each, and at least one."""
    total = sum(sizes.values())
    wanted = int(rule.keep) if rule.keep > 1 else round(rule.keep * total)
    if not len(sizes) <= wanted < total:
        expected = f"at least {len(sizes)}, one of each group, and fewer than the {total:,} training samples"
        do = "leave `data.labels` out to keep all" if wanted >= total else "keep more"
        raise DataError(mismatch(f"params/{recipe.name}.yaml", "data.labels.keep", expected, f"{wanted:,}", do))
    exact = {name: wanted * size / total for name, size in sizes.items()}
    counts = {name: max(1, floor(part)) for name, part in exact.items()}
    # What rounding left goes to those that lost most by it; what `at least one` took comes from the largest.
    for name in sorted(exact, key=lambda name: (floor(exact[name]) - exact[name], name)):
        if sum(counts.values()) < wanted and counts[name] < sizes[name]:
            counts[name] += 1
    while sum(counts.values()) > wanted:
        counts[max(counts, key=lambda name: (counts[name], name))] -= 1
    return counts
