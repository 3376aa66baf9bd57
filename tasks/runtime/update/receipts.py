"""What a device notes beside its bundles: which release a slot holds, and which release it keeps out."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..bundle.fields import Fields, JsonSource, parse
from ..errors import SettingsError
from .storage import write_durably


@dataclass(frozen=True)
class Receipt:
    """The release in a slot."""

    release: str
    """sha256 of its manifest"""
    version: int
    """in the registry"""
    p95_ms: float | None
    """the channel's limit for one sample in milliseconds"""
    installed: str
    """ISO 8601, by the device's clock"""


@dataclass(frozen=True)
class HeldOut:
    """A release that is not installed again by itself, and why."""

    release: str
    version: int
    reason: str
    since: str
    """ISO 8601, by the device's clock"""


def read_receipt(path: Path) -> Receipt | None:
    """Returns the receipt in a file, None where there is no file.

    Raises:
        SettingsError: the file is malformed.
    """
    fields = _fields(path)
    if fields is None:
        return None
    receipt = Receipt(
        fields.text("release"), fields.integer("version"), fields.optional_number("p95_ms"), fields.text("installed")
    )
    fields.finish()
    return receipt


def read_held_out(path: Path) -> HeldOut | None:
    """Returns the release that is held out, None where there is no file; raises as `read_receipt` does."""
    fields = _fields(path)
    if fields is None:
        return None
    held = HeldOut(fields.text("release"), fields.integer("version"), fields.text("reason"), fields.text("since"))
    fields.finish()
    return held


def write_note(path: Path, note: Receipt | HeldOut) -> None:
    """Writes either, durably."""
    write_durably(path, (json.dumps(asdict(note), ensure_ascii=False, indent=2) + "\n").encode())


def timestamp() -> str:
    """Returns the device's time in ISO 8601 with time zone, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _fields(path: Path) -> Fields | None:
    if not path.is_file():
        return None
    document = JsonSource(str(path), "remove it and run `stillhouse-edge update`", SettingsError)
    return Fields(parse(path.read_bytes(), document), "", document)
