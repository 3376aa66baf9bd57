"""What a channel has to hold by the ledger: the bundle of each release that leads its environment, and nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlparse

from tuf.api.metadata import TargetFile

from tasks.contracts.releases import Release, Verdict
from tasks.core.errors import IntegrityError, mismatch
from tasks.core.files import sha256_of
from tasks.core.record import Artefact
from tasks.registry.channel import atomic_write
from tasks.registry.channel.paths import channels, targets_dir
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.history import History
from tasks.runtime.update.channel import P95_MS, VERSION, manifest_path, target_path
from tasks.tracking.runs import fetch


@dataclass(frozen=True)
class ChannelFile:
    """A file in a channel: what the metadata says about it, and where its bytes come from."""

    target: TargetFile
    artefact: Artefact

    def served(self, environment: str) -> Path:
        """Returns where it is served: under its name with its sha256 in front (consistent snapshots)."""
        (path,) = self.target.get_prefixed_paths()
        return targets_dir(environment) / path

    def is_served(self, environment: str) -> bool:
        """Says whether it is in place with exactly its bytes."""
        path = self.served(environment)
        return path.is_file() and sha256_of(path) == self.artefact.sha256


def leading(environment: str, history: History) -> dict[str, tuple[int, Verdict]]:
    """Returns for each model the version that leads an environment, and the verdict by which it came in.

    A move that was intended and not finished counts as done, because the next process finishes it.
    """
    led = {model: history.champion(model, environment) for model, place in history.places() if place == environment}
    found = {
        model: (version, history.entry_verdict(model, environment, version))
        for model, version in led.items()
        if version is not None
    }
    under_way = [row for row in history.unfinished() if row.environment == environment]
    return found | {row.model: (row.version, row.parsed_verdict) for row in under_way}


def contents(environment: str, history: History) -> tuple[ChannelFile, ...]:
    """Returns every file that a channel has to hold by the history of all models; raises as `bundle_of` does."""
    led = leading(environment, history).items()
    return tuple(file for model, (version, verdict) in led for file in bundle_of(model, version, verdict))


def bundle_of(model: str, version: int, verdict: Verdict) -> tuple[ChannelFile, ...]:
    """Returns the files of a release as targets; the manifest carries the version and the limit of the gate.

    Raises:
        IntegrityError: the ledger knows of no such release.
    """
    release = ledger.release_of(model, version)
    if release is None:
        do = "bring back the ledger that it was made with"
        raise IntegrityError(mismatch("ledger", model, f"the release of version {version}", "none", do))
    return tuple(_file(release, artefact, verdict) for artefact in release.bundle)


def serve(environment: str, wanted: tuple[ChannelFile, ...]) -> None:
    """Puts missing files in place; without metadata that names them they have no effect.

    Raises:
        IntegrityError: a file of a release is gone, or is not what the ledger says.
    """
    for file in wanted:
        if not file.is_served(environment):
            atomic_write.write(file.served(environment), fetch(file.artefact).read_bytes())


def served_copies(model: str, artefact: Artefact) -> Iterator[Path]:
    """Yields where each channel of this machine would serve a file of a bundle."""
    name = target_path(model, Path(unquote(urlparse(artefact.uri).path)).name)
    for environment in channels():
        yield ChannelFile(TargetFile(artefact.size, {"sha256": artefact.sha256}, name), artefact).served(environment)


def _file(release: Release, artefact: Artefact, verdict: Verdict) -> ChannelFile:
    path = target_path(release.model, Path(unquote(urlparse(artefact.uri).path)).name)
    custom = {VERSION: release.version, P95_MS: _in_digits(verdict.threshold("p95_ms"))}
    extra = {"custom": custom} if path == manifest_path(release.model) else None
    return ChannelFile(TargetFile(artefact.size, {"sha256": artefact.sha256}, path, extra), artefact)


def _in_digits(limit: float | None) -> str | None:
    """Returns a number so that it comes back to the bit: signed metadata is canonical JSON, which has no fractions."""
    return None if limit is None else repr(limit)
