"""The roots of a channel: who may sign what, each version signed by the keys of the one before.

The publisher trusts its own copies, beside the keys; the served ones are written from them. A new root is valid as soon
as its copy is written.
"""

from collections.abc import Iterator, Sequence
from itertools import count, takewhile
from pathlib import Path

from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root

from tasks.core.errors import InputError, IntegrityError, mismatch
from tasks.core.files import sha256_of
from tasks.registry.channel import atomic_write
from tasks.registry.channel.paths import keys_dir, metadata_dir
from tasks.runtime.update.channel import ROOT

_COPIES = "roots"


def copies(environment: str) -> tuple[Path, ...]:
    """Returns the files of all roots of a channel, the first one first."""
    folder = keys_dir(environment) / _COPIES
    paths = (folder / f"{version}.{ROOT}" for version in count(1))
    return tuple(takewhile(Path.is_file, paths))


def newest_root(environment: str) -> bytes:
    """Returns the file of the newest root of a channel.

    Raises:
        IntegrityError: there is none, or it is none that signs for itself.
    """
    paths = copies(environment)
    try:
        content = paths[-1].read_bytes()
        root = Metadata[Root].from_bytes(content)
        root.signed.verify_delegate(Root.type, root.signed_bytes, root.signatures)
    except (IndexError, RepositoryError) as error:
        got = "none" if isinstance(error, IndexError) else f"{paths[-1].name}: {error}"
        do = "bring them back from a backup, or from what is served"
        raise IntegrityError(mismatch(str(keys_dir(environment) / _COPIES), "", "the roots", got, do)) from None
    return content


def current_root(environment: str) -> Metadata[Root]:
    """Returns the newest root of a channel; raises as `newest_root` does."""
    return Metadata[Root].from_bytes(newest_root(environment))


def anchor(environment: str) -> str:
    """Returns the sha256 of the first root, by which a device knows the channel."""
    return sha256_of(copies(environment)[0])


def sign_root(root: Root, before: Root | None, signers: Sequence[CryptoSigner]) -> Metadata[Root]:
    """Returns a root signed by all given keys.

    Raises:
        InputError: they are too few, for this root or for the one before.
    """
    signed = Metadata(root)
    for signer in signers:
        signed.sign(signer, append=True)
    result = root.get_root_verification_result(before, signed.signed_bytes, signed.signatures)
    if not result.verified:
        missing = max(result.first.missing, result.second.missing)
        do = "bring the folder with the root keys of this channel"
        raise InputError(mismatch("root keys", "", f"{missing} signatures more", "too few keys", do))
    return signed


def keep_root(environment: str, root: Metadata[Root]) -> None:
    """Makes a root the newest one: its copy first, then what is served."""
    path = keys_dir(environment) / _COPIES / f"{root.signed.version}.{ROOT}"
    atomic_write.write(path, root.to_bytes(), atomic_write.OWNER_ONLY)
    serve_roots(environment)


def serve_roots(environment: str) -> None:
    """Writes the served roots that differ from the copies."""
    for path, content in _drift(environment):
        if content is None:
            path.unlink()
        else:
            atomic_write.write(path, content)


def wrong_roots(environment: str) -> tuple[Path, ...]:
    """Returns the served roots that are changed, missing, or unknown."""
    return tuple(path for path, _ in _drift(environment))


def _drift(environment: str) -> Iterator[tuple[Path, bytes | None]]:
    """Yields served roots that differ from the copies, with the right content; None where there must be no file."""
    folder = metadata_dir(environment)
    meant = {folder / path.name: path.read_bytes() for path in copies(environment)}
    for path, content in meant.items():
        if not path.is_file() or path.read_bytes() != content:
            yield path, content
    for path in sorted(set(folder.glob(f"*.{ROOT}")) - set(meant)):
        yield path, None
