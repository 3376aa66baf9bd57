"""What a person should be told about the numbers without having to find it in the table."""

import platform
from collections.abc import Sequence

from params.compress import Target
from tasks.contracts.metrics import Interval
from tasks.contracts.scores import Score
from tasks.evaluate.model_under_test import STUDENT, TEACHER

X86 = ("x86_64", "AMD64")
"""what an x86 machine calls itself, on Linux and macOS, and on Windows"""


def notes_on(scores: Sequence[Score], gain: Interval, target: Target) -> tuple[str, ...]:
    """Returns a sentence for each thing that is not as one would wish."""
    by_name = {score.name: score for score in scores}
    teacher, student = by_name[TEACHER], by_name[STUDENT]
    here = platform.machine()
    found = [
        (
            target.isa.startswith("x86") != (here in X86),
            f"latency was measured on {here}, the target is {target.isa}: measure on the device before you promise it",
        ),
        (gain.high < 0, f"the student is less accurate than its baseline: {_points(gain)}; try another `distill`"),
        (
            student.parameters >= teacher.parameters,
            f"the student is not smaller than its teacher: {student.parameters:,} against {teacher.parameters:,}"
            " parameters",
        ),
        (
            teacher.accuracy.high < student.accuracy.low,
            f"the teacher is less accurate than its student: {teacher.accuracy.value:.2%} against"
            f" {student.accuracy.value:.2%}; train it longer",
        ),
    ]
    return tuple(sentence for holds, sentence in found if holds)


def _points(gain: Interval) -> str:
    return f"{100 * gain.value:+.1f} points ({100 * gain.low:+.1f} to {100 * gain.high:+.1f})"
