"""New versions of the online metadata: signed together, then written one after the other."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile, Snapshot, TargetFile, Targets, Timestamp

from tasks.registry.channel import atomic_write
from tasks.registry.channel.paths import metadata_dir
from tasks.registry.channel.settings import ONLINE, Online, next_versions, read_settings
from tasks.registry.channel.view import View

OnlineMetadata = TypeVar("OnlineMetadata", Targets, Snapshot, Timestamp)
Signers = Mapping[Online, Sequence[CryptoSigner]]


def onward(role: Online) -> tuple[Online, ...]:
    """Returns a role and those that must be signed with it, because each names the one before."""
    return ONLINE[ONLINE.index(role) :]


def issue(
    environment: str, seen: View, listed: Mapping[str, TargetFile], roles: Sequence[Online], signers: Signers
) -> None:
    """Signs new metadata and puts it in place, each file after what it names, and `timestamp.json` last.

    Args:
        environment: whose channel.
        seen: what is there; without a problem, unless `roles` are all of them.
        listed: the files that `targets` is to name.
        roles: as `onward` gives them.
        signers: one or more for each of the roles.
    """
    days, versions = read_settings(environment).days, next_versions(environment, roles, seen.versions)
    draft = _Draft(signers)
    at = {role: (versions[role], None, days.expiry(role)) for role in roles}
    if "targets" in roles:
        targets = draft.add(Targets(*at["targets"], dict(listed)), "targets")
    else:
        targets = seen.snapshot.meta["targets.json"]
    if "snapshot" in roles:
        snapshot = draft.add(Snapshot(*at["snapshot"], {"targets.json": targets}), "snapshot")
    else:
        snapshot = seen.timestamp.snapshot_meta
    draft.add(Timestamp(*at["timestamp"], snapshot), "timestamp")
    draft.write(environment)


class _Draft:
    """Metadata that is signed and not yet in place."""

    def __init__(self, signers: Signers) -> None:
        self._signers = signers
        self._files: dict[str, bytes] = {}

    def add(self, signed: OnlineMetadata, role: Online) -> MetaFile:
        """Signs one file and returns what the next one says about it."""
        metadata = Metadata(signed)
        for signer in self._signers[role]:
            metadata.sign(signer, append=True)
        name = f"{role}.json" if role == "timestamp" else f"{signed.version}.{role}.json"
        self._files[name] = metadata.to_bytes()
        return MetaFile.from_data(signed.version, self._files[name], ["sha256"])

    def write(self, environment: str) -> None:
        """Puts the files in place in the order in which they were signed."""
        for name, content in self._files.items():
            atomic_write.write(metadata_dir(environment) / name, content)
