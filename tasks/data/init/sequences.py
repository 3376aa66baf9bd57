"""A first recipe for sequences: the form of the file is recognised, and read as the run will read it."""

import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from params.readers import LABEL, Reader
from tasks.core.errors import DataError, mismatch
from tasks.core.plugins import load
from tasks.data.init.array_names import recognised_arrays
from tasks.data.init.sequence_form import SequenceForm, recognised_table
from tasks.data.init.series import SUFFIX, recognised_series
from tasks.data.init.table_labels import check_label, label_notes
from tasks.data.init.templates import HEAD, OFFICIAL, SPLIT, TAIL, quoted
from tasks.data.init.understanding import Understanding
from tasks.data.readers.rows import SUFFIXES
from tasks.data.readers.samples import Reading, Sample
from tasks.data.sources.own import require_given
from tasks.data.sources.walk import FILE, FOLDER, walked
from tasks.runtime.preprocess.cells import PLAIN

HEADINGS = ("class", "sequences", "shortest", "longest")
SHOWN = 5
_MODELS = """
teacher:
  architecture: {kind: lstm, hidden: 64, layers: 2, dropout: 0.2, bidirectional: true}
  training: {epochs: 40, batch_size: 16, learning_rate: 0.003, gradient_clip: 1.0}

student:
  architecture: {kind: lstm, hidden: 16}
  training: {epochs: 60, batch_size: 16, learning_rate: 0.01, gradient_clip: 1.0}
"""


@dataclass(frozen=True)
class _Looked:
    """The form of a file, and its sequences as the run will see them."""

    form: SequenceForm
    reading: Reading
    good: tuple[Sample, ...]
    bad: tuple[Sample, ...]

    @property
    def features(self) -> int:
        """Numbers per frame."""
        return int(self.good[0].values.shape[1])

    @property
    def labels(self) -> Counter[str]:
        """Class -> sequences."""
        return Counter(sample.target[LABEL] for sample in self.good)


def understand(name: str, source: str, path: Path, label: str | None) -> Understanding:
    """Returns a recipe for sequences; `source` is how the recipe names the file or folder.

    Raises:
        DataError: no such file, no form that is known, no sequence that can be used, or no classes.
    """
    looked = _look(path, label)
    labels = [sample.target[LABEL] for sample in looked.good]
    check_label(path, looked.form.reader.get("label", "labels"), labels, PLAIN)
    recipe = _recipe(name, source, path.is_dir(), looked)
    return Understanding(recipe, HEADINGS, tuple(_rows(looked)), tuple(_notes(path, looked)))


def _look(path: Path, label: str | None) -> _Looked:
    form = _form(path, label)
    section: Any = TypeAdapter(Reader).validate_python(form.reader)
    with tempfile.TemporaryDirectory() as raw:
        for file in sorted(file for suffix in (".npy", SUFFIX) for file in path.glob(f"*{suffix}")) or [path]:
            Path(raw, file.name).symlink_to(file.absolute())
        reading: Reading = load("tasks.data.readers.{}", section.kind).read(section, Path(raw))
        samples = [*reading.samples()]
    good = tuple(sample for sample in samples if not sample.problem and sample.target[LABEL].strip())
    bad = tuple(sample for sample in samples if sample.problem or not sample.target[LABEL].strip())
    if not good:
        got = f"none of {len(bad)}; `{bad[0].id}`: {_problem(bad[0])}"
        raise DataError(mismatch(str(path), "", "sequences that can be used", got, "correct the file"))
    return _Looked(form, reading, good, bad)


def _form(path: Path, label: str | None) -> SequenceForm:
    require_given(path, "--sequences", "a file or folder with sequences", FILE, FOLDER)
    walked(path)
    if path.suffix.lower() == SUFFIX or any(path.glob(f"*{SUFFIX}")):
        return SequenceForm(recognised_series(path))
    if path.is_dir() or path.name.lower().endswith(".npz"):
        return SequenceForm(recognised_arrays(path, label))
    if path.name.lower().endswith(SUFFIXES):
        return recognised_table(path, label)
    expected = f"an .npz, a folder of .npy or .ts, or a table that ends in {', '.join(SUFFIXES)}"
    raise DataError(mismatch(str(path), "", expected, f"`{path.name}`", "save it in one of these forms"))


def _recipe(name: str, source: str, folder: bool, looked: _Looked) -> str:
    reader = looked.form.reader
    lines = "".join(f"    {field}: {quoted(value)}\n" for field, value in reader.items() if field != "kind")
    split = SPLIT
    if _is_split(looked):
        split = OFFICIAL.replace("the folders that were published", "the split of the file").replace("folder", "part")
    head = HEAD.format(name=name, kind="folder" if folder else "file", path=json.dumps(source))
    models = _MODELS + TAIL.format(candidates="[fp32, dynamic_int8]")
    return f"{head}  reader:\n    kind: {reader['kind']}\n{lines}{split}{models}"


def _rows(looked: _Looked) -> Iterator[tuple[str, ...]]:
    for label, count in sorted(looked.labels.items()):
        lengths = [len(sample.values) for sample in looked.good if sample.target[LABEL] == label]
        yield label, f"{count:,}", f"{min(lengths):,}", f"{max(lengths):,}"


def _notes(path: Path, looked: _Looked) -> Iterator[str]:
    """Yields what was understood, what is left out, and what that costs."""
    reader, lengths = looked.form.reader, [len(sample.values) for sample in looked.good]
    features = f"{looked.features} {'feature' if looked.features == 1 else 'features'}"
    names = f" ({', '.join(looked.reading.feature_names)})" if looked.reading.feature_names else ""
    frames = f"{min(lengths):,} to {max(lengths):,} frames"
    yield f"{path}: {reader['kind']}, {len(looked.good):,} sequences of {features}{names}, {frames}"
    said = [f"{field} {quoted(value)}" for field, value in reader.items() if field not in ("kind", "ignore")]
    yield f"written into the recipe: {', '.join(said)}"
    yield from looked.form.left_out
    yield _split_in_words(looked)
    if looked.bad:
        listed = "; ".join(f"`{sample.id}`: {_problem(sample)}" for sample in looked.bad[:SHOWN])
        more = f" and {len(looked.bad) - SHOWN} more" if len(looked.bad) > SHOWN else ""
        do = "correct them, or say `arrivals: {bad: quarantine}`"
        yield f"{len(looked.bad):,} that cannot be used: {listed}{more}; the run stops: {do}"
    yield from label_notes(looked.labels)


def _problem(sample: Sample) -> str:
    return sample.problem or "expected a label, got none"


def _is_split(looked: _Looked) -> bool:
    return any(sample.part for sample in looked.good)


def _split_in_words(looked: _Looked) -> str:
    if not _is_split(looked):
        return "split: drawn, 60 % to train on, 20 % to choose, 20 % to judge"
    parts = Counter(sample.part for sample in looked.good if sample.part)
    return "split: that of the file, " + ", ".join(f"{part} {parts[part]:,}" for part in sorted(parts))
