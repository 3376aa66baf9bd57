"""A registry of npm on this machine, with one package in it."""

import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest


def packed(files: Mapping[str, bytes], links: Sequence[tuple[str, str]] = ()) -> bytes:
    """Returns an archive of files, and of links from a name to another."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for name, to in links:
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, to
            tar.addfile(link)
    return buffer.getvalue()


@contextmanager
def registry(archive: bytes, place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Serves `@trees/leaves` 1.0.0, and yields how a recipe names it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(archive)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{server.server_port}/")
        monkeypatch.setenv("npm_config_cache", str(place / "npm-cache"))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        sha256 = hashlib.sha256(archive).hexdigest()
        yield {"kind": "npm", "package": "@trees/leaves", "version": "1.0.0", "sha256": sha256}
        server.shutdown()
        thread.join()


def _handler(archive: bytes) -> type[BaseHTTPRequestHandler]:
    class Registry(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = archive if self.path.endswith(".tgz") else json.dumps(self._document()).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(found)))
            self.end_headers()
            self.wfile.write(found)

        def _document(self) -> dict[str, Any]:
            tarball = f"http://{self.headers['Host']}/leaves-1.0.0.tgz"
            name, scripts = "@trees/leaves", {"prepack": "touch it-ran", "prepare": "touch it-ran"}
            release = {"name": name, "version": "1.0.0", "scripts": scripts, "dist": {"tarball": tarball}}
            return {"name": name, "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": release}}

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    return Registry
