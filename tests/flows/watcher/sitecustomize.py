"""Writes every connection that leaves this machine to a file; Python imports this module when it starts."""

import ipaddress
import os
import sys
from pathlib import Path
from typing import Any

LOG = os.environ.get("WATCHER_LOG")


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = str(arguments[1][0])
        if not _is_here(host):
            _write(f"connect {host} {sys.argv[:3]}")
    elif event == "socket.getaddrinfo" and not _is_here(str(arguments[0])):
        _write(f"look up {arguments[0]} {sys.argv[:3]}")


def _is_here(host: str) -> bool:
    if host in ("localhost", "", "None", os.uname().nodename):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback or ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _write(line: str) -> None:
    with Path(str(LOG)).open("a") as log:
        log.write(f"{line}\n")


if LOG:
    sys.addaudithook(_watch)
