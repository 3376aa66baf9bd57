"""The second stage: reads, checks, splits and writes the samples to `data/NAME/prepared`."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from params.pipeline import Recipe
from tasks.data.classes import in_order
from tasks.data.duplicates import refuse_copies, without_copies
from tasks.data.integrity import CARD
from tasks.data.raw import check_raw
from tasks.data.readers.image_folder import read_image_folder
from tasks.data.readers.pixel_table import read_pixel_table
from tasks.data.readers.table import read_table
from tasks.data.readers.time_series import read_time_series
from tasks.data.samples import Reading
from tasks.data.shards import ShardWriter, file_record
from tasks.data.split import Splits, split
from tasks.data.statistics import statistics_of
from tasks.data.survey import Survey, survey
from tasks.files import whole_folder
from tasks.records import DataFile, DatasetCard, InputSpec, Shard, SplitCard

READERS: dict[str, Callable[[Any, Path], Reading]] = {
    "pixel_table": read_pixel_table,
    "image_folder": read_image_folder,
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
    reading = READERS[recipe.data.reader.kind](recipe.data.reader, home / "raw")
    found = survey(recipe, reading)
    entries, dropped = without_copies(found.entries) if recipe.data.duplicates == "drop" else (found.entries, Counter())
    splits = split(recipe, entries, reading.classes)
    if recipe.data.duplicates == "refuse":
        refuse_copies(recipe, splits)
    with whole_folder(home / "prepared") as folder:
        card = _write(recipe, reading, found, splits, folder)
        card = card.model_copy(update={"dropped": {**reading.dropped, **dict(dropped)}})
        (folder / CARD).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _write(recipe: Recipe, reading: Reading, found: Survey, splits: Splits, folder: Path) -> DatasetCard:
    """Writes arrays and tables, and returns the card that describes them."""
    classes = in_order(entry.label for entries in splits.values() for entry in entries)
    spec = found.spec(reading)
    shards = _write_shards(recipe, reading, spec, classes, splits, folder)
    return DatasetCard(
        name=recipe.name,
        task=recipe.data.task,
        input=spec,
        classes=classes,
        feature_names=reading.feature_names,
        statistics=statistics_of(folder, shards["train"], spec),
        split_rule={**recipe.data.split.model_dump(mode="json"), "duplicates": recipe.data.duplicates},
        splits={name: _split_card(name, splits, classes, shards, folder) for name in splits},
        licence=recipe.data.source.licence,
    )


def _write_shards(
    recipe: Recipe, reading: Reading, spec: InputSpec, classes: tuple[str, ...], splits: Splits, folder: Path
) -> dict[str, tuple[Shard, ...]]:
    """Reads every sample a second time and writes it to its place."""
    megabytes = recipe.data.shard_megabytes
    writers = {name: ShardWriter(folder, name, spec, megabytes, len(entries)) for name, entries in splits.items()}
    number = {label: index for index, label in enumerate(classes)}
    for name, entries in splits.items():
        labels = np.array([number[entry.label] for entry in entries], dtype=np.int64)
        writers[name].write_labels(labels, np.array([entry.frames for entry in entries], dtype=np.int32))
    places = {entry.id: (name, row) for name, entries in splits.items() for row, entry in enumerate(entries)}
    for sample in reading.samples():
        if sample.id in places:  # else it was dropped
            name, row = places[sample.id]
            writers[name].write(row, sample.values)
    return {name: writer.close() for name, writer in writers.items()}


def _split_card(
    name: str, splits: Splits, classes: tuple[str, ...], shards: dict[str, tuple[Shard, ...]], folder: Path
) -> SplitCard:
    counts = Counter(entry.label for entry in splits[name])
    return SplitCard(
        samples=len(splits[name]),
        class_counts=tuple(counts[label] for label in classes),
        shards=shards[name],
        table=_write_table(name, splits, folder),
    )


def _write_table(name: str, splits: Splits, folder: Path) -> DataFile:
    """Writes id and label per sample; uncompressed, so that the bytes do not depend on a compressor's version."""
    columns = {"id": [entry.id for entry in splits[name]], "label": [entry.label for entry in splits[name]]}
    path = folder / f"{name}.parquet"
    pq.write_table(pa.table(columns), path, compression="none")
    return file_record(path)
