"""A teacher that is a file of answers, as an ensemble, a panel of people or a service left it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyarrow import ArrowException

from params.teacher import AnswersTeacher, AnswerTable
from tasks.core.errors import DataError, mismatch
from tasks.core.files import sha256_of
from tasks.distill.teachers.outputs import as_tensor, outputs_of_values, require_gives, require_width
from tasks.distill.teachers.samples import AskedSamples, samples_of
from tasks.distill.teachers.table import FILE, joined_answers, load, write_table
from tasks.distill.teachers.teacher_kind import MadeTeacher, Place, TeacherWork
from tasks.kinds.contract import HeadPart, part

UNNAMED_INDEX = "__index_level_"
"""what pandas calls the numbers of rows in a Parquet file"""
SHOWN = 5
"""ids named in a message"""


@dataclass(frozen=True)
class AnswerFile:
    """Ids, the values (n, outputs) of each, and what the file calls the outputs, if it does."""

    ids: Sequence[str]
    values: NDArray[np.float64]
    names: tuple[str, ...] | None


def make(teacher: AnswersTeacher, work: TeacherWork) -> MadeTeacher:
    """Joins the answers with the samples of the data.

    Raises:
        DataError: the file is not there, is cut short, has other outputs than the data, or an answer is missing or
            there twice.
    """
    path = work.project / teacher.file
    if teacher.sha256 and path.is_file() and (got := sha256_of(path)) != teacher.sha256:
        raise DataError(mismatch(str(path), "teacher.sha256", teacher.sha256, got, "correct the digest or the file"))
    found, spec = read_answers(teacher, work.project), work.data.card.spec
    names = part(spec.task, "head", HeadPart).output_names(
        teacher.correspondence, teacher.lacks, found.names, spec.targets
    )
    require_width(str(path), "", found.values.shape[1], names, spec, isinstance(teacher.correspondence, dict))
    require_gives(str(path), teacher.gives, found.values)
    _require_each_once(path, found.ids)
    keys, values, used = _joined(path, found, [*samples_of(work.data, work.splits)])
    outputs = outputs_of_values(as_tensor(values), teacher.gives, names, spec)
    file = work.scratch / FILE
    write_table(file, keys, outputs)
    built = AnswerTable(kind="table")
    extra = len(found.ids) - used
    unused = f"{extra:,} of {len(found.ids):,} answers in `{teacher.file}` are of samples that the data does not have"
    return MadeTeacher(load(built, file, spec), built, file, warnings=(unused,) if extra else ())


def look(teacher: AnswersTeacher, place: Place) -> None:
    """Reads the columns of the file, and compares them with the targets of the data where these are known.

    Raises:
        DataError: the file is not there, is cut short, or its columns do not fit.
    """
    path = place.project / teacher.file
    columns = _columns(path, teacher, place.project)
    if columns is not None and teacher.id not in columns:
        raise DataError(_without_ids(path, teacher, columns))
    if place.targets is not None and columns is not None:
        own = tuple(name for name in columns if name != teacher.id)
        part(place.task, "head", HeadPart).output_names(teacher.correspondence, teacher.lacks, own, place.targets)


def read_answers(teacher: AnswersTeacher, project: Path) -> AnswerFile:
    """Reads a file of answers.

    Raises:
        DataError: it is not there, is cut short, has no ids, or holds something else than numbers.
    """
    path = project / teacher.file
    if _kind(path) == ".npy":
        values = _array(path)
        return AnswerFile(_ids(path, teacher, project, len(values)), values.astype(np.float64), None)
    table = _table(path)
    if teacher.id not in table.columns:
        raise DataError(_without_ids(path, teacher, [*table.columns]))
    others = table.drop(columns=[teacher.id])
    wrong = [str(name) for name, dtype in others.dtypes.items() if not pd.api.types.is_numeric_dtype(dtype)]
    if wrong:
        do = "leave out of the file what is no answer"
        raise DataError(mismatch(str(path), wrong[0], "a column of numbers", "something else", do))
    ids = [str(one) for one in table[teacher.id]]
    return AnswerFile(ids, others.to_numpy(np.float64), tuple(map(str, others.columns)))


def _columns(path: Path, teacher: AnswersTeacher, project: Path) -> list[str] | None:
    """Returns the names of the columns as far as the header tells; None of .npy, which has none."""
    match _kind(path):
        case ".npy":
            _ids(path, teacher, project, len(_array(path)))
            return None
        case ".parquet":
            with _reading(path):
                return [name for name in pq.read_schema(path).names if not name.startswith(UNNAMED_INDEX)]
        case _:
            with _reading(path):
                return list(pd.read_csv(path, nrows=0).columns)


def _table(path: Path) -> pd.DataFrame:
    with _reading(path):
        if _kind(path) == ".parquet":
            # Without what pandas notes beside the columns: an index with a name is a column like the others.
            found: pd.DataFrame = pq.read_table(path).to_pandas(ignore_metadata=True)
            return found[[name for name in found.columns if not name.startswith(UNNAMED_INDEX)]]
        # As texts at first: `007` is an id, and so is `NA`.
        texts = pd.read_csv(path, dtype=str, keep_default_na=False)
        return pd.DataFrame({name: _converted(texts[name]) for name in texts.columns})


def _converted(column: "pd.Series[str]") -> "pd.Series[Any]":
    numbers: pd.Series[Any] = pd.to_numeric(column, errors="coerce")
    return numbers if numbers.notna().all() and not column.str.match(r"0\d").any() else column


def _array(path: Path) -> NDArray[np.floating]:
    with _reading(path):
        values: NDArray[np.floating] = np.load(path, mmap_mode="r", allow_pickle=False)
    if values.ndim != 2 or not np.issubdtype(values.dtype, np.floating):
        got = f"{values.dtype} of shape {values.shape}"
        raise DataError(mismatch(str(path), "", "floats of shape (samples, outputs)", got, "save it so"))
    return values


def _ids(path: Path, teacher: AnswersTeacher, project: Path, rows: int) -> list[str]:
    if teacher.ids is None:
        do = "name a text file with one id per line, in the order of the rows"
        raise DataError(mismatch(str(path), "teacher.ids", "a file of ids beside .npy", "none", do))
    file = project / teacher.ids
    with _reading(file):
        ids = file.read_text(encoding="utf-8").splitlines()
    if len(ids) != rows:
        raise DataError(mismatch(str(file), "", f"{rows:,} ids, as many as rows", f"{len(ids):,}", "correct it"))
    return ids


class _reading:  # noqa: N801 - reads as a function does
    """Turns what libraries raise of a file into one message."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        if not self.path.is_file():
            raise DataError(mismatch(str(self.path), "", "a file of answers", "no such file", "correct the path"))

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, ArrowException | ValueError | OSError | EOFError):
            got = (str(error).splitlines() or [type(error).__name__])[0]
            raise DataError(mismatch(str(self.path), "", "a whole file of answers", got, "write it again")) from None


def _kind(path: Path) -> str:
    known = (".parquet", ".csv", ".npy")
    if path.suffix not in known:
        raise DataError(mismatch(str(path), "teacher.file", f"one of {', '.join(known)}", path.name, "convert it"))
    return path.suffix


def _without_ids(path: Path, teacher: AnswersTeacher, columns: Sequence[str]) -> str:
    got = ", ".join(f"`{name}`" for name in columns[:SHOWN])
    return mismatch(str(path), "teacher.id", f"a column `{teacher.id}` with the ids of samples", got, "name the column")


def _require_each_once(path: Path, ids: Sequence[str]) -> None:
    doubled = [one for one, count in Counter(ids).items() if count > 1]
    if doubled:
        raise DataError(mismatch(str(path), "", "one answer per id", f"more for {_some(doubled)}", "keep one of each"))


def _joined(
    path: Path, found: AnswerFile, samples: Sequence[AskedSamples]
) -> tuple[list[bytes], NDArray[np.float64], int]:
    """Returns the keys of all samples with the values of each, and how many answers were used."""
    ids, keys = [one for some in samples for one in some.ids], [one for some in samples for one in some.keys]
    rows = {one: row for row, one in enumerate(found.ids)}
    by_name = {PurePosixPath(one).name: one for one in ids}
    if not rows.keys() & set(ids) and len(by_name) == len(set(ids)):  # file names instead of whole ids
        rows = {by_name[name]: row for name, row in rows.items() if name in by_name}
    missing = [one for one in ids if one not in rows]
    if missing:
        got = f"none for {len(missing):,} of {len(ids):,}: {_some(missing)}"
        do = "add them, or leave these samples out of the data"
        raise DataError(mismatch(str(path), "", "an answer for every sample", got, do))
    used = [rows[one] for one in ids]
    return *joined_answers(keys, found.values[used]), len(set(used))


def _some(ids: Sequence[str]) -> str:
    shown = ", ".join(f"`{one}`" for one in ids[:SHOWN])
    return f"{shown} and {len(ids) - SHOWN:,} more" if len(ids) > SHOWN else shown
