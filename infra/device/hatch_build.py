"""Puts the decoder of every kind of task into the wheel for devices."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class DecodersHook(BuildHookInterface):  # type: ignore[misc]  # hatchling is there while a wheel is built
    """Copies `tasks/kinds/KIND/decode.py` to `stillhouse_edge/kinds/KIND/decode.py`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - what hatch calls
        """Adds the files to what the wheel is made of."""
        kinds = Path(self.root).resolve().parents[1] / "tasks/kinds"
        for path in sorted(kinds.glob("*/decode.py")):
            build_data["force_include"][str(path)] = f"stillhouse_edge/kinds/{path.parent.name}/decode.py"
