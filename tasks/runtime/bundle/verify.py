"""Reads a bundle from disk once, and gives out only bytes that were verified.

What is verified is what is used: the bytes returned here are the ones whose digest was taken; no path is opened again.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import ManifestError, TamperedError
from .manifest import LARGEST, MANIFEST, BundleFile, Manifest, read_manifest


@dataclass(frozen=True)
class Contents:
    """A manifest and the verified bytes of every file it lists, by name."""

    manifest: Manifest
    files: Mapping[str, bytes]
    release: str
    """sha256 of the manifest in hex; as the manifest names every other byte, it stands for the whole bundle"""

    def file(self, name: str) -> bytes:
        """Returns the bytes of a file that a bundle must have.

        Raises:
            ManifestError: the manifest does not list it.
        """
        if name not in self.files:
            raise ManifestError(f"`{MANIFEST}`: `files`: expected `{name}` there, got none; write the bundle again")
        return self.files[name]


def verify(directory: Path) -> Manifest:
    """Returns the manifest of a bundle after checking every file.

    Raises:
        ManifestError: the manifest is missing or malformed.
        TamperedError: a file is missing, is not listed, or differs in size or digest.
    """
    return read_verified(directory).manifest


def read_verified(directory: Path) -> Contents:
    """Returns the bytes of all files of a bundle after checking them; raises as `verify` does."""
    content = _manifest_bytes(directory)
    manifest = read_manifest(content)
    _refuse_unlisted(directory, manifest)
    files = {file.name: _verified_bytes(directory, file) for file in manifest.files}
    return Contents(manifest, files, hashlib.sha256(content).hexdigest())


def read_checked(path: Path, sha256: str, size: int | None = None) -> bytes:
    """Returns the bytes of one file after checking their digest.

    Raises:
        TamperedError: the file is missing, a link, longer than `size`, or has other bytes.
    """
    if path.is_symlink() or not path.is_file():
        raise TamperedError(f"`{path}`: expected a regular file, got none; fetch the bundle again")
    if size is not None and path.stat().st_size != size:
        raise TamperedError(f"`{path}`: expected {size} bytes, got {path.stat().st_size}; fetch the bundle again")
    content = path.read_bytes()
    got = hashlib.sha256(content).hexdigest()
    if got != sha256:
        raise TamperedError(f"`{path}`: expected sha256 {sha256}, got {got}; fetch the bundle again")
    return content


def _manifest_bytes(directory: Path) -> bytes:
    path = directory / MANIFEST
    if path.is_symlink() or not path.is_file():
        raise ManifestError(f"`{path}`: expected a manifest, got no such file; fetch the bundle again")
    with path.open("rb") as stream:
        return stream.read(LARGEST + 1)


def _verified_bytes(directory: Path, file: BundleFile) -> bytes:
    return read_checked(directory / file.name, file.sha256, file.size)


def _refuse_unlisted(directory: Path, manifest: Manifest) -> None:
    listed = {file.name for file in manifest.files} | {MANIFEST}
    extra = sorted(path.name for path in directory.iterdir() if path.name not in listed)
    if extra:
        raise TamperedError(f"`{directory}`: expected only listed files, got `{extra[0]}` too; fetch the bundle again")
