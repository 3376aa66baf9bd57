"""The keys of a channel: online ones in files that only their owner may read, root keys in a folder that goes offline.

A key is known by its TUF key id, the sha256 of its public half; which one a role uses is in the root metadata.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Root

from tasks.core.errors import InputError, mismatch
from tasks.registry.channel import atomic_write
from tasks.registry.channel.paths import keys_dir, served_root
from tasks.registry.channel.settings import ONLINE, Online

PASSPHRASE = "STILLHOUSE_ROOT_PASSPHRASE"
"""the variable with the passphrase that encrypts root keys; without it they are not encrypted"""
_SHOWN = 16
"""characters of a key id in the name of its file"""


def make_online_key(environment: str, role: Online) -> CryptoSigner:
    """Makes a new key for an online role and writes it to a file of its own."""
    private = Ed25519PrivateKey.generate()
    signer = CryptoSigner(private)
    _keep(_online_path(environment, role, signer.public_key.keyid), private, None)
    return signer


def online_signer(environment: str, role: Online, root: Root) -> CryptoSigner:
    """Returns the signer of an online role.

    Raises:
        InputError: the file of its key is not there, or holds another key.
    """
    (keyid,) = root.roles[role].keyids
    path = _online_path(environment, role, keyid)
    do = f"bring it back, or: stillhouse channel rotate {environment} --role {role} --root-keys DIR"
    if not path.is_file():
        raise InputError(mismatch(str(path), "", f"the key of {role}", "no such file", do))
    signer = _load(path, do)
    if signer.public_key.keyid != keyid:
        raise InputError(mismatch(str(path), "", f"the key {keyid[:_SHOWN]}", "another key", do))
    return signer


def drop_revoked(environment: str, root: Root) -> None:
    """Removes the files of online keys that the root metadata does not name."""
    named = {_online_path(environment, role, keyid) for role in ONLINE for keyid in root.roles[role].keyids}
    for path in set(keys_dir(environment).glob("*.pem")) - named:
        path.unlink()


def readable_by_others(environment: str) -> Iterator[tuple[Path, int]]:
    """Yields the files of online keys that others than their owner may open, with their permissions."""
    for path in sorted(keys_dir(environment).glob("*.pem")):
        mode = path.stat().st_mode & 0o777
        if mode & 0o077:
            yield path, mode


@dataclass(frozen=True)
class RootKey:
    """A root key that was just made, and is not in a file yet."""

    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate, repr=False)

    @property
    def signer(self) -> CryptoSigner:
        """What signs with it."""
        return CryptoSigner(self.private)

    def keep(self, environment: str, folder: Path) -> Path:
        """Writes it to a file in a folder, encrypted where a passphrase is set; other files stay."""
        path = _root_path(environment, folder, self.signer.public_key.keyid)
        atomic_write.private_dir(folder)
        _keep(path, self.private, _passphrase())
        return path


def require_offline(folder: Path) -> None:
    """Raises InputError for a path of root keys that is served to devices, or is no folder."""
    where, do = folder.resolve(), "name another one, best on a medium that goes offline"
    if where.is_relative_to(served_root()):
        raise InputError(mismatch(str(folder), "--root-keys", "a folder that is not served", "one that is", do))
    if folder.exists() and not folder.is_dir():
        raise InputError(mismatch(str(folder), "--root-keys", "a folder", "a file", do))


def root_signers(environment: str, folder: Path, root: Root) -> list[CryptoSigner]:
    """Returns the signers of the root keys in a folder that the root metadata names; other keys are ignored.

    Raises:
        InputError: they are fewer than the threshold, or a file cannot be read with the passphrase that was given.
    """
    role = root.roles[Root.type]
    files = [_root_path(environment, folder, keyid) for keyid in role.keyids]
    do = f"set `{PASSPHRASE}` to the passphrase of that key, empty if it has none"
    found = [_load(path, do) for path in files if path.is_file()]
    signers = [signer for signer in found if signer.public_key.keyid in role.keyids]
    if len(signers) < role.threshold:
        names = ", ".join(path.name for path in files)
        expected = f"at least {role.threshold} of {names}"
        do = "bring the folder with the root keys of this channel"
        raise InputError(mismatch(str(folder), "--root-keys", expected, len(signers) or "none", do))
    return signers


def _keep(path: Path, private: Ed25519PrivateKey, passphrase: bytes | None) -> None:
    encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    content = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    atomic_write.write(path, content, atomic_write.OWNER_ONLY)


def _load(path: Path, do: str) -> CryptoSigner:
    """Reads a key; an error says nothing of the passphrase."""
    content = path.read_bytes()
    passphrase = _passphrase() if b"ENCRYPTED" in content else None
    try:
        private = load_pem_private_key(content, passphrase)
        return CryptoSigner(private)  # which refuses the types it does not know
    except (ValueError, TypeError):
        got = "one that does not open" if passphrase else "one that is damaged, or encrypted while no passphrase is set"
        raise InputError(mismatch(str(path), "", "a private key", got, do)) from None


def _passphrase() -> bytes | None:
    return os.environ.get(PASSPHRASE, "").encode() or None


def _online_path(environment: str, role: Online, keyid: str) -> Path:
    return keys_dir(environment) / f"{role}-{keyid[:_SHOWN]}.pem"


def _root_path(environment: str, folder: Path, keyid: str) -> Path:
    return folder / f"{environment}-root-{keyid[:_SHOWN]}.pem"
