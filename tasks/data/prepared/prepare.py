"""The second stage: reads, checks, splits and writes the samples to `data/NAME/prepared`."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from params.data import GroupedSplit
from params.pipeline import Recipe
from tasks.contracts.records import UNLABELLED, DatasetCard, InputSpec, Shard, SplitCard, counted
from tasks.contracts.targets import Strata, TargetCard, Targets
from tasks.core.errors import DataError, mismatch
from tasks.core.files import whole_folder
from tasks.core.plugins import load
from tasks.data.prepared.duplicates import Apart, judge_copies, left_out_by_stratum, set_apart
from tasks.data.prepared.few_labels import without_labels
from tasks.data.prepared.further import Further, further_samples
from tasks.data.prepared.near_equal import near_equal_told
from tasks.data.prepared.quarantine import judge, leaves_out, write_quarantine
from tasks.data.prepared.shards import ShardWriter
from tasks.data.prepared.split import LEAST, LeftOut, Splits, split
from tasks.data.prepared.split_table import write_tables
from tasks.data.prepared.statistics import statistics_of
from tasks.data.prepared.survey import Rows, Survey, survey
from tasks.data.readers.raw import check_raw
from tasks.data.readers.samples import Reading, Sample
from tasks.data.versions.versions_store import CARD
from tasks.kinds.contract import Arrays, TargetsPart, part
from tasks.layouts import find_layout

NO_ROWS: Rows = np.empty(0, dtype=np.int64)


def prepare(recipe: Recipe, root: Path) -> None:
    """Fills `data/NAME/prepared` from `data/NAME/raw`.

    Raises:
        DataError: the samples are not what the recipe says they are.
        IntegrityError: the fetched files were damaged since.
    """
    home = root / "data" / recipe.name
    check_raw(home / "raw")
    kind = part(recipe.data.task, "targets", TargetsPart)
    reading = _opened(recipe, home / "raw")
    found = survey(recipe, reading, kind)
    apart = set_apart(recipe, found)
    targets, splits = _split(recipe, reading, found, apart, kind)
    copies, dropped = judge_copies(recipe, found, apart, splits)
    judge(recipe, bad := (*found.bad, *copies), len(found.places))
    learned = splits["train"]
    splits, copies_of_labelled = without_labels(recipe, found, splits, targets, kind)
    if reading.fit:
        reading = replace(reading.fit(np.isin(found.places, learned)), declared=reading.declared)
    dropped = Counter(reading.dropped) + Counter(dropped) + Counter(copies_of_labelled)
    further = None
    if recipe.data.unlabelled:
        check_raw(home / "raw" / UNLABELLED)
        further = further_samples(recipe, reading, found, splits, home / "raw" / UNLABELLED)
        bad, dropped = (*bad, *further.bad), dropped + Counter(further.dropped)
        splits = {UNLABELLED: NO_ROWS, **splits}
    with whole_folder(home / "prepared") as folder:
        card = _Preparation(recipe, reading, kind, found, targets, splits, further, folder).written()
        left_out = {"dropped": dict(dropped), "quarantine": write_quarantine(bad, folder)}
        (folder / CARD).write_text(card.model_copy(update=left_out).model_dump_json(indent=2) + "\n", encoding="utf-8")


def _opened(recipe: Recipe, raw: Path) -> Reading:
    """Returns the source opened by its reader; the recipe has the last word on what it declares."""
    reading: Reading = load("tasks.data.readers.{}", recipe.data.reader.kind).read(recipe.data.reader, raw)
    if reading.refusal and not leaves_out(recipe):
        raise DataError(reading.refusal)
    told = {
        column: {**reading.declared.get(column, {}), **facts} for column, facts in recipe.data.declared.items() if facts
    }
    return replace(reading, declared={**reading.declared, **told})


def _split(
    recipe: Recipe, reading: Reading, found: Survey, apart: Apart, kind: TargetsPart
) -> tuple[TargetCard, Splits]:
    gists = found.gists[apart.rows].tolist()
    # A group of which all samples are copies is told of, unless bad samples may go without stopping anything.
    card = kind.card(gists if leaves_out(recipe) else found.gists.tolist(), reading.declared)
    left_out = left_out_by_stratum(found, apart, kind, reading.declared)
    strata = kind.strata(gists, card)
    _require_none_gone(recipe, strata, left_out)
    splits = split(recipe, found, apart.rows, strata, left_out)
    gists_of = {name: found.gists[rows].tolist() for name, rows in splits.items()}
    problems = [*kind.problems(gists_of["train"], card), *kind.problems_of_splits(gists_of, card)]
    if problems:
        raise DataError("\n".join(f"`data of {recipe.name}`: {problem}" for problem in problems))
    return card, splits


def _require_none_gone(recipe: Recipe, strata: Strata, left_out: LeftOut) -> None:
    """Refuses that a rule takes every sample of a group; a few bad ones alone are no group, but mistakes."""
    gone = {name: why for name, why in left_out.items() if name not in strata.names and sum(why.values()) >= LEAST}
    where, do = f"data of {recipe.name}", "correct them, or say in `data.classes` which labels there are"
    problems = [
        mismatch(where, f"samples of {name}", "some that can be used", f"none; left out: {counted(why)}", do)
        for name, why in gone.items()
    ]
    if problems:
        raise DataError("\n".join(problems))


@dataclass(frozen=True)
class _Preparation:
    """Samples that were read once and split, about to be written."""

    recipe: Recipe
    reading: Reading
    kind: TargetsPart
    found: Survey
    targets: TargetCard
    splits: Splits
    further: Further | None
    folder: Path

    @property
    def spec(self) -> InputSpec:
        """What a prepared sample looks like."""
        spec = self.found.spec(self.reading)
        if self.further is None or not find_layout(spec.layout).ragged:
            return spec
        return spec.model_copy(update={"shape": (max(spec.shape[0], self.further.longest), *spec.shape[1:])})

    @property
    def more(self) -> dict[str, Sequence[str]]:
        """Split -> ids of samples behind those of the survey."""
        return {UNLABELLED: self.further.ids} if self.further else {}

    def written(self) -> DatasetCard:
        """Writes arrays and tables, and returns the card that describes them."""
        data, spec = self.recipe.data, self.spec
        shards = self._write_shards()
        tables = write_tables(self.reading, self.found, self.splits, self.more, self.folder)
        return DatasetCard(
            name=self.recipe.name,
            task=data.task,
            input=spec,
            columns=self.kind.columns(self.targets),
            targets=self.targets,
            preprocessing=dict(self.reading.preprocessing),
            feature_names=self.reading.feature_names,
            statistics=statistics_of(self.folder, (*shards["train"], *shards.get(UNLABELLED, ())), spec),
            split_rule=data.split.model_dump(mode="json") | {"duplicates": data.duplicates},
            splits={
                name: SplitCard(
                    samples=len(rows) + len(self.more.get(name, ())),
                    shards=shards[name],
                    table=tables[name],
                    summary=self._summary(name, shards[name]),
                )
                for name, rows in self.splits.items()
            },
            warnings=(
                *near_equal_told(self.targets.names),
                *self._near_equal_groups(),
                *self.reading.warnings,
                *(self.further.warnings if self.further else ()),
            ),
            licence="; ".join(dict.fromkeys(one.licence for one in data.sources.values() if one.licence)) or None,
        )

    def _near_equal_groups(self) -> tuple[str, ...]:
        """Returns in words which groups may be one, which is then trained on by one name and judges by another."""
        rule = self.recipe.data.split
        if not isinstance(rule, GroupedSplit):
            return ()
        return near_equal_told(map(str, self.found.columns[rule.by]), f"groups of `{rule.by}`")

    def _write_shards(self) -> dict[str, tuple[Shard, ...]]:
        """Reads every sample a second time and writes it to its place."""
        megabytes, columns = self.recipe.data.shard_megabytes, self.kind.columns(self.targets)
        writers = {
            name: ShardWriter(
                self.folder,
                name,
                self.spec,
                () if name == UNLABELLED else columns,
                megabytes,
                len(rows) + len(self.more.get(name, ())),
            )
            for name, rows in self.splits.items()
        }
        # Per sample of the survey: its split, -1 where it was dropped, and its row there.
        split_of = np.full(len(self.found), -1, dtype=np.int8)
        row_of = np.empty(len(self.found), dtype=np.int64)
        for number, rows in enumerate(self.splits.values()):
            split_of[rows], row_of[rows] = number, np.arange(len(rows))
        to = list(writers.items())
        for sample, place in zip(self.reading.samples(), self.found.places, strict=True):
            if place >= 0 and split_of[place] >= 0:
                name, writer = to[split_of[place]]
                writer.write(int(row_of[place]), sample.values, self._encoded(name, sample))
        if self.further:
            for row, sample in enumerate(self.further.samples(), start=len(self.splits[UNLABELLED])):
                writers[UNLABELLED].write(row, sample.values, {})
        return {name: writer.close() for name, writer in writers.items()}

    def _encoded(self, split: str, sample: Sample) -> Arrays:
        return {} if split == UNLABELLED else self.kind.encode(sample.target, self.reading.declared, self.targets)

    def _summary(self, split: str, shards: Sequence[Shard]) -> dict[str, Any]:
        return {} if split == UNLABELLED else self.kind.summary(self._targets(shards), self.targets)

    def _targets(self, shards: Sequence[Shard]) -> Iterator[Targets]:
        for shard in shards:
            yield Targets.mapped(
                {name: self.folder / file.name for name, file in shard.targets.items()},
                {name: self.folder / file.name for name, file in shard.offsets.items()},
            )
