"""A bundle: one directory with the model, golden samples for the self-test, and the manifest of all."""

import hashlib
import io
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from secrets import token_hex
from typing import Any

import numpy as np

from ..errors import ManifestError, SelfTestError
from ..listen.rules import ListenRules
from .decoder import decoder_of
from .manifest import MANIFEST, BundleFile, Defer, Manifest, Processor, VerifyRules
from .onnx_version import onnx_version
from .session import MODEL, Arrays, Session
from .verify import Contents, read_verified

GOLDEN = "golden.npz"
SIDES = ("inputs", "outputs")


@dataclass(frozen=True)
class Facts:
    """What the maker knows about a model and the model does not."""

    name: str
    task: str
    targets: Mapping[str, Any]
    """the target card: `names` and `facts`"""
    preprocessing: Mapping[str, Any]
    """`kind`, and what the preprocessor of that kind reads"""
    layout: str
    target: Processor
    data_version: str
    fingerprint: str
    created: str
    tolerance: float
    licences: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """of the data, and of the teachers that were brought along"""
    defer: Defer | None = None
    """when an answer is to be left to somebody else"""
    listen: ListenRules | None = None
    """what decides while a device listens"""
    verify: VerifyRules | None = None
    """when two samples are taken for the same"""


@dataclass(frozen=True)
class Golden:
    """The named inputs of a few samples, and the outputs that the model gave where it was made."""

    inputs: Arrays
    outputs: Arrays

    def to_npz(self) -> bytes:
        """Returns an `.npz` of `inputs.NAME` and `outputs.NAME`; equal arrays give equal bytes."""
        arrays = {f"{side}.{name}": values for side in SIDES for name, values in getattr(self, side).items()}
        stream = io.BytesIO()
        np.savez(stream, allow_pickle=False, **arrays)
        return stream.getvalue()


def write_bundle(
    directory: Path, facts: Facts, model: bytes, golden: Golden, extra: Mapping[str, bytes] | None = None
) -> Manifest:
    """Writes a bundle into a directory that is not there yet, whole or not at all; the manifest goes last.

    Args:
        directory: where the bundle will be.
        facts: goes into the manifest.
        model: the bytes of the ONNX file.
        golden: samples for the self-test.
        extra: more files by name, such as a model card.

    Raises:
        FileExistsError: the directory is there already.
        ModelError: ONNX Runtime cannot run the model.
    """
    files = {**(extra or {}), MODEL: model, GOLDEN: golden.to_npz()}
    manifest = _manifest(facts, Session(model), files)
    if directory.exists():
        raise FileExistsError(f"`{directory}`: expected a new directory, got one that is there; remove it first")
    temporary = directory.with_name(f".{directory.name}.{token_hex(4)}")
    temporary.mkdir(parents=True)
    try:
        for name, content in [*sorted(files.items()), (MANIFEST, manifest.to_json())]:
            (temporary / name).write_bytes(content)
        temporary.rename(directory)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return manifest


def golden_of(session: Session, inputs: Arrays) -> Golden:
    """Returns golden samples with the outputs this session gives."""
    return Golden(inputs, session.predict(inputs))


def self_test(directory: Path) -> float:
    """Verifies a bundle, runs its golden samples, and returns the largest difference of an output.

    Raises:
        ManifestError, TamperedError, ModelError: the bundle is not what it should be.
        SelfTestError: the difference is above the manifest's tolerance, or not a number.
    """
    contents = read_verified(directory)
    return reproduce(contents, Session(contents.file(MODEL), contents.manifest.target.threads))


def golden_samples(contents: Contents) -> Golden:
    """Returns the golden samples of a verified bundle.

    Raises:
        ManifestError: there are none, or they cannot be read.
    """
    try:
        with np.load(io.BytesIO(contents.file(GOLDEN)), allow_pickle=False) as arrays:
            return Golden(*({n.partition(".")[2]: arrays[n] for n in arrays if n.startswith(f"{s}.")} for s in SIDES))
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise ManifestError(f"`{GOLDEN}`: expected golden samples, got {error}; write the bundle again") from None


def reproduce(contents: Contents, session: Session) -> float:
    """Runs the golden samples of a verified bundle, and returns the largest difference of an output.

    Raises:
        ManifestError: the bundle holds no golden samples.
        SelfTestError: the difference is above the manifest's tolerance, or not a number.
    """
    golden, tolerance = golden_samples(contents), contents.manifest.tolerance
    decoder = decoder_of(contents.manifest, session)
    difference = decoder.difference(golden.outputs, session.predict(golden.inputs))
    if not difference <= tolerance:  # so that NaN fails
        raise SelfTestError(
            f"`{GOLDEN}`: expected golden outputs within {tolerance:g}, got a difference of {difference:g};"
            " roll back to the model before"
        )
    return difference


def _manifest(facts: Facts, session: Session, files: Mapping[str, bytes]) -> Manifest:
    samples = {"inputs": facts.layout}
    return Manifest(
        name=facts.name,
        task=facts.task,
        targets=facts.targets,
        preprocessing=facts.preprocessing,
        inputs=tuple(replace(info, layout=samples.get(info.name)) for info in session.inputs.values()),
        outputs=tuple(session.outputs.values()),
        target=facts.target,
        onnx=onnx_version(files[MODEL]),
        data_version=facts.data_version,
        fingerprint=facts.fingerprint,
        created=facts.created,
        tolerance=facts.tolerance,
        licences=facts.licences,
        defer=facts.defer,
        listen=facts.listen,
        verify=facts.verify,
        files=tuple(BundleFile(name, hashlib.sha256(data).hexdigest(), len(data)) for name, data in files.items()),
    )
