"""A receipt: what a release answered on a device, signed with the key of that device, in one file to be carried away.

It is a zip of `receipt.json`, `outputs.npz` and, where it is signed, `signature.json` over the bytes of the first.
"""

import hashlib
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from securesystemslib.exceptions import UnsupportedLibraryError, UnverifiedSignatureError
from securesystemslib.signer import CryptoSigner, Signature, SSlibKey

from ..errors import SettingsError, TamperedError
from ..update.storage import write_durably
from .answers import FORMAT, ProofAnswers, read_arrays, to_npz

RECEIPT, OUTPUTS, SIGNATURE = "receipt.json", "outputs.npz", "signature.json"
KEY = "proof.key"
"""in the home of a device"""
LARGEST = 2**30
"""bytes of one file of a receipt"""
DO = "run `stillhouse-edge prove` again"


@dataclass(frozen=True)
class SignedAnswers:
    """What a receipt says, and the id of the key that signed it; None where nothing did."""

    facts: dict[str, Any]
    outputs: dict[str, NDArray[Any]]
    key: str | None


def device_signer(home: Path) -> CryptoSigner:
    """Returns the signer of a device, whose key is made when it is asked for first.

    Raises:
        SettingsError: the library that signs is not there, or the file holds no key.
    """
    path = home / KEY
    try:
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        if not path.is_file():
            made = CryptoSigner.generate_ed25519()
            write_durably(path, made.private_bytes)
            path.chmod(0o600)
        return CryptoSigner(load_pem_private_key(path.read_bytes(), None))
    except (ImportError, UnsupportedLibraryError):
        raise SettingsError(
            "`prove`: expected the library that signs, got no `cryptography`; install `stillhouse-edge[fast]`"
        ) from None
    except (ValueError, TypeError) as error:
        raise SettingsError(
            f"`{path}`: expected a key, got {error}; remove it, and tell the project the new one"
        ) from None


def write_receipt(path: Path, answers: ProofAnswers, signer: CryptoSigner | None = None) -> None:
    """Writes a receipt, signed where there is a signer."""
    said = json.dumps(answers.facts, sort_keys=True).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(RECEIPT, said)
        archive.writestr(OUTPUTS, to_npz(answers.outputs))
        if signer is not None:
            key = {"keyid": signer.public_key.keyid, **signer.public_key.to_dict()}
            signed = {"key": key, "signature": signer.sign(said).to_dict()}
            archive.writestr(SIGNATURE, json.dumps(signed))


def read_receipt_file(path: Path) -> SignedAnswers:
    """Returns what a receipt says, after checking its signature and the digest of its outputs.

    Raises:
        TamperedError: it is cut short, of another format, or not what was signed.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            files = {name: _read(archive, name) for name in archive.namelist()}
        said, outputs = files[RECEIPT], files[OUTPUTS]
        facts = json.loads(said)
        key = _verified(said, json.loads(files[SIGNATURE])) if SIGNATURE in files else None
    except (zipfile.BadZipFile, OSError, KeyError, ValueError, UnverifiedSignatureError) as error:
        raise TamperedError(f"`{path}`: expected a whole receipt, got {type(error).__name__}: {error}; {DO}") from None
    if facts.get("format") != FORMAT or facts.get("outputs_sha256") != hashlib.sha256(outputs).hexdigest():
        raise TamperedError(f"`{path}`: expected outputs as the receipt names them, got others; {DO}")
    return SignedAnswers(facts, read_arrays(outputs), key)


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > LARGEST:
        raise ValueError(f"`{name}` of {archive.getinfo(name).file_size:,} bytes")
    return archive.read(name)


def _verified(said: bytes, signed: dict[str, Any]) -> str:
    """Returns the id of the key that signed; the id is computed, since what is written may be another's."""
    known = {name: value for name, value in signed["key"].items() if name != "keyid"}
    key = SSlibKey.from_dict(signed["key"]["keyid"], known)
    key.verify_signature(Signature.from_dict(signed["signature"]), said)
    return hashlib.sha256(key.keyval["public"].encode()).hexdigest()


def key_id(signer: CryptoSigner) -> str:
    """Returns the id by which a project knows the key of a device: the sha256 of its public half, in hex."""
    public = signer.public_key
    assert isinstance(public, SSlibKey)
    return hashlib.sha256(public.keyval["public"].encode()).hexdigest()
