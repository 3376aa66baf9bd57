"""Events for machines: a line of JSON each, on standard error, where `STILLHOUSE_LOG=json`."""

import dataclasses
import json
import os
from datetime import UTC, datetime
from typing import Any

from cli.output.console import to_log
from tasks.core.errors import InputError, mismatch
from tasks.core.progress import Event, listen

VARIABLE = "STILLHOUSE_LOG"


def listen_as_asked() -> None:
    """Listens for as long as the process lives, where the variable asks for it.

    Raises:
        InputError: it asks for something else than JSON.
    """
    asked = os.environ.get(VARIABLE, "")
    if asked not in ("", "json"):
        raise InputError(mismatch(VARIABLE, "", "json, or nothing", asked, "correct the variable, or unset it"))
    if asked:
        listen(write_event)


def write_event(event: Event) -> None:
    """Writes an event: its time, its kind, and those of its fields that are plain values."""
    plain = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}  # type: ignore[arg-type]
    fields = {name: _plain(value) for name, value in plain.items() if isinstance(value, str | int | float | datetime)}
    line = {"time": datetime.now(UTC).isoformat(), "event": type(event).__name__, **fields}
    to_log(json.dumps(line, ensure_ascii=False))


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
