"""The second stage: reads, checks, splits and writes the samples to `data/NAME/prepared`."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from params.data import Data
from params.pipeline import Recipe
from tasks.contracts.records import DatasetCard, InputSpec, Shard, SplitCard
from tasks.core.errors import DataError
from tasks.core.files import whole_folder
from tasks.data.prepared.classes import in_order
from tasks.data.prepared.duplicates import judge_copies, set_apart
from tasks.data.prepared.heads import further_heads, label_numbers
from tasks.data.prepared.quarantine import judge, leaves_out, write_quarantine
from tasks.data.prepared.shards import ShardWriter
from tasks.data.prepared.split import Splits, split
from tasks.data.prepared.split_table import write_tables
from tasks.data.prepared.statistics import statistics_of
from tasks.data.prepared.survey import Objects, Survey, survey
from tasks.data.readers.idx import read_idx
from tasks.data.readers.image_folder import read_image_folder
from tasks.data.readers.image_table import read_image_table
from tasks.data.readers.pixel_table import read_pixel_table
from tasks.data.readers.raw import check_raw
from tasks.data.readers.samples import Reading
from tasks.data.readers.table import read_table
from tasks.data.readers.time_series import read_time_series
from tasks.data.versions.versions_store import CARD

READERS: dict[str, Callable[[Any, Path], Reading]] = {
    "pixel_table": read_pixel_table,
    "image_folder": read_image_folder,
    "image_table": read_image_table,
    "idx": read_idx,
    "time_series": read_time_series,
    "table": read_table,
}


def prepare(recipe: Recipe, root: Path) -> None:
    """Fills `data/NAME/prepared` from `data/NAME/raw`.

    Raises:
        DataError: the samples are not what the recipe says they are.
        IntegrityError: the fetched files were damaged since.
    """
    home = root / "data" / recipe.name
    check_raw(home / "raw")
    reading = _opened(recipe, home / "raw")
    found = survey(recipe, reading)
    apart = set_apart(recipe, found, reading.heads)
    splits = split(recipe, found, apart.rows, reading.classes)
    copies, dropped = judge_copies(recipe, found, apart, splits)
    judge(recipe, bad := (*found.bad, *copies), len(found.places))
    with whole_folder(home / "prepared") as folder:
        card = _write(recipe, reading, found, splits, folder)
        left_out = {"dropped": {**reading.dropped, **dropped}, "quarantine": write_quarantine(bad, folder)}
        (folder / CARD).write_text(card.model_copy(update=left_out).model_dump_json(indent=2) + "\n", encoding="utf-8")


def _opened(recipe: Recipe, raw: Path) -> Reading:
    """Returns the source opened by its reader; the classes are those of the recipe where it names them."""
    reading = READERS[recipe.data.reader.kind](recipe.data.reader, raw)
    if reading.refusal and not leaves_out(recipe):
        raise DataError(reading.refusal)
    return replace(reading, classes=recipe.data.classes or reading.classes)


def _write(recipe: Recipe, reading: Reading, found: Survey, splits: Splits, folder: Path) -> DatasetCard:
    """Writes arrays and tables, and returns the card that describes them."""
    classes = reading.classes or in_order(label for rows in splits.values() for label in found.labels[rows])
    heads = further_heads(recipe.name, reading, found, splits)
    spec = found.spec(reading)
    labels = {name: label_numbers(found, rows, classes, heads) for name, rows in splits.items()}
    shards = _write_shards(recipe, reading, spec, labels, found, splits, folder)
    statistics = statistics_of(folder, shards["train"], spec)
    tables = write_tables(reading, found, splits, folder)
    return DatasetCard(
        name=recipe.name,
        task=recipe.data.task,
        input=spec,
        classes=classes,
        heads=heads,
        feature_names=reading.feature_names,
        statistics=statistics,
        split_rule=_split_rule(recipe.data),
        splits={
            name: SplitCard(
                samples=len(rows),
                class_counts=_class_counts(found.labels[rows], classes),
                shards=shards[name],
                table=tables[name],
            )
            for name, rows in splits.items()
        },
        licence=recipe.data.source.licence,
    )


def _write_shards(
    recipe: Recipe,
    reading: Reading,
    spec: InputSpec,
    labels: dict[str, NDArray[np.int64]],
    found: Survey,
    splits: Splits,
    folder: Path,
) -> dict[str, tuple[Shard, ...]]:
    """Reads every sample a second time and writes it to its place."""
    megabytes = recipe.data.shard_megabytes
    writers = {name: ShardWriter(folder, name, spec, megabytes, len(rows)) for name, rows in splits.items()}
    # Per sample of the survey: its split, -1 where it was dropped, and its row there.
    split_of = np.full(len(found), -1, dtype=np.int8)
    row_of = np.empty(len(found), dtype=np.int64)
    for number, (name, rows) in enumerate(splits.items()):
        writers[name].write_labels(labels[name], found.frames[rows])
        split_of[rows], row_of[rows] = number, np.arange(len(rows))
    to = list(writers.values())
    for sample, place in zip(reading.samples(), found.places, strict=True):
        if place >= 0 and split_of[place] >= 0:
            to[split_of[place]].write(int(row_of[place]), sample.values)
    return {name: writer.close() for name, writer in writers.items()}


def _split_rule(data: Data) -> dict[str, Any]:
    """Returns how the split was made; without an empty `by`, so that data from before there was one keeps its bytes."""
    rule = data.split.model_dump(mode="json")
    return {name: value for name, value in rule.items() if name != "by" or value} | {"duplicates": data.duplicates}


def _class_counts(labels: Objects, classes: tuple[str, ...]) -> tuple[int, ...]:
    counts = Counter(labels)
    return tuple(counts[label] for label in classes)
