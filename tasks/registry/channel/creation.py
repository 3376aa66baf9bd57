"""A new channel: its keys, its first root, and the releases that lead the environment already."""

import shutil
from pathlib import Path

from tuf.api.metadata import Key, Role, Root

from tasks.core.errors import InputError, mismatch
from tasks.registry.channel import atomic_write
from tasks.registry.channel.contents import contents
from tasks.registry.channel.keys import RootKey, make_online_key, require_offline
from tasks.registry.channel.paths import channels, keys_dir, keys_root, metadata_dir, served_root
from tasks.registry.channel.publication import publish
from tasks.registry.channel.roots import keep_root, sign_root
from tasks.registry.channel.settings import ONLINE, ChannelSettings, Days, write_settings
from tasks.registry.ledger.history import History
from tasks.registry.versions import registry_lock
from tasks.tracking.runs import fetch


def create(environment: str, root_keys: Path, keys: int, threshold: int, days: Days) -> tuple[Path, ...]:
    """Makes the channel of an environment and publishes what leads it.

    Cut off before its end, it leaves no channel, or one that the next publication completes.

    Args:
        environment: which has no channel yet.
        root_keys: the folder that root keys are written to, one file each.
        keys: how many of them.
        threshold: how many of them must sign a new root.
        days: for how long metadata is good.

    Returns:
        the files of the root keys.

    Raises:
        InputError: there is a channel, the threshold cannot be met, or the folder is no place for root keys.
        IntegrityError: a release that leads is not what the ledger says.
    """
    _require_keys(keys, threshold)
    require_offline(root_keys)
    with registry_lock():
        _require_new(environment)
        history = History.load()
        for file in contents(environment, history):
            fetch(file.artefact)
        shutil.rmtree(keys_dir(environment), ignore_errors=True)
        atomic_write.private_dir(keys_dir(environment))
        paths = _found(environment, root_keys, [RootKey() for _ in range(keys)], threshold, days)
        write_settings(environment, ChannelSettings(days=days))
        publish(environment, history)
        return paths


def _found(environment: str, folder: Path, made: list[RootKey], threshold: int, days: Days) -> tuple[Path, ...]:
    """Writes all keys and the first root."""
    paths = tuple(key.keep(environment, folder) for key in made)
    signers = [key.signer for key in made]
    online: dict[str, Key] = {role: make_online_key(environment, role).public_key for role in ONLINE}
    root = Root(1, None, days.expiry("root"))
    root.roles[Root.type] = Role([], threshold)
    for signer in signers:
        root.add_key(signer.public_key, Root.type)
    for role, key in online.items():
        root.add_key(key, role)
    keep_root(environment, sign_root(root, None, signers))
    return paths


def _require_new(environment: str) -> None:
    """Refuses to make a channel where there is one; the message names it, and nothing of it changes."""
    served, keys = metadata_dir(environment).parent, keys_dir(environment)
    if environment in channels():
        do = f"see `stillhouse channel status`; new keys for it: stillhouse channel rotate {environment}"
        raise InputError(mismatch(str(keys), "", "no channel", "one that is there", do))
    if (metadata_dir(environment) / "timestamp.json").exists():
        do = "set `STILLHOUSE_CHANNEL_KEYS` to the folder of its keys, or move it away"
        raise InputError(mismatch(str(served), "", "no channel", "one whose keys are not here", do))
    if keys_root().is_relative_to(served_root()):
        do = "set `STILLHOUSE_CHANNEL_KEYS` to a folder elsewhere"
        raise InputError(mismatch(str(keys_root()), "", "a folder that is not served", "one that is", do))


def _require_keys(keys: int, threshold: int) -> None:
    if not 1 <= threshold <= keys:
        do = "ask for fewer signatures or make more keys"
        expected = f"1 to {keys}, the number of keys"
        raise InputError(mismatch("stillhouse channel init", "--threshold", expected, threshold, do))
