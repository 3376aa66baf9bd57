"""The trust anchor: root metadata that somebody brought to the device, and vouches for."""

import hashlib
from pathlib import Path

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root

from ..errors import SettingsError

LARGEST = 512_000
"""bytes of a `root.json`"""


def read_anchor(path: Path, sha256: str | None) -> bytes:
    """Returns the bytes of a `root.json` that is signed by its own keys.

    Raises:
        SettingsError: there is no such file, it is another one than `sha256` says, or no root metadata.
    """
    if not path.is_file() or path.stat().st_size > LARGEST:
        raise SettingsError(f"`{path}`: expected a root.json, got no such file; ask the channel's publisher for it")
    content = path.read_bytes()
    got = hashlib.sha256(content).hexdigest()
    if sha256 is not None and got != sha256.lower():
        raise SettingsError(f"`{path}`: expected sha256 {sha256}, got {got}; do not trust it, ask for it again")
    try:
        metadata = Metadata[Root].from_bytes(content)
        if not isinstance(metadata.signed, Root):
            raise RepositoryError(f"metadata of {metadata.signed.type}")
        metadata.signed.verify_delegate(Root.type, metadata.signed_bytes, metadata.signatures)
    except RepositoryError as error:
        raise SettingsError(f"`{path}`: expected root metadata signed by itself, got {error}; ask for it") from None
    return content
