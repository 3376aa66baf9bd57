"""The schema of `manifest.json`, defined once, for the maker and for the device.

Invariants: writing is deterministic (equal content, equal bytes); reading refuses unknown, missing and doubled fields;
a bundle is flat, so the name of a file holds no separator and cannot lead out of its directory.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..errors import ManifestError
from ..listen.rules import ListenRules, read_rules
from .fields import MANIFEST_FILE, Fields, parse

FORMAT = 4
MANIFEST = "manifest.json"
LARGEST = 4 * 2**20
"""bytes of a manifest; a longer one is not read"""
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class TensorInfo:
    """An input or output of the model; None in `shape` is an axis of any length."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]
    layout: str | None = None
    """image, sequence, vector or waveform; None for what is not a sample"""


@dataclass(frozen=True)
class Processor:
    """What the model was made for."""

    isa: str
    threads: int


@dataclass(frozen=True)
class OnnxVersion:
    """What an ONNX Runtime must know to run the model."""

    opset: int
    """version of the standard operators"""
    ir: int
    """version of the file format"""


@dataclass(frozen=True)
class Defer:
    """When an answer is to be left to somebody else."""

    metric: str
    limit: float
    """of the metric that is kept among the other answers"""
    threshold: float | None
    """answers of a lower confidence are left; None: all are"""


@dataclass(frozen=True)
class VerifyRules:
    """When two samples are taken for the same, by the cosine of what the model gives for each."""

    threshold: float | None
    """of the cosine, at least; None: nothing was shown to keep the rate, so none are"""
    far: float
    """false accept rate that the threshold keeps on validation data: the part of pairs taken for the same wrongly"""


@dataclass(frozen=True)
class BundleFile:
    """A file of the bundle: its name, the sha256 of its bytes in hex, its size in bytes."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Manifest:
    """Everything a device has to know about a model, and every file that belongs to it."""

    name: str
    task: str
    """the kind of task, whose decoder makes answers of the outputs"""
    targets: Mapping[str, Any]
    """the target card: `names`, and `facts` that the decoder alone reads"""
    preprocessing: Mapping[str, Any]
    """how raw input becomes `inputs`: its `kind`, and what the preprocessor of that kind alone reads"""
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    target: Processor
    onnx: OnnxVersion
    data_version: str
    fingerprint: str
    created: str
    """ISO 8601 with time zone"""
    tolerance: float
    """largest difference allowed between golden and computed outputs"""
    files: tuple[BundleFile, ...]
    licences: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """of the data, and of the teachers that were brought along"""
    defer: Defer | None = None
    """None where every answer counts"""
    listen: ListenRules | None = None
    """None of a model that is given clips alone"""
    verify: VerifyRules | None = None
    """None of a model whose answers are not compared with each other"""
    format: int = FORMAT

    def to_json(self) -> bytes:
        """Returns the bytes of `manifest.json`; files in the order of their names."""
        content: dict[str, Any] = asdict(self) | {
            "files": [asdict(f) for f in sorted(self.files, key=lambda f: f.name)]
        }
        for rules in ("listen", "verify"):
            if content[rules] is None:
                del content[rules]
        return (json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n").encode()


def read_manifest(content: bytes) -> Manifest:
    """Returns the manifest in the bytes of a `manifest.json`.

    Raises:
        ManifestError: it is too long, no JSON, of another format, or a field is missing, unknown, doubled or wrong.
    """
    if len(content) > LARGEST:
        raise ManifestError(f"`{MANIFEST}`: expected at most {LARGEST} bytes, got {len(content)}; fetch it again")
    fields = Fields(parse(content, MANIFEST_FILE), "")
    found = fields.integer("format")
    if found != FORMAT:
        raise ManifestError(f"`{MANIFEST}`: `format`: expected {FORMAT}, got {found}; update the runtime")
    manifest = Manifest(
        name=fields.text("name"),
        task=fields.text("task"),
        targets=_targets(fields.object("targets")),
        preprocessing=fields.object("preprocessing").content,
        inputs=tuple(_tensor(item) for item in fields.objects("inputs")),
        outputs=tuple(_tensor(item) for item in fields.objects("outputs")),
        target=_processor(fields.object("target")),
        onnx=_onnx(fields.object("onnx")),
        data_version=fields.text("data_version"),
        fingerprint=fields.text("fingerprint"),
        created=fields.text("created"),
        tolerance=fields.number("tolerance"),
        files=tuple(_file(item) for item in fields.objects("files")),
        licences=_licences(fields.object("licences")),
        defer=_defer(fields.optional_object("defer")),
        listen=read_rules(fields.object("listen") if "listen" in fields.content else None),
        verify=_verify(fields.object("verify") if "verify" in fields.content else None),
    )
    fields.finish()
    _require_different(manifest.files)
    return manifest


def _tensor(fields: Fields) -> TensorInfo:
    tensor = TensorInfo(fields.text("name"), fields.text("dtype"), fields.shape("shape"), fields.optional("layout"))
    fields.finish()
    return tensor


def _processor(fields: Fields) -> Processor:
    processor = Processor(fields.text("isa"), fields.integer("threads"))
    fields.finish()
    return processor


def _onnx(fields: Fields) -> OnnxVersion:
    version = OnnxVersion(fields.integer("opset"), fields.integer("ir"))
    fields.finish()
    return version


def _licences(fields: Fields) -> dict[str, tuple[str, ...]]:
    licences = {what: fields.texts(what) for what in fields.content}
    fields.finish()
    return licences


def _defer(fields: Fields | None) -> Defer | None:
    if fields is None:
        return None
    defer = Defer(fields.text("metric"), fields.number("limit"), fields.optional_number("threshold"))
    fields.finish()
    return defer


def _verify(fields: Fields | None) -> VerifyRules | None:
    if fields is None:
        return None
    verify = VerifyRules(fields.optional_number("threshold"), fields.number("far"))
    fields.finish()
    return verify


def _targets(fields: Fields) -> dict[str, Any]:
    targets = {"names": [*fields.texts("names")], "facts": fields.object("facts").content}
    fields.finish()
    return targets


def _file(fields: Fields) -> BundleFile:
    file = BundleFile(fields.text("name"), fields.text("sha256"), fields.integer("size"))
    fields.finish()
    if not _FILE_NAME.fullmatch(file.name) or file.name == MANIFEST:
        raise fields.wrong("name", "the plain name of a file in the bundle", file.name)
    if not _SHA256.fullmatch(file.sha256):
        raise fields.wrong("sha256", "64 hexadecimal digits", file.sha256)
    return file


def _require_different(files: tuple[BundleFile, ...]) -> None:
    names = [file.name for file in files]
    if len(set(names)) < len(names):
        raise ManifestError(f"`{MANIFEST}`: `files`: expected each name once, got {sorted(names)}; write it again")
