"""From the student to the files that could ship: one function per candidate, one entry each.

A pass writes its file, or raises `NotPossibleError` with the reason. What it made is measured like all others.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from params.compress import Pass
from tasks.compress.bench import Bench, NotPossibleError
from tasks.compress.quantize import quantize_dynamically, quantize_statically
from tasks.models.export import export_onnx


def export_fp32(bench: Bench, path: Path) -> None:
    """Writes the student as it is; "stop here" is always one of the outcomes."""
    if not path.is_file():
        export_onnx(bench.student, bench.spec, path)


PASSES: Mapping[Pass, Callable[[Bench, Path], None]] = {
    "fp32": export_fp32,
    "static_int8": quantize_statically,
    "dynamic_int8": quantize_dynamically,
}


def make(bench: Bench, name: Pass) -> Path | str:
    """Returns the file of a candidate, or in words why there is none."""
    path = bench.directory / f"{name}.onnx"
    try:
        PASSES[name](bench, path)
    except NotPossibleError as reason:
        return str(reason)
    return path
