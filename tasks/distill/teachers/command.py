"""A teacher that is a program: it reads samples and writes answers as JSON lines, and is asked about each sample once.

What it answered lies in a file beside the state of the project, line by line, and is never asked again: not after a
crash, and not when the data has grown. A few samples are asked again all the same, to see whether it still answers so.
"""

import base64
import io
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from params.teacher import AnswerTable, CommandTeacher
from tasks.core.errors import DataError, StageError, mismatch
from tasks.core.record import canonical_digest
from tasks.distill.teachers.answer_log import ANSWERS, AnswerLog
from tasks.distill.teachers.outputs import as_tensor, outputs_of_values, require_gives, require_width
from tasks.distill.teachers.program import Failed, Program
from tasks.distill.teachers.samples import AskedSamples, samples_of
from tasks.distill.teachers.table import FILE, load, write_table
from tasks.distill.teachers.teacher_kind import EVERY_SPLIT, MadeTeacher, Place, TeacherWork
from tasks.kinds.contract import HeadPart, part
from tasks.layouts import INPUTS

WHERE = "teacher.command"
NOTE = "answers"


def make(teacher: CommandTeacher, work: TeacherWork) -> MadeTeacher:
    """Asks the program about every sample that it has not answered yet.

    Raises:
        DataError: it does not answer as many outputs as there should be.
        StageError: it hangs, dies, prints something else than answers, or has changed.
    """
    log = _log(teacher, work)
    work.store.mkdir(parents=True, exist_ok=True)
    with FileLock(work.store / f"{log.path.parent.name}.lock"):
        asking = _Asking(teacher, work, log.read())
        asking.require_unchanged()
        seconds = asking.ask_all(log)
    return _made(teacher, work, asking, seconds)


def confirm(teacher: CommandTeacher, work: TeacherWork) -> None:
    """Asks a few samples again whose answers are on record.

    Raises:
        StageError: they are answered otherwise by now.
    """
    _Asking(teacher, work, _log(teacher, work).read()).require_unchanged()


def unanswered(teacher: CommandTeacher, work: TeacherWork) -> int:
    """Returns how many samples of all splits the program has not answered yet."""
    asking = _Asking(teacher, replace(work, splits=EVERY_SPLIT), _log(teacher, work).read())
    return sum(len(some) for some in asking.batches())


def look(teacher: CommandTeacher, place: Place) -> None:
    """Looks for the program; nothing is started.

    Raises:
        DataError: it is not there, or pictures are to be sent and there are none.
    """
    Program(teacher, place.project).require_there()
    if teacher.sends == "picture" and len(place.input.shape) != 3:
        got, do = f"samples of shape {place.input.shape}", "say `sends: inputs`"
        raise DataError(mismatch("recipe", "teacher.sends: picture", "pictures", got, do))


@dataclass
class _Asking:
    """The samples that are wanted, each once, and what was answered so far: key -> values."""

    teacher: CommandTeacher
    work: TeacherWork
    known: dict[bytes, list[float]]

    def ask_all(self, log: AnswerLog) -> float | None:
        """Asks what is not known, batch by batch, and stores it; returns the seconds per sample, None without any."""
        total, done, asked, spent = sum(1 for _ in self._each()), 0, 0, 0.0
        for some in self.batches():
            started = time.perf_counter()
            answers = self._answers(some)
            spent, asked = spent + time.perf_counter() - started, asked + len(some)
            log.add(some.keys, answers)
            self.known |= dict(zip(some.keys, answers, strict=True))
            done += len(some)
            self.work.advance(done, total, NOTE)
        return spent / asked if asked else None

    def require_unchanged(self) -> None:
        """Compares a few answers with those on record."""
        again = self._canaries()
        if again is None:
            return
        for one, key, now in zip(again.ids, again.keys, self._answers(again), strict=True):
            apart = float(np.abs(self._parts(now) - self._parts(self.known[key])).max())
            if apart > self.teacher.tolerance:
                do = "raise `teacher.version` to ask it about everything again, or start the one that answered before"
                expected = f"for `{one}` what it answered before, within {self.teacher.tolerance}"
                raise StageError(mismatch(WHERE, "canaries", expected, f"a difference of {apart:.3g}", do))

    def values(self) -> tuple[list[bytes], NDArray[np.float64]]:
        """Returns the keys of all samples that are wanted, and the values of each."""
        keys = [key for some in self._each() for key in some.keys]
        return keys, np.array([self.known[key] for key in keys], dtype=np.float64)

    def _each(self) -> Iterator[AskedSamples]:
        """Yields all samples, of equal ones the first."""
        seen: set[bytes] = set()
        for some in samples_of(self.work.data, self.work.splits):
            first = {key: row for row, key in reversed([*enumerate(some.keys)]) if key not in seen}
            seen |= first.keys()
            if first:
                yield some.take(sorted(first.values()))

    def batches(self) -> Iterator[AskedSamples]:
        """Yields what is not known, as many at once as the program is given."""
        for some in self._each():
            unknown = [row for row, key in enumerate(some.keys) if key not in self.known]
            for start in range(0, len(unknown), self.teacher.batch_size):
                yield some.take(unknown[start : start + self.teacher.batch_size])

    def _canaries(self) -> AskedSamples | None:
        """Returns a few answered samples, the first that there are; None where nothing was answered yet."""
        for some in self._each() if self.teacher.canaries else ():
            if rows := [row for row, key in enumerate(some.keys) if key in self.known]:
                return some.take(rows[: self.teacher.canaries])
        return None

    def _parts(self, values: Sequence[float]) -> NDArray[np.float64]:
        """Returns probabilities, of logits too."""
        found = np.array(values, dtype=np.float64)
        if self.teacher.gives == "probabilities":
            return found
        raised: NDArray[np.float64] = np.exp(found - found.max())
        shares: NDArray[np.float64] = raised / raised.sum()
        return shares

    def _answers(self, some: AskedSamples) -> list[list[float]]:
        """Asks the program, again where it fails, as often as the recipe says."""
        program, lines = Program(self.teacher, self.work.project), [*_lines(self.teacher, some)]
        names = _own_names(self.teacher) or self.work.data.targets.names
        for attempt in range(self.teacher.retries + 1):
            try:
                return program.answers(lines, some.ids, names)
            except Failed as failure:
                if attempt == self.teacher.retries:
                    attempts = f"{attempt + 1} attempts" if attempt else "one attempt"
                    do = f"{failure.do}; what was answered until then is stored and not asked again"
                    got = f"{failure} in {attempts}"
                    raise StageError(mismatch(WHERE, failure.field, failure.expected, got, do)) from None
        raise AssertionError("the last attempt returns or raises")


def _own_names(teacher: CommandTeacher) -> tuple[str, ...] | None:
    """Returns what the program calls its outputs, where the recipe maps them by names."""
    said = teacher.correspondence
    names = [*said] if isinstance(said, Mapping) else []
    return tuple(name for name in names if isinstance(name, str)) or None


def _lines(teacher: CommandTeacher, some: AskedSamples) -> Iterator[str]:
    for row, one in enumerate(some.ids):
        values = {name: arrays[row] for name, arrays in some.inputs.items()}
        match teacher.sends:
            case "id":
                yield json.dumps({"id": one})
            case "picture":
                yield json.dumps({"id": one, "picture": _png(values[INPUTS])})
            case _:
                yield json.dumps({"id": one, **{name: value.tolist() for name, value in values.items()}})


def _png(values: NDArray[np.uint8]) -> str:
    from PIL import Image

    picture = values[0] if len(values) == 1 else values.transpose(1, 2, 0)
    file = io.BytesIO()
    Image.fromarray(picture.astype(np.uint8)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def _log(teacher: CommandTeacher, work: TeacherWork) -> AnswerLog:
    """Returns what this program was asked so far; of another version, or shown other things, it is another log."""
    asked = {"command": teacher.command, "version": teacher.version, "sends": teacher.sends, "gives": teacher.gives}
    store = work.store if teacher.answers is None else work.project / teacher.answers
    return AnswerLog(store / canonical_digest({**asked, "command": [*teacher.command]})[:32] / ANSWERS)


def _made(teacher: CommandTeacher, work: TeacherWork, asking: _Asking, seconds: float | None) -> MadeTeacher:
    keys, values = asking.values()
    spec, file = work.data.card.spec, work.scratch / FILE
    names = part(spec.task, "head", HeadPart).output_names(
        teacher.correspondence, teacher.lacks, _own_names(teacher), spec.targets
    )
    require_width(WHERE, "", values.shape[1], names, spec, isinstance(teacher.correspondence, dict))
    require_gives(WHERE, teacher.gives, values)
    write_table(file, keys, outputs_of_values(as_tensor(values), teacher.gives, names, spec))
    built = AnswerTable(kind="table")
    return MadeTeacher(load(built, file, spec), built, file, seconds=seconds)
