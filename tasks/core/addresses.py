"""Addresses as they may be shown: without the name and password that some of them carry."""

import re
from urllib.parse import unquote, urlsplit

_LOGIN = re.compile(r"(?<=://)[^/\s'\"`]*@")


def without_login(text: str) -> str:
    """Returns a text, such as a message, in which no address says with whose name and password it is opened."""
    return _LOGIN.sub("", text)


def login_of(address: str) -> tuple[str, str]:
    """Returns the name and password in an address; empty where it carries none."""
    login, at, _ = urlsplit(address).netloc.rpartition("@")
    name, _, password = login.partition(":")
    return (unquote(name), unquote(password)) if at else ("", "")
