"""Reads a release channel with TUF: what it offers for a model, and the files of that."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path

from tuf.api.exceptions import DownloadHTTPError, LengthOrHashMismatchError, RepositoryError
from tuf.api.metadata import Metadata, TargetFile, Targets
from tuf.ngclient import Updater, UpdaterConfig
from tuf.ngclient.fetcher import FetcherInterface

from ..bundle.fields import Fields, JsonSource
from ..bundle.manifest import MANIFEST
from ..errors import ChannelError, ManifestError, NoModelError, SettingsError
from .channel import METADATA, P95_MS, TARGETS, VERSION, target_path
from .fetcher import HttpFetcher, Noting
from .home import Home
from .refusals import ASK, refusing
from .trusted_time import require_fresh

LARGEST_BUNDLE = 2**30
"""bytes of a whole bundle; more is not downloaded"""
LIMITS = UpdaterConfig(max_root_rotations=256, max_delegations=0)
"""A channel delegates nothing (see `channel.py`); its metadata may have TUF's usual numbers of bytes."""


@dataclass(frozen=True)
class Offer:
    """The release that leads the environment."""

    release: str
    """sha256 of its manifest"""
    version: int
    p95_ms: float | None
    files: Mapping[str, TargetFile]
    """by their name in the bundle, the manifest among them"""


class ChannelReader:
    """One reading of a channel; make a new one for each update."""

    def __init__(self, home: Home, fetcher: FetcherInterface | None = None) -> None:
        settings = home.settings()
        self._home, self._model = home, settings.model
        self._noting = Noting(fetcher or HttpFetcher())
        url = settings.channel.rstrip("/")
        try:
            self._updater = Updater(
                str(home.metadata),
                f"{url}/{METADATA}/",
                target_base_url=f"{url}/{TARGETS}/",
                fetcher=self._noting,
                config=LIMITS,
                bootstrap=home.anchor.read_bytes(),
            )
        except (RepositoryError, OSError) as error:
            raise SettingsError(f"`{home.anchor}`: expected the trust anchor, got {error}; set it up again") from None

    def offer(self) -> Offer:
        """Brings the metadata up to date, and returns the release that leads.

        Raises:
            ChannelError: what the channel serves is refused.
            OfflineError: it serves nothing.
            NoModelError: no release of the model leads there.
        """
        with refusing(self._noting):
            self._updater.refresh()
        require_fresh(self._home)
        targets = Metadata[Targets].from_file(str(self._home.metadata / "targets.json")).signed.targets
        prefix = target_path(self._model, "")
        files = {path.removeprefix(prefix): file for path, file in targets.items() if path.startswith(prefix)}
        if MANIFEST not in files:
            raise NoModelError(
                f"`{self._model}`: expected a release in the channel, got none; promote one, or check the name"
            )
        return _offer(files)

    def download(self, file: TargetFile, path: Path) -> bytes:
        """Fetches one file to `path`, and returns its bytes.

        Raises:
            ChannelError: it is missing, or other bytes than were signed for.
        """
        with refusing(self._noting):
            try:
                self._updater.download_target(file, str(path))
            except LengthOrHashMismatchError as error:
                raise _other_bytes(file, self._noting.received, error) from error
            except DownloadHTTPError as error:
                raise ChannelError(
                    "missing file", f"`{file.path}`: expected it to be served, got {error}; {ASK}"
                ) from error
        return path.read_bytes()


def sha256_of(file: TargetFile) -> str:
    """Returns the sha256 that was signed for a file.

    Raises:
        ChannelError: there is none.
    """
    if "sha256" not in file.hashes:
        raise ChannelError("malformed", f"`{file.path}`: expected a sha256, got {sorted(file.hashes)}; {ASK}")
    return file.hashes["sha256"]


def _offer(files: Mapping[str, TargetFile]) -> Offer:
    size = sum(file.length for file in files.values())
    if size > LARGEST_BUNDLE:
        raise ChannelError("endless data", f"expected at most {LARGEST_BUNDLE} bytes, got {size} signed for; {ASK}")
    custom = Fields(files[MANIFEST].custom, "custom", JsonSource("targets.json", ASK, ManifestError))
    return Offer(sha256_of(files[MANIFEST]), custom.integer(VERSION), _limit_ms(custom), files)


def _limit_ms(custom: Fields) -> float | None:
    text = custom.optional(P95_MS)
    try:
        limit = None if text is None else float(text)
    except ValueError:
        raise custom.wrong(P95_MS, "a number of milliseconds as text", text) from None
    if limit is not None and not 0 < limit < inf:
        raise custom.wrong(P95_MS, "milliseconds above 0", text)
    return limit


def _other_bytes(file: TargetFile, received: int, error: Exception) -> ChannelError:
    kind = "altered file" if received == file.length else "cut file"
    return ChannelError(kind, f"`{file.path}`: expected the bytes that were signed for, got {error}; {ASK}")
