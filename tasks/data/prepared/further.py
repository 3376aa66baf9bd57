"""Further training samples from a source without labels: each file as a device is given it, read by the same code."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from params.pipeline import Recipe
from tasks.contracts.records import UNLABELLED, counted
from tasks.core.errors import DataError, mismatch
from tasks.data.prepared.quarantine import CORRUPT, Bad, judge
from tasks.data.prepared.split import Splits
from tasks.data.prepared.survey import Survey, digest_of
from tasks.data.readers.raw import PICTURES, members, quiet_pillow, raw_names
from tasks.data.readers.samples import Reading, Sample
from tasks.layouts import find_layout
from tasks.runtime.errors import WrongInputError
from tasks.runtime.preprocess.preprocessor import Preprocessor, preprocessor_from

OTHER_FILE = "file of another form, by its name"
NAMES = {
    "image/": (*PICTURES,),
    "audio/": (".wav",),
    "text/": (".csv", ".tsv", ".txt"),
    "application/": (".npy", ".npz"),
}
"""beginning of a media type -> suffixes of such files"""
CALLED = {"train": "training", "validation": "validation", "test": "test"}
FIELD = "data.unlabelled.source"


@dataclass(frozen=True)
class Further:
    """The samples without labels, in the order of reading.

    Attributes:
        reading: reads them, as often as is wanted.
        ids: of those that stay.
        stays: (all that were read,) which of them stay.
        longest: the length of the longest of these, where lengths differ.
        bad: those that cannot be read.
        dropped: reason -> how many are left out though nothing is wrong with them.
        strange: samples with values that no sample with a label has, such as a new category.
    """

    reading: "FurtherReading"
    ids: tuple[str, ...]
    stays: np.ndarray[tuple[int], np.dtype[np.bool_]]
    longest: int
    bad: tuple[Bad, ...]
    dropped: dict[str, int]
    strange: int

    def samples(self) -> Iterator[Sample]:
        """Yields those that stay."""
        for sample, stays in zip(self.reading.samples(), self.stays, strict=True):
            if stays:
                yield sample

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know of them."""
        if not self.strange:
            return ()
        return (f"{self.strange:,} of {len(self.ids):,} samples without labels have values that are in no other",)


@dataclass(frozen=True)
class FurtherReading:
    """The files of a source, read as a device reads raw input."""

    preprocessor: Preprocessor
    layout: str
    raw: Path

    def samples(self) -> Iterator[Sample]:
        """Yields each sample, the wrong ones with a problem, and a file of which nothing can be read as one."""
        for name, content in self.files():
            try:
                with quiet_pillow():
                    found = [*self.preprocessor.each(content)]
            except WrongInputError as error:
                yield Sample(f"{UNLABELLED}/{name}", problem=str(error))
                continue
            for row, one in enumerate(found):
                place = f":{row + 1:07d}" if len(found) > 1 else ""
                problem = one.problem and ": ".join(filter(None, (one.name, one.problem)))
                yield Sample(f"{UNLABELLED}/{name}{place}", values=one.values, problem=problem, slices=(*one.notes,))

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yields the name and the content of each file that may be raw input, by its name."""
        return ((name, content) for name, content in self._all() if name.lower().endswith(self.suffixes))

    def others(self) -> int:
        """Returns how many files are none."""
        return sum(not name.lower().endswith(self.suffixes) for name, _ in self._all())

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Of files that the preprocessor may read."""
        media = self.preprocessor.media_types
        return tuple(
            suffix for begin, some in NAMES.items() if any(m.startswith(begin) for m in media) for suffix in some
        )

    def _all(self) -> Iterator[tuple[str, bytes]]:
        for name in raw_names(self.raw):
            if not name.endswith(".tar"):
                yield name, (self.raw / name).read_bytes()
                continue
            for member, stream in members(self.raw / name):
                if stream is not None:
                    yield member.name, stream.read()


def further_samples(recipe: Recipe, reading: Reading, found: Survey, splits: Splits, raw: Path) -> Further:
    """Reads the samples without labels once, and says which of them stay.

    Those that equal a sample with a label, wherever that one is, or one another, are left out.

    Args:
        recipe: the source is in its `data` section.
        reading: of the samples with labels, without gaps.
        found: these.
        splits: where they are.
        raw: the folder with the files without labels.

    Raises:
        DataError: this form of data is not read without labels, none is left, or some cannot be read and the recipe
            refuses that.
    """
    one = FurtherReading(_preprocessor(recipe, reading), reading.layout, raw)
    known, ragged = _known(reading, found, splits), find_layout(reading.layout).ragged
    ids, stays, bad, dropped, longest, strange = list[str](), list[bool](), list[Bad](), Counter[str](), 0, 0
    for sample in one.samples():
        problem = sample.problem or _problem(sample, found, ragged)
        reason = "" if problem else known.get(digest := digest_of(sample.values), "")
        stays.append(not problem and not reason)
        if problem:
            bad.append(Bad(sample.id, CORRUPT, problem))
        elif reason:
            dropped[reason] += 1
        else:
            known[digest] = "copy of a sample without label"
            ids.append(sample.id)
            longest, strange = max(longest, len(sample.values)), strange + bool(sample.slices)
    judge(recipe, bad, len(stays))
    if others := one.others():
        dropped[OTHER_FILE] += others
    if not ids:
        got = f"none; left out: {counted(dropped)}" if dropped else "none"
        do = f"give files that end in {', '.join(one.suffixes)}, with samples that are not there with a label"
        raise DataError(mismatch(f"data of {recipe.name}", FIELD, "samples without labels", got, do))
    return Further(one, tuple(ids), np.array(stays, dtype=bool), longest, tuple(bad), dict(dropped), strange)


def _preprocessor(recipe: Recipe, reading: Reading) -> Preprocessor:
    found = preprocessor_from(json.loads(json.dumps(dict(reading.preprocessing))))
    if not found.media_types:
        expected = "a reader of single raw samples (image_folder, image_table, table, long_table, wide_table, ...)"
        do = "convert the data, or say `data.labels: {keep: ...}`"
        got = f"`{recipe.data.reader.kind}`"
        raise DataError(mismatch(f"params/{recipe.name}.yaml", "data.unlabelled", expected, got, do))
    return found


def _known(reading: Reading, found: Survey, splits: Splits) -> dict[bytes, str]:
    """Returns the digest of each sample with a label -> why an equal one is left out; as it is when gaps are filled."""
    split_of = {int(row): CALLED.get(name, "training") for name, rows in splits.items() for row in rows}
    known: dict[bytes, str] = {}
    for sample, place in zip(reading.samples(), found.places, strict=True):
        if place >= 0:
            called = split_of.get(int(place))
            known[digest_of(sample.values)] = f"copy of a {called} sample" if called else "copy of a sample left out"
    return known


def _problem(sample: Sample, found: Survey, ragged: bool) -> str:
    shape = sample.values.shape[ragged:]
    if shape != found.shape:
        return f"expected shape {found.shape} like the samples with labels, got {shape}"
    with suppress(TypeError):
        if not np.isfinite(sample.values).all():
            return "expected finite numbers, got some that are NaN or infinite"
    return ""
