"""A release channel in memory, with every key at hand: the publisher's, and whatever an attacker has."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import DownloadHTTPError
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.ngclient.fetcher import FetcherInterface

from tasks.runtime.bundle.manifest import MANIFEST
from tasks.runtime.update.channel import P95_MS, VERSION, target_path

URL = "http://channel.example/edge"
ONLINE = ("targets", "snapshot", "timestamp")
Files = Mapping[str, bytes]
"""of a channel by path, or of a bundle by name"""


class World:
    """A channel; `files` is what it serves, `states` what it served after each publication."""

    def __init__(self, hashes: bool = True, expires: timedelta = timedelta(days=30)) -> None:
        self.hashes, when = hashes, (datetime.now(UTC) + expires).replace(microsecond=0)
        self.signers = {role: CryptoSigner.generate_ed25519() for role in ("root", *ONLINE)}
        self.root = Root(expires=when, consistent_snapshot=True)
        self.targets = Targets(version=1, expires=when)
        self.snapshot = Snapshot(version=1, expires=when)
        self.timestamp = Timestamp(version=1, expires=when)
        self.files: dict[str, bytes] = {}
        self.states: list[dict[str, bytes]] = []
        for role, signer in self.signers.items():
            self.root.add_key(signer.public_key, role)
        self.save_root()

    @property
    def anchor(self) -> bytes:
        return self.files["metadata/1.root.json"]

    def publish(self, bundle: Files, version: Any, p95_ms: str | None = None, model: str = "tiny") -> None:
        """Lets a bundle lead."""
        self.targets.targets = {}
        for name, content in bundle.items():
            target = TargetFile.from_data(target_path(model, name), content, ["sha256"])
            self.targets.targets[target.path] = target
            self.files[f"targets/{model}/{target.hashes['sha256']}.{name}"] = content
        if MANIFEST in bundle:
            custom = {VERSION: version, P95_MS: p95_ms}
            self.targets.targets[target_path(model, MANIFEST)].unrecognized_fields["custom"] = custom
        self.save()

    def save(self) -> None:
        """Signs the online roles, at their next versions if they were signed before."""
        step = 1 if self.states else 0
        self.targets.version += step
        targets = self.signed("targets", self.targets)
        self.snapshot.version += step
        self.snapshot.meta["targets.json"] = self._meta(self.targets.version, targets)
        snapshot = self.signed("snapshot", self.snapshot)
        self.timestamp.version += step
        self.timestamp.snapshot_meta = self._meta(self.snapshot.version, snapshot)
        self.files[f"metadata/{self.targets.version}.targets.json"] = targets
        self.files[f"metadata/{self.snapshot.version}.snapshot.json"] = snapshot
        self.files["metadata/timestamp.json"] = self.signed("timestamp", self.timestamp)
        self.states.append(dict(self.files))

    def save_root(self) -> None:
        self.files[f"metadata/{self.root.version}.root.json"] = self.signed("root", self.root)

    def rotate(self, roles: Iterable[str]) -> None:
        """Revokes the keys of some online roles, and takes new ones, in a new root."""
        for role in roles:
            self.root.revoke_key(self.signers[role].public_key.keyid, role)
            self.signers[role] = CryptoSigner.generate_ed25519()
            self.root.add_key(self.signers[role].public_key, role)
        self.root.version += 1
        self.save_root()

    def signed(self, role: str, content: Any) -> bytes:
        metadata: Metadata[Any] = Metadata(content)
        metadata.sign(self.signers[role])
        return metadata.to_bytes()

    def write(self, directory: Path) -> None:
        """Writes all files below a directory, for a web server."""
        for name, content in self.files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def _meta(self, version: int, content: bytes) -> MetaFile:
        return MetaFile.from_data(version, content, ["sha256"]) if self.hashes else MetaFile(version)


class MemoryFetcher(FetcherInterface):
    """Serves files from memory; those that are `endless` never end."""

    def __init__(self, files: Files, endless: str = "") -> None:
        self.files, self.endless = files, endless

    def _fetch(self, url: str) -> Iterator[bytes]:
        path = urlsplit(url).path.removeprefix(f"{urlsplit(URL).path}/")
        if path == self.endless:
            return self._without_end(path)
        if path not in self.files:
            raise DownloadHTTPError("HTTP status 404", 404)
        content = self.files[path]
        return iter([content[start : start + 4096] for start in range(0, len(content), 4096)])

    def _without_end(self, path: str) -> Iterator[bytes]:
        yield self.files.get(path, b"")
        while True:
            yield b"\0" * 65_536
