"""What a device runs, what is behind it, what it keeps out, and how long it may trust its channel's metadata."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from .home import Home
from .receipts import HeldOut, Receipt
from .trusted_time import expiries


@dataclass(frozen=True)
class Status:
    """The state of a device; times in ISO 8601."""

    home: str
    channel: str
    model: str
    running: Receipt | None
    since: str | None
    """when the device switched to it"""
    previous: Receipt | None
    """where a rollback goes"""
    held_out: HeldOut | None
    expires: dict[str, str]
    """when the metadata of each role expires; then the channel must have refreshed it"""

    def to_json(self) -> dict[str, Any]:
        """Returns plain values."""
        return asdict(self)

    def lines(self) -> list[str]:
        """Returns the same for a person."""
        running = f"version {self.running.version} since {self.since}" if self.running else "nothing yet"
        behind = f"version {self.previous.version}" if self.previous else "nothing"
        held = self.held_out
        return [
            f"{self.model} from {self.channel}",
            f"  runs      {running}",
            f"  behind    {behind}",
            f"  held out  version {held.version} since {held.since}: {held.reason}" if held else "  held out  nothing",
            f"  expires   {', '.join(f'{role} {when}' for role, when in self.expires.items()) or 'nothing seen yet'}",
        ]


def read_status(home: Home) -> Status:
    """Returns the state of a device.

    Raises:
        SettingsError: the device was not set up, or a file of its home is malformed.
    """
    settings, slot = home.settings(), home.slot()
    return Status(
        home=str(home.path),
        channel=settings.channel,
        model=settings.model,
        running=home.receipt(slot),
        since=_switched(home) if slot else None,
        previous=home.receipt(home.free_slot()),
        held_out=home.held_out(),
        expires={role: f"{when:%Y-%m-%d %H:%M} UTC" for role, when in expiries(home).items()},
    )


def _switched(home: Home) -> str:
    """Returns when `current` was made: a link is made anew at each switch."""
    return datetime.fromtimestamp(home.current.lstat().st_mtime, UTC).isoformat(timespec="seconds")
