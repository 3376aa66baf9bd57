"""The machine: room on the disk, the way to itself, and what the tools would send home."""

import os
import shutil
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tasks.upkeep.finding import Finding

LEAST_BYTES = 2 * 10**9
"""free: some runs of a recipe with large data"""
LOOPBACK = ("127.0.0.1", "localhost")
OFF = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": ("0", "false"),
    "MLFLOW_DISABLE_TELEMETRY": ("1", "true"),
    "DVC_NO_ANALYTICS": ("1", "true"),
}
"""variable -> what it must be"""


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


def _no_proxy() -> str:
    return f"`{os.environ.get('NO_PROXY') or os.environ.get('no_proxy') or ''}`"
