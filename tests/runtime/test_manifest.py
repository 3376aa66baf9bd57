import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tasks.runtime.bundle.manifest import FORMAT, LARGEST, MANIFEST, VerifyRules, read_manifest
from tasks.runtime.errors import ManifestError


@pytest.fixture
def content(bundle: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((bundle / MANIFEST).read_bytes())
    return loaded


def refused(content: object) -> str:
    with pytest.raises(ManifestError) as refusal:
        read_manifest(content if isinstance(content, bytes) else json.dumps(content).encode())
    return str(refusal.value)


def test_what_is_written_is_read_again_and_written_the_same(bundle: Path) -> None:
    written = (bundle / MANIFEST).read_bytes()
    manifest = read_manifest(written)
    assert manifest.to_json() == written
    assert manifest.inputs[0].shape == (None, 1, 2, 2)
    assert (manifest.inputs[0].dtype, manifest.inputs[0].layout) == ("uint8", "image")
    assert [file.name for file in manifest.files] == ["golden.npz", "model-card.md", "model.onnx"]


@pytest.mark.parametrize(
    "name", ["../model.onnx", "a/../../b", "/etc/passwd", "a\\b", "..", "", ".hidden", "manifest.json", "x\n"]
)
def test_file_name_that_leads_elsewhere_is_refused(content: dict[str, Any], name: str) -> None:
    content["files"][0]["name"] = name
    assert "`files.0.name`: expected the plain name of a file in the bundle" in refused(content)


def test_target_card_is_written_and_read_with_facts_that_the_runtime_does_not_know(bundle: Path) -> None:
    manifest = read_manifest((bundle / MANIFEST).read_bytes())
    several = replace(manifest, targets={"names": ["ash"], "facts": {"heads": {"cell": ["mono", "poly"]}, "n": [1.5]}})
    assert read_manifest(several.to_json()) == several


def test_newer_format_asks_to_update_the_runtime(content: dict[str, Any]) -> None:
    assert f"`format`: expected {FORMAT}, got 99; update the runtime" in refused(content | {"format": 99})


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("name", 3, "`name`: expected a text, got 3"),
        ("tolerance", "0.1", "`tolerance`: expected a number"),
        ("tolerance", -1, "`tolerance`: expected a number of at least 0"),
        ("targets", {"names": ["a", 1], "facts": {}}, "`targets.names`: expected a list of texts"),
        ("target", [], "`target`: expected an object"),
        ("target", {"isa": "x86", "threads": True}, "`target.threads`: expected a whole number"),
        ("inputs", [{"name": "inputs", "dtype": "uint8", "shape": ["batch"], "layout": None}], "`inputs.0.shape`"),
        ("targets", {"names": []}, "`targets.facts`: expected a value, got none"),
        ("surprise", 1, "`surprise`: expected no such field"),
    ],
)
def test_wrong_field_is_named(content: dict[str, Any], field: str, value: object, expected: str) -> None:
    assert expected in refused(content | {field: value})


@pytest.mark.parametrize("field", ["name", "format", "files", "tolerance", "outputs"])
def test_missing_field_is_named(content: dict[str, Any], field: str) -> None:
    del content[field]
    assert f"`{field}`: expected a value, got none" in refused(content)


def test_doubled_names_and_wrong_digests_are_refused(content: dict[str, Any]) -> None:
    assert "each name once" in refused(content | {"files": [content["files"][0]] * 2})
    content["files"][0]["sha256"] = "abc"
    assert "64 hexadecimal digits" in refused(content)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b'{"format": 1, "format": 1}', b'{"tolerance": NaN}', b"[" * 100_000, b"\xff\xfe"]
)
def test_what_is_no_manifest_is_refused(text: bytes) -> None:
    refused(text)


def test_endless_manifest_is_not_parsed() -> None:
    assert "at most" in refused(b" " * (LARGEST + 1))


def test_a_threshold_to_verify_by_is_signed_with_the_rest(bundle: Path) -> None:
    manifest = read_manifest((bundle / MANIFEST).read_bytes())
    assert b"verify" not in manifest.to_json()
    for rules in (VerifyRules(0.31, 0.001), VerifyRules(None, 0.001)):
        verifying = replace(manifest, verify=rules)
        assert read_manifest(verifying.to_json()) == verifying


def test_rules_to_verify_by_are_whole(content: dict[str, Any]) -> None:
    assert "`verify.far`" in refused(content | {"verify": {"threshold": 0.3}})
    assert "`verify.threshold`: expected a number of at least 0" in refused(
        content | {"verify": {"threshold": -0.3, "far": 0.1}}
    )
