"""The servers that variables name: which of them does not answer?

Each library that meets a silent server words it in its own way, and says neither which variable named it nor what to
do. So nothing is read out of their errors: where something went wrong, the servers are asked.
"""

import os
import re
import socket
from collections.abc import Iterable, Mapping
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit

from tasks.core.errors import UnreachableError, mismatch

WEB = ("PREFECT_API_URL", "MLFLOW_TRACKING_URI")
"""of servers that answer at `/health` below their address; MLflow's may name a database, too"""
DATABASE = "STILLHOUSE_LEDGER_URI"
PORTS = {"postgresql": 5432, "mysql": 3306}
"""where databases listen whose address names no port"""
PATIENCE_SECONDS = 3
_LOGIN = re.compile(r"(?<=://)[^/\s'\"`]*@")


def without_login(text: str) -> str:
    """Returns a text, such as a message, in which no address says with whose name and password it is opened."""
    return _LOGIN.sub("", text)


def login_of(address: str) -> tuple[str, str]:
    """Returns the name and password in an address; empty where it carries none."""
    login, at, _ = urlsplit(address).netloc.rpartition("@")
    name, _, password = login.partition(":")
    return (unquote(name), unquote(password)) if at else ("", "")


def named_servers(names: Iterable[str] = (*WEB, DATABASE)) -> dict[str, str]:
    """Returns variable -> address of the servers that the environment names; files on this machine are none."""
    given = {name: os.environ.get(name, "") for name in names}
    return {name: address for name, address in given.items() if _host(address)}


def silent_servers(named: Mapping[str, str]) -> dict[str, str]:
    """Returns those that do not answer, variable -> address without its login."""
    return {name: without_login(address) for name, address in named.items() if not answers(address)}


def answers(address: str) -> bool:
    """Says whether a server answers as one of its kind, be it for a login; True where that cannot be asked."""
    import urllib.request  # slow, and a command that goes well never asks
    from http.client import HTTPException

    parts = urlsplit(address)
    port = parts.port or PORTS.get(parts.scheme.partition("+")[0])
    try:
        if parts.scheme in ("http", "https"):
            with urllib.request.urlopen(f"{without_login(address).rstrip('/')}/health", timeout=PATIENCE_SECONDS):
                return True
        if port:
            socket.create_connection((parts.hostname or "", port), timeout=PATIENCE_SECONDS).close()
        return True
    except HTTPError:
        return True
    except (OSError, HTTPException):  # the second: something listens there that is no web server
        return False


def unreachable(named: Mapping[str, str]) -> UnreachableError | None:
    """Returns what to say where named servers do not answer; None where all do."""
    silent = silent_servers(named)
    if not silent:
        return None
    do = "start that server, or unset the variable to keep that state on this machine"
    said = (mismatch(name, "", f"an answer from {address}", "none", do) for name, address in silent.items())
    return UnreachableError("\n".join(said))


def _host(address: str) -> str | None:
    """Returns the host in an address; None for a file, and for what is no address, which others refuse."""
    try:
        parts = urlsplit(address)
        return parts.hostname if parts.port != 0 else None
    except ValueError:  # which asking for the port may raise
        return None
