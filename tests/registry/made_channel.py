"""A small real world around a release channel: releases in a ledger, a web server, devices."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from tuf.api.metadata import Metadata, Targets
from tuf.ngclient import Updater

from tasks.contracts.metrics import at_most
from tasks.contracts.releases import Release, Verdict
from tasks.core.files import artefact_of
from tasks.registry.channel.paths import served_root
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.chain import append
from tasks.registry.ledger.history import History
from tests.evaluate.report import made

FILES = ("manifest.json", "model.onnx")


def make_release(home: Path, model: str, version: int) -> Release:
    """Writes a bundle and records it as a release."""
    folder = home / "bundles" / model / str(version)
    folder.mkdir(parents=True)
    for name in FILES:
        (folder / name).write_bytes(f"{model} {version} {name}".encode() * 9)
    release = Release(
        model=model,
        version=version,
        fingerprint=f"{model}-{version}",
        bundle=tuple(artefact_of(folder / name) for name in FILES),
        teacher_version=1,
        data_version="v",
        git_commit="none",
        run_id="r",
        created=datetime.now(UTC),
    )
    ledger.add_release(release, made.evaluation())
    return release


def passed(environment: str = "edge", p95: float | None = None) -> Verdict:
    """Returns the verdict of a gate that let a release pass, with a limit on its latency or without."""
    return Verdict(environment=environment, checks=tuple(at_most("p95_ms", p95, 0.1)))


def lead(release: Release, verdict: Verdict | None = None) -> None:
    """Records that a release was promoted."""
    verdict = verdict or passed()
    append(History.load(), "promoted", release.model, verdict.environment, release.version, "test", verdict)


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *arguments: Any) -> None:
        pass


@contextmanager
def web_server(folder: Path) -> Iterator[str]:
    """Serves a folder over HTTP while the block runs; yields its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(folder))) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@dataclass(frozen=True)
class Device:
    """TUF's own client with a memory of its own, brought up with the first root."""

    home: Path
    address: str
    environment: str = "edge"

    def update(self) -> dict[str, bytes]:
        """Returns the bytes of every file that the channel names, verified."""
        metadata, files = self.home / "metadata", self.home / "files"
        metadata.mkdir(parents=True, exist_ok=True)
        files.mkdir(exist_ok=True)
        first = (served_root() / self.environment / "metadata/1.root.json").read_bytes()
        channel = f"{self.address}/{self.environment}"
        updater = Updater(str(metadata), f"{channel}/metadata", str(files), f"{channel}/targets", bootstrap=first)
        updater.refresh()
        found = {}
        for path in self.targets():
            info = updater.get_targetinfo(path)
            assert info is not None
            found[path] = Path(updater.download_target(info)).read_bytes()
        return found

    def targets(self) -> dict[str, Any]:
        """Returns the files that were named last, with their custom fields."""
        path = self.home / "metadata/targets.json"
        return {name: file.custom for name, file in Metadata[Targets].from_file(str(path)).signed.targets.items()}


def bundle(*releases: Release) -> dict[str, bytes]:
    """Returns what a device must find where these releases lead."""
    return {
        f"{release.model}/{name}": f"{release.model} {release.version} {name}".encode() * 9
        for release in releases
        for name in FILES
    }


def tree(*folders: Path) -> dict[Path, tuple[int, bytes]]:
    """Returns every file below some folders with the time of its last write and its bytes."""
    paths = sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in paths}
