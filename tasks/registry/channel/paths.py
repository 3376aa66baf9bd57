"""Where the channels of this machine lie: the folder that a web server serves, and the keys, which it never sees."""

import os
from pathlib import Path

from tasks.core.errors import InputError, mismatch
from tasks.core.workspace import state_dir
from tasks.runtime.update.channel import METADATA, TARGETS

SETTINGS = "channel.json"
"""the last file that a new channel writes beside its keys: with it, there is a channel"""


def served_root() -> Path:
    """Returns the folder with one channel per environment, for a web server; `STILLHOUSE_CHANNEL` overrides it."""
    return _place("STILLHOUSE_CHANNEL", "channel")


def keys_root() -> Path:
    """Returns the folder with the online keys of each channel; `STILLHOUSE_CHANNEL_KEYS` overrides it."""
    return _place("STILLHOUSE_CHANNEL_KEYS", "keys")


def metadata_dir(environment: str) -> Path:
    """Returns where the signed metadata of a channel is served from."""
    return served_root() / environment / METADATA


def targets_dir(environment: str) -> Path:
    """Returns where the files of the bundles in a channel are served from."""
    return served_root() / environment / TARGETS


def keys_dir(environment: str) -> Path:
    """Returns where a channel has its online keys, its settings and copies of its roots."""
    return keys_root() / environment


def channels() -> tuple[str, ...]:
    """Returns the environments that have a channel on this machine."""
    return tuple(sorted(found.parent.name for found in keys_root().glob(f"*/{SETTINGS}")))


def require_channel(environment: str) -> None:
    """Raises InputError where an environment has no channel."""
    if environment not in channels():
        do = f"make one: stillhouse channel init {environment} --root-keys DIR"
        raise InputError(mismatch(str(keys_dir(environment)), "", "the keys of a channel", "none", do))


def _place(variable: str, name: str) -> Path:
    override = os.environ.get(variable)
    return Path(override).resolve() if override else state_dir() / name
