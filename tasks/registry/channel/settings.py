"""What a channel has beside its keys: for how long signatures are valid, and the highest versions so far."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import Field, ValidationError

from tasks.core.errors import IntegrityError, mismatch
from tasks.core.record import Record
from tasks.registry.channel import atomic_write
from tasks.registry.channel.paths import SETTINGS, keys_dir

Role = Literal["root", "targets", "snapshot", "timestamp"]
Online = Literal["targets", "snapshot", "timestamp"]
ONLINE: tuple[Online, ...] = ("targets", "snapshot", "timestamp")
"""in the order in which they are written: each names the one before it, and `timestamp` makes all of it count"""
RENEWED = 3
"""metadata is signed again in the last third of its time"""


class Days(Record):
    """For how many days the metadata of each role is good."""

    timestamp: int = Field(default=14, ge=1)
    snapshot: int = Field(default=30, ge=1)
    targets: int = Field(default=90, ge=1)
    root: int = Field(default=365, ge=1)

    def of(self, role: Role) -> int:
        """Returns the days of a role."""
        return int(getattr(self, role))

    def expiry(self, role: Role) -> datetime:
        """Returns when metadata expires that is signed now."""
        return datetime.now(UTC) + timedelta(days=self.of(role))

    def is_near(self, role: Role, expires: datetime) -> bool:
        """Says whether metadata is in the last third of its time, or past it."""
        return expires - datetime.now(UTC) < timedelta(days=self.of(role)) / RENEWED


class ChannelSettings(Record):
    """The small file beside the keys."""

    days: Days = Days()
    versions: Mapping[str, int] = dict.fromkeys(ONLINE, 0)
    """the highest version of each online role so far, so that no copy of old files makes versions go down"""


def read_settings(environment: str) -> ChannelSettings:
    """Returns the settings of a channel that is there.

    Raises:
        IntegrityError: the file is damaged.
    """
    path = keys_dir(environment) / SETTINGS
    try:
        return ChannelSettings.model_validate_json(path.read_bytes())
    except ValidationError as error:
        wrong = error.errors()[0]
        place, do = ".".join(str(part) for part in wrong["loc"]), "bring it back from a backup"
        raise IntegrityError(mismatch(str(path), place, "the settings of a channel", wrong["msg"], do)) from None


def write_settings(environment: str, settings: ChannelSettings) -> None:
    """Writes the settings of a channel; the first time, this is what makes the channel be there."""
    content = settings.model_dump_json(indent=2) + "\n"
    atomic_write.write(keys_dir(environment) / SETTINGS, content.encode(), atomic_write.OWNER_ONLY)


def next_versions(environment: str, roles: Sequence[Online], served: Mapping[Online, int]) -> Mapping[Online, int]:
    """Returns a new version for each role, above all that were ever used or are served; each is used once."""
    settings = read_settings(environment)
    given = {role: max(settings.versions.get(role, 0), served.get(role, 0)) + 1 for role in roles}
    write_settings(environment, settings.model_copy(update={"versions": {**settings.versions, **given}}))
    return given
