"""Keeps a clock that was set back from making old metadata fresh again.

The latest time at which the channel was found fresh is remembered. It is bounded by the expiry of metadata that was
signed: a clock that runs far ahead finds everything expired, and leaves no trace.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tuf.api.metadata import Metadata

from ..bundle.fields import Fields, JsonSource, parse
from ..errors import ChannelError, SettingsError
from .home import Home
from .storage import write_durably

ROLES = ("root", "timestamp", "snapshot", "targets")


def require_fresh(home: Home) -> None:
    """Compares what TUF just accepted with the latest time known, and remembers that.

    Raises:
        ChannelError: metadata had expired by the latest time at which this device found its channel fresh.
        SettingsError: the note of that time is malformed.
    """
    now = datetime.now(UTC)
    latest = latest_time(home)
    reference = max(now, latest) if latest else now
    for role, expires in expiries(home).items():
        if expires <= reference:
            raise expired(role, now, f"it had expired by {reference:%Y-%m-%d %H:%M} UTC, a time this device has seen")
    content = {"latest": reference.isoformat()}
    write_durably(home.trusted_time_file, (json.dumps(content) + "\n").encode())


def expired(role: str, now: datetime, found: str) -> ChannelError:
    """Returns the error for expired metadata, of which the device's clock may be the cause."""
    return ChannelError(
        "freeze",
        f"`{role}.json`: expected metadata that has not expired, got {found}; either this device's clock"
        f" ({now:%Y-%m-%d %H:%M} UTC) is wrong: set it, or the channel is no longer refreshed: ask its publisher",
    )


def latest_time(home: Home) -> datetime | None:
    """Returns the latest time at which the channel was found fresh, None before the first update."""
    path = home.trusted_time_file
    if not path.is_file():
        return None
    document = JsonSource(str(path), "set the clock, then remove the file", SettingsError)
    fields = Fields(parse(path.read_bytes(), document), "", document)
    return _time(fields)


def expiries(home: Home) -> dict[str, datetime]:
    """Returns when the metadata of each role expires, for those that the device has."""
    return {role: _expiry(path) for role in ROLES if (path := home.metadata / f"{role}.json").is_file()}


def _expiry(path: Path) -> datetime:
    metadata: Metadata[Any] = Metadata.from_file(str(path))
    expires: datetime = metadata.signed.expires
    return expires


def _time(fields: Fields) -> datetime:
    text = fields.text("latest")
    fields.finish()
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        raise fields.wrong("latest", "a time in ISO 8601", text) from None
