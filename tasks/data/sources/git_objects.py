"""The git program, asked for objects by their ids: bounded in time and size, and with nothing of a repository run.

A user's own configuration counts, because it holds mirrors (`url.<base>.insteadOf`), proxies and logins. What could
run something is switched off in each call.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from tasks.core.errors import DataError, mismatch, printable
from tasks.core.servers import without_login

SECONDS = 3600.0
"""that a transfer may take"""
POLL_SECONDS = 0.02
OVERHEAD = 64_000_000
"""bytes of names and history beside the files"""
FILES = ("100644", "100755", "100664")
"""modes of files; others are links and submodules"""
SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.bigFileThreshold": "1m",  # what is longer is never held in memory
    "fetch.unpackLimit": "1",
    "transfer.unpackLimit": "1",
    "fetch.recurseSubmodules": "false",
    "fetch.negotiationAlgorithm": "noop",
    "fetch.writeCommitGraph": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "http.lowSpeedLimit": "1",
    "http.lowSpeedTime": "60",
}
PROTOCOLS = "https:http:ssh:git:file"
"""`ext` would run a command, and what else a git may know is not needed"""
OF_A_REPOSITORY = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_SHALLOW_FILE"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_TEMPLATE_DIR", "GIT_TRACE"),
)
"""variables that a hook or alias of git sets for what it starts, which would lead to that repository"""
REFUSED = "unadvertised object"
"""what a server says of an id that no branch has at its end"""
MOST_LISTED = 256_000_000
"""bytes of names: a few small trees that hold each other can make any number of them"""
LINES = 3
"""of git's, in a message"""


class RefusedObjects(Exception):  # noqa: N818 - there is another way to ask
    """The server hands out nothing by its id."""


class Entry(NamedTuple):
    """A name in a commit."""

    mode: str
    id: str
    name: str


@dataclass(frozen=True)
class Repository:
    """A bare repository of our own, that holds what was fetched.

    Attributes:
        folder: of git.
        url: where it fetches from.
        limit: bytes that the files may have.
    """

    folder: Path
    url: str
    limit: int

    @classmethod
    def new(cls, folder: Path, url: str, limit: int) -> "Repository":
        """Makes an empty one.

        Raises:
            DataError: there is no git.
        """
        if shutil.which("git") is None:
            raise DataError(mismatch("data.source", "kind: git", "the program git", "none", "install it"))
        repository = cls(folder, url, limit)
        folder.mkdir()
        repository._local("init", "--quiet", "--bare", "--template=")  # without a template there are no hooks
        repository._local("config", "remote.origin.url", url)
        return repository

    def fetch_commit(self, commit: str, sparse: bool) -> None:
        """Brings a commit with its names, and with the contents of its files where `sparse` is not wanted.

        Raises:
            DataError: it cannot be had, or more comes than may.
        """
        filtered = ["--filter=blob:none"] if sparse else []
        try:
            self._fetch([*filtered, "--depth=1"], [commit])
        except RefusedObjects:
            self._fetch(filtered, ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"])
        if self._kind(commit) != b"commit":
            do = "correct it: the whole id of a commit on a branch"
            raise DataError(mismatch("data.source", "commit", f"a commit of {self.url}", commit, do))

    def fetch_objects(self, ids: Sequence[str]) -> None:
        """Brings objects.

        Raises:
            RefusedObjects: the server hands out nothing by its id.
            DataError: they cannot be had, or are longer than they may be.
        """
        self._fetch(["--filter=blob:none", "--stdin"], [], "".join(f"{one}\n" for one in ids).encode())

    def entries(self, commit: str, folder: str) -> Iterator[Entry]:
        """Yields all names below a folder of a commit.

        Raises:
            DataError: there is no such folder, or there are too many names.
        """
        try:
            listed = self._local("ls-tree", "-r", "-z", f"{commit}:{folder}" if folder else commit)
        except _Failed:
            do = "correct the name; it has slashes, and no link on its way"
            raise DataError(mismatch("data.source", "folder", f"a folder of {self.url}", folder, do)) from None
        for line in listed.split(b"\0")[:-1]:
            facts, _, name = line.partition(b"\t")
            mode, _, one = facts.decode().split()
            yield Entry(mode, one, name.decode(errors="surrogateescape"))

    def sizes(self) -> dict[str, int]:
        """Returns id -> bytes of every object that is here; nothing is fetched for that."""
        wanted = "--batch-check=%(objectname) %(objectsize)"
        listed = self._local("cat-file", "--batch-all-objects", "--unordered", wanted)
        return {one: int(size) for one, size in (line.split() for line in listed.decode().splitlines())}

    @contextmanager
    def reader(self) -> Iterator["ObjectReader"]:
        """Opens the objects that are here."""
        process = subprocess.Popen(
            self._command("cat-file", "--batch"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(""),
        )
        with process:
            try:
                yield ObjectReader(process)
            finally:
                process.kill()

    def too_large(self, got: str) -> DataError:
        """Returns what to say of more bytes than the recipe allows."""
        do = "raise it, or name fewer `paths`"
        expected = f"at most {self.limit:,} bytes from {self.url}"
        return DataError(mismatch("data.source", "largest_megabytes", expected, got, do))

    def _kind(self, one: str) -> bytes:
        with suppress(_Failed):
            return self._local("cat-file", "-t", one).strip()
        return b""

    def _fetch(self, options: Sequence[str], wanted: Sequence[str], given: bytes = b"") -> None:
        flags = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-maintenance")
        try:
            self._run([*("fetch", *flags), *options, "origin", *wanted], given, PROTOCOLS)
        except _Failed as failure:
            if REFUSED in str(failure):
                raise RefusedObjects from None
            do = "correct `url` or `commit`, or check network, proxy and login (`git ls-remote URL` tries them)"
            expected = f"what `commit` and `paths` name from {self.url}"
            raise DataError(mismatch("data.source", "url", expected, failure, do)) from None

    def _local(self, *arguments: str) -> bytes:
        """Returns what git prints; it can reach no server meanwhile."""
        return self._run(arguments, b"", "")

    def _run(self, arguments: Sequence[str], given: bytes, protocols: str) -> bytes:
        # Files instead of pipes, so that neither side can wait for the other.
        with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            stdin.write(given)
            stdin.seek(0)
            # A group of its own, so that what it started ends with it.
            process = subprocess.Popen(
                self._command(*arguments),
                stdin=stdin,
                stdout=out,
                stderr=err,
                env=_environment(protocols),
                start_new_session=True,
            )
            try:
                self._watch(process, out)
            finally:
                _end(process)
            if process.returncode:
                raise _Failed(_last_lines(err) or f"exit code {process.returncode}")
            out.seek(0)
            return out.read()

    def _watch(self, process: subprocess.Popen[bytes], out: IO[bytes]) -> None:
        """Waits until git ends; ends it where it takes too long or writes too much."""
        until = time.monotonic() + SECONDS
        while process.poll() is None:
            if time.monotonic() > until:
                do = "name fewer `paths`, or a mirror that is nearer (`url.<base>.insteadOf` of git)"
                raise DataError(mismatch("data.source", "url", f"an answer within {SECONDS:g} seconds", "none", do))
            self._require_little(out)
            time.sleep(POLL_SECONDS)
        self._require_little(out)

    def _require_little(self, out: IO[bytes]) -> None:
        if self._bytes() > self.limit + OVERHEAD:
            raise self.too_large("more, packed")
        if os.fstat(out.fileno()).st_size > MOST_LISTED:
            do = "name a `folder`"
            raise DataError(mismatch("data.source", "paths", f"at most {MOST_LISTED:,} bytes of names", "more", do))

    def _bytes(self) -> int:
        total = 0
        for path in (self.folder / "objects" / "pack").glob("*"):
            with suppress(FileNotFoundError):  # git renames them
                total += path.stat().st_size
        return total

    def _command(self, *arguments: str) -> list[str]:
        settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        return ["git", *settings, f"--git-dir={self.folder}", *arguments]


@dataclass(frozen=True)
class ObjectReader:
    """Reads one object after the other."""

    process: subprocess.Popen[bytes]

    def open(self, one: str) -> tuple[int, IO[bytes]]:
        """Returns size and stream of an object; `close_object` follows when as many bytes were read."""
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin, "a pipe"
        assert stdout, "a pipe"
        stdin.write(f"{one}\n".encode())
        stdin.flush()
        _, _, size = stdout.readline().split()
        return int(size), stdout

    def close_object(self) -> None:
        """Reads the line end behind an object."""
        assert self.process.stdout, "a pipe"
        self.process.stdout.read(1)


class _Failed(Exception):  # noqa: N818 - each caller says what it means
    """Git ended with an error; the message is git's."""


def _environment(protocols: str) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if name not in OF_A_REPOSITORY}
    return own | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": protocols}


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_lines(stream: IO[bytes]) -> str:
    stream.seek(0)
    lines = stream.read().decode(errors="replace").strip().splitlines()[-LINES:]
    return without_login(printable("; ".join(line.strip() for line in lines if line.strip())))
