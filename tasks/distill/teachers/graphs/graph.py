"""A loaded ONNX file, its inputs and its outputs."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from tasks.core.errors import DataError, mismatch

QUIET = 4


class Graph:
    """A loaded ONNX file.

    Raises:
        DataError: ONNX Runtime cannot load it.
    """

    def __init__(self, path: Path) -> None:
        import tasks.runtime  # noqa: F401 - switches the telemetry of the library off, before it is loaded

        import onnxruntime as ort  # isort: skip

        self.path = path
        options = ort.SessionOptions()
        options.log_severity_level = QUIET
        for pool in ("intra", "inter"):  # a thread that spins while it waits takes the core of others
            options.add_session_config_entry(f"session.{pool}_op.allow_spinning", "0")
        try:
            self.session = ort.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's exceptions share no base of their own
            got = (str(error).splitlines() or [type(error).__name__])[0]
            do = "export it again, as one file without external data; or fetch it whole"
            raise DataError(mismatch(str(path), "", "a whole ONNX file", got, do)) from None

    @cached_property
    def inputs(self) -> Mapping[str, Any]:
        """By name."""
        return {one.name: one for one in self.session.get_inputs()}

    @cached_property
    def outputs(self) -> Mapping[str, Any]:
        """By name."""
        return {one.name: one for one in self.session.get_outputs()}

    def main(self, further: Sequence[str]) -> Any:
        """Returns the input of the samples; `further` are what the layout of the data has besides.

        Raises:
            DataError: there are several.
        """
        found = [one for name, one in self.inputs.items() if name not in further]
        if len(found) != 1:
            got, do = ", ".join(f"`{one.name}`" for one in found), "cut the graph, or fix its further inputs"
            raise DataError(mismatch(str(self.path), "", "one input", got, do))
        return found[0]

    def answer(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """Returns the outputs that are the answer.

        Raises:
            DataError: one is not there, or none is named where there are several.
        """
        names = tuple(wanted) or tuple(self.outputs)
        unknown = [name for name in names if name not in self.outputs]
        if unknown or (not wanted and len(names) > 1):
            expected = f"outputs of {self.path.name}: {', '.join(f'`{name}`' for name in self.outputs)}"
            got = ", ".join(f"`{name}`" for name in unknown) or "none of them"
            raise DataError(mismatch("recipe", "teacher.outputs", expected, got, "say which are the answer"))
        return names
