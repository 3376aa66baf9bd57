"""The machine: versions of libraries, free disk space, the network to itself, usage statistics, databases."""

import os
import shutil
import socket
import sqlite3
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from tasks.upkeep.finding import Finding

DISTRIBUTION, LOCK = "stillhouse", "requirements.lock"
OURS = ("cli", "flows", "infra", "params", "tasks")
LEAST_BYTES = 2 * 10**9
"""free: some runs of a recipe with large data"""
PATIENCE_SECONDS = 5.0
"""for another process that writes to a database"""
LOOPBACK = ("127.0.0.1", "localhost")
OFF = {
    "ORT_DISABLE_TELEMETRY": ("1",),
    "DO_NOT_TRACK": ("true", "yes", "1"),
    "PREFECT_SERVER_ANALYTICS_ENABLED": ("0", "false"),
    "MLFLOW_DISABLE_TELEMETRY": ("1", "true"),
    "DVC_NO_ANALYTICS": ("1", "true"),
}
"""variable -> what it must be"""


def dependencies() -> list[str]:
    """Returns what Stillhouse requires without any extra, as it was installed."""
    return [line for line in requires(DISTRIBUTION) or () if "extra ==" not in line]


def required_versions(wanted: Iterable[str]) -> Iterator[Finding]:
    """Yields the libraries that are missing, or of a version that is excluded."""
    for requirement in map(Requirement, wanted):
        got = _installed(requirement.name)
        if not _fits(requirement, got):
            yield Finding(
                f"`{requirement.name}`: expected {requirement.specifier}, got {got or 'none'}",
                f"pip install -c {LOCK} '{requirement.name}{requirement.specifier}'",
            )


def collisions(installed: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    """Yields other distributions that bring a package of one of our names: which of both is imported is left to chance.

    Args:
        installed: top-level package -> the distributions that bring it.
    """
    for package in OURS:
        others = sorted({*installed.get(package, ())} - {DISTRIBUTION})
        if others:
            wrong = f"package `{package}`: expected from {DISTRIBUTION} alone, got also from {', '.join(others)}"
            yield Finding(
                wrong, f"pip uninstall {' '.join(others)}   (or give {DISTRIBUTION} an environment of its own)"
            )


def locked_versions(project: Path) -> Iterator[Finding]:
    """Yields one finding where installed libraries have other versions than the lock; those not installed are none."""
    path = project / LOCK
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    locked = [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]
    installed = [(requirement, _installed(requirement.name)) for requirement in locked]
    other = [f"{one.name} {got}" for one, got in installed if got and not _fits(one, got)]
    if other:
        repair = f"pip install -r {LOCK}"
        yield Finding(f"`{LOCK}`: expected its versions, got {', '.join(other)}", repair)


def disk_space(state: Path) -> Iterator[Finding]:
    """Yields a finding where the disk of the state folder is nearly full."""
    free = shutil.disk_usage(state).free
    if free < LEAST_BYTES:
        yield Finding(f"`{state}`: expected {LEAST_BYTES:,} bytes free, got {free:,}", "stillhouse gc")


def loopback() -> Iterator[Finding]:
    """Yields a finding where a server of this machine could not be reached from it, as those of Prefect and MLflow."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), 2):
            return
    except OSError as error:
        yield Finding(f"`127.0.0.1`: expected a port to listen at and to connect to, got {error}", "ip link set lo up")


def proxies() -> Iterator[Finding]:
    """Yields a finding where a proxy would get what is meant for this machine."""
    if not {"http", "all"} & urllib.request.getproxies().keys():
        return
    caught = [host for host in LOOPBACK if not urllib.request.proxy_bypass(host)]
    if caught:
        wrong = f"`NO_PROXY`: expected {' and '.join(caught)} in it, since a proxy is set, got {_no_proxy()}"
        yield Finding(wrong, f"export NO_PROXY={','.join(LOOPBACK)},$NO_PROXY")


def telemetry() -> Iterator[Finding]:
    """Yields the switches of tools that are set to send usage statistics."""
    for name, off in OFF.items():
        got = os.environ.get(name, "")
        if got.lower() not in off:
            yield Finding(f"`{name}`: expected {off[-1]}, got `{got}`", f"unset {name}")


def sqlite_databases(state: Path) -> Iterator[Finding]:
    """Yields the databases of the state folder that are damaged or cannot be written to."""
    for path in (state / "mlflow.db", state / "ledger.db", state / "prefect" / "prefect.db"):
        if path.is_file() and (found := _problem(path)):
            problem, repair = found
            yield Finding(f"`{path}`: expected a database to write to, got {problem}", repair)


def _problem(path: Path) -> tuple[str, str] | None:
    """Returns what is wrong with a database, and the command that repairs it."""
    recover = f"sqlite3 {path} .recover | sqlite3 {path}.new && mv {path}.new {path}   (or put back a copy)"
    if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
        return "one that may only be read", f"chmod u+w {path} {path.parent}"
    try:
        with closing(sqlite3.connect(path, timeout=PATIENCE_SECONDS, isolation_level=None)) as opened:
            (answer,) = opened.execute("PRAGMA quick_check(1)").fetchone()
            opened.execute("BEGIN IMMEDIATE")
            opened.execute("ROLLBACK")
    except sqlite3.Error as error:
        busy = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
        return str(error), f"fuser {path}   (end the process that writes)" if busy else recover
    return None if answer == "ok" else (str(answer).replace("\n", " "), recover)


def _no_proxy() -> str:
    return f"`{os.environ.get('NO_PROXY') or os.environ.get('no_proxy') or ''}`"


def _fits(requirement: Requirement, got: str | None) -> bool:
    return got is not None and requirement.specifier.contains(got, prereleases=True)


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
