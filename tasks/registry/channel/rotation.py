"""New keys, and a new expiry of the root: each is one more version of the root, signed by the keys of the last one.

While an online key is changed, the metadata is first signed by the old key and the new one, then the new root follows:
a device that comes in between, or after a rotation that was cut off, verifies what it finds with either root.
"""

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Root

from tasks.core.errors import InputError
from tasks.registry.channel.keys import (
    RootKey,
    drop_revoked,
    make_online_key,
    online_signer,
    require_offline,
    root_signers,
)
from tasks.registry.channel.paths import require_channel
from tasks.registry.channel.publication import bring_in, publish, stale_roles
from tasks.registry.channel.roots import current_root, keep_root, sign_root
from tasks.registry.channel.settings import Online, Role, read_settings
from tasks.registry.channel.signing import issue, onward
from tasks.registry.channel.view import view
from tasks.registry.ledger.history import History
from tasks.registry.versions import registry_lock


def rotate(environment: str, role: Role, root_keys: Path) -> tuple[Path, ...]:
    """Gives a role a new key and revokes the old one; for `root`, all its keys, as many as before.

    Args:
        environment: whose channel.
        role: which changes its key.
        root_keys: the folder with the root keys; new ones are written to it.

    Returns:
        the files of new root keys, none for an online role.

    Raises:
        InputError: there is no channel, root keys are missing or do not open, or an online key is not there.
        IntegrityError: a release that leads is not what the ledger says.
    """
    require_channel(environment)
    with registry_lock():
        if role == "root":
            return _rotate_root(environment, root_keys)
        _rotate_online(environment, role, root_keys)
        return ()


def refresh(environment: str, root_keys: Path | None) -> tuple[Role, ...]:
    """Signs again what is near its expiry, the root only where its keys are at hand; returns what was signed.

    Raises:
        InputError, IntegrityError: as `rotate` does.
    """
    require_channel(environment)
    with registry_lock():
        root = current_root(environment).signed
        near = root_keys is not None and read_settings(environment).days.is_near("root", root.expires)
        if root_keys is not None and near:
            signers = root_signers(environment, root_keys, root)
            keep_root(environment, sign_root(_next(environment, root), root, signers))
        return (*(("root",) if near else ()), *publish(environment))


def _rotate_online(environment: str, role: Online, root_keys: Path) -> None:
    before = current_root(environment).signed
    signers = root_signers(environment, root_keys, before)
    old, new = _old_signer(environment, role, before), make_online_key(environment, role)
    root = _next(environment, before)
    _replace(root, role, [new])
    signed = sign_root(root, before, signers)
    _sign_with_both(environment, role, before, [*old, new])
    keep_root(environment, signed)
    drop_revoked(environment, root)


def _sign_with_both(environment: str, role: Online, before: Root, both: Sequence[CryptoSigner]) -> None:
    """Signs the metadata of a role, and what must be signed with it, so that old root and new root allow it."""
    listed = bring_in(environment, History.load())
    seen = view(environment)
    roles = max(onward(role), stale_roles(seen, listed, read_settings(environment).days), key=len)
    others = {other: [online_signer(environment, other, before)] for other in roles if other != role}
    issue(environment, seen, listed, roles, {**others, role: both})


def _old_signer(environment: str, role: Online, root: Root) -> list[CryptoSigner]:
    """Returns the key to revoke, none where it is lost: then devices wait for the new root."""
    try:
        return [online_signer(environment, role, root)]
    except InputError:
        return []


def _rotate_root(environment: str, root_keys: Path) -> tuple[Path, ...]:
    require_offline(root_keys)
    before = current_root(environment).signed
    old = root_signers(environment, root_keys, before)
    made = [RootKey() for _ in before.roles[Root.type].keyids]
    root = _next(environment, before)
    _replace(root, "root", [key.signer for key in made])
    signed = sign_root(root, before, [*old, *(key.signer for key in made)])
    paths = tuple(key.keep(environment, root_keys) for key in made)
    keep_root(environment, signed)
    return paths


def _next(environment: str, before: Root) -> Root:
    """Returns the next version of a root with a new expiry; all else is as before."""
    root = deepcopy(before)
    root.version += 1
    root.expires = read_settings(environment).days.expiry("root")
    return root


def _replace(root: Root, role: Role, signers: Sequence[CryptoSigner]) -> None:
    for keyid in tuple(root.roles[role].keyids):
        root.revoke_key(keyid, role)
    for signer in signers:
        root.add_key(signer.public_key, role)
