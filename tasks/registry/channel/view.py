"""What a device sees in a channel: its metadata walked through by TUF's own client, from the newest root on."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from tuf.api.exceptions import DownloadError, DownloadHTTPError, RepositoryError
from tuf.api.metadata import Metadata, Signed, Snapshot, Targets, Timestamp
from tuf.ngclient import FetcherInterface, Updater

from tasks.registry.channel.paths import metadata_dir, targets_dir
from tasks.registry.channel.roots import newest_root
from tasks.registry.channel.settings import ONLINE, Online


class FolderFetcher(FetcherInterface):
    """Fetches from a folder what a device fetches from a web server."""

    def _fetch(self, url: str) -> Iterator[bytes]:
        if not Path(url).is_file():
            raise DownloadHTTPError(f"no file {url}", 404)
        return iter([Path(url).read_bytes()])


@dataclass(frozen=True)
class View:
    """The verified metadata of each online role as far as a device gets, and in words why it gets no further."""

    signed: Mapping[Online, Signed] = field(default_factory=dict)
    problem: str | None = None

    @property
    def targets(self) -> Targets:
        """Which files there are."""
        return cast(Targets, self.signed["targets"])

    @property
    def snapshot(self) -> Snapshot:
        """Which version of the targets belongs to them."""
        return cast(Snapshot, self.signed["snapshot"])

    @property
    def timestamp(self) -> Timestamp:
        """Which snapshot is the newest."""
        return cast(Timestamp, self.signed["timestamp"])

    @property
    def versions(self) -> dict[Online, int]:
        """The version of each role that was seen."""
        return {role: signed.version for role, signed in self.signed.items()}


def view(environment: str) -> View:
    """Returns what a device would find in the channel now; of the served roots, only newer ones are read."""
    with tempfile.TemporaryDirectory() as folder:
        updater = Updater(
            folder,
            str(metadata_dir(environment)),
            folder,
            str(targets_dir(environment)),
            FolderFetcher(),
            bootstrap=newest_root(environment),
        )
        try:
            updater.refresh()
        except (RepositoryError, DownloadError) as error:
            return View(_seen(Path(folder)), _words(environment, Path(folder), error))
        return View(_seen(Path(folder)))


def _seen(folder: Path) -> dict[Online, Signed]:
    """Returns the metadata that the client has stored: only what it verified."""
    paths = {role: folder / f"{role}.json" for role in ONLINE}
    return {role: Metadata.from_file(str(path)).signed for role, path in paths.items() if path.is_file()}


def _words(environment: str, folder: Path, error: Exception) -> str:
    failing = next(role for role in reversed(ONLINE) if not (folder / f"{role}.json").is_file())
    return f"`{metadata_dir(environment)}`: `{failing}`: expected metadata that devices accept, got: {error}"
