"""What a channel offers devices now, and for how long they accept it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from tuf.api.metadata import Signed, TargetFile

from tasks.registry.channel.roots import current_root
from tasks.registry.channel.settings import ONLINE, Role, read_settings
from tasks.registry.channel.view import View
from tasks.runtime.update.channel import VERSION, manifest_path


@dataclass(frozen=True)
class Signature:
    """The metadata of a role: who must sign it, and until when it is good."""

    role: Role
    version: int
    keys: int
    threshold: int
    expires: datetime
    near: bool
    """in the last third of its time, or past it"""

    @property
    def expired(self) -> bool:
        """Whether devices refuse it now."""
        return self.expires <= datetime.now(UTC)


def holdings(seen: View) -> dict[str, int]:
    """Returns the version of each model that a device finds; none where the metadata is refused."""
    return {} if seen.problem else versions_of(seen.targets.targets)


def versions_of(listed: Mapping[str, TargetFile]) -> dict[str, int]:
    """Returns the version of each model among the files that metadata names."""
    models = sorted({name.partition("/")[0] for name in listed})
    return {model: int(listed[manifest_path(model)].custom[VERSION]) for model in models}


def signatures(environment: str, seen: View) -> Iterator[Signature]:
    """Yields what is known of the root, and of each other role whose metadata is accepted."""
    root, days = current_root(environment).signed, read_settings(environment).days
    signed: dict[Role, Signed] = {"root": root, **{role: seen.signed[role] for role in ONLINE if role in seen.signed}}
    for role, metadata in signed.items():
        by = root.roles[role]
        near = days.is_near(role, metadata.expires)
        yield Signature(role, metadata.version, len(by.keyids), by.threshold, metadata.expires, near)
