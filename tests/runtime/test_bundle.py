import hashlib
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasks.runtime.bundle.bundle import Facts, Golden, self_test, write_bundle
from tasks.runtime.bundle.manifest import MANIFEST
from tasks.runtime.bundle.session import Session
from tasks.runtime.bundle.verify import verify
from tasks.runtime.errors import ManifestError, ModelError, SelfTestError, TamperedError

MakeModel = Callable[..., bytes]


def test_whole_bundle_is_verified_and_passes_its_self_test(bundle: Path) -> None:
    assert verify(bundle).targets["names"] == ["ash", "birch", "cédre"]
    assert self_test(bundle) == 0


@pytest.mark.parametrize("name", ["model.onnx", "golden.npz", "model-card.md"])
def test_flipped_bit_in_any_file_is_found(bundle: Path, name: str) -> None:
    content = bytearray((bundle / name).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / name).write_bytes(content)
    with pytest.raises(TamperedError, match=rf"{name}`: expected sha256"):
        verify(bundle)
    with pytest.raises(TamperedError):
        Session.from_bundle(bundle)


def test_cut_file_is_found(bundle: Path) -> None:
    (bundle / "model.onnx").write_bytes((bundle / "model.onnx").read_bytes()[:-1])
    with pytest.raises(TamperedError, match=r"model.onnx`: expected \d+ bytes, got \d+"):
        verify(bundle)


def test_missing_file_is_found(bundle: Path) -> None:
    (bundle / "golden.npz").unlink()
    with pytest.raises(TamperedError, match=r"golden.npz`: expected a regular file"):
        verify(bundle)


@pytest.mark.parametrize("name", ["extra.py", ".hidden", "folder"])
def test_unlisted_file_or_folder_is_found(bundle: Path, name: str) -> None:
    (bundle / name).mkdir() if name == "folder" else (bundle / name).write_text("")
    with pytest.raises(TamperedError, match=f"got `{name}` too"):
        verify(bundle)


def test_link_in_place_of_a_file_is_refused_even_with_the_right_bytes(bundle: Path, tmp_path: Path) -> None:
    (bundle / "golden.npz").rename(tmp_path / "elsewhere.json")
    (bundle / "golden.npz").symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(TamperedError, match="regular file"):
        verify(bundle)


def test_bundle_without_manifest_is_refused(bundle: Path) -> None:
    (bundle / MANIFEST).unlink()
    with pytest.raises(ManifestError, match="no such file"):
        verify(bundle)


def test_self_test_fails_when_the_model_answers_otherwise(
    tmp_path: Path, facts: Facts, golden: Golden, make_model: MakeModel
) -> None:
    other = replace(golden, outputs={"logits": golden.outputs["logits"] + np.float32(0.01)})
    write_bundle(tmp_path / "b", facts, make_model(), other)
    with pytest.raises(SelfTestError, match=r"expected golden outputs within 0\.0001"):
        self_test(tmp_path / "b")
    no_numbers = replace(golden, outputs={"logits": golden.outputs["logits"] * np.float32("nan")})
    write_bundle(tmp_path / "c", facts, make_model(), no_numbers)
    with pytest.raises(SelfTestError):
        self_test(tmp_path / "c")


def test_equal_contents_give_equal_bytes(bundle: Path, facts: Facts, golden: Golden, make_model: MakeModel) -> None:
    again = bundle.with_name("again")
    write_bundle(again, facts, make_model(), golden, {"model-card.md": b"# tiny\n"})
    digests = [
        {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.iterdir()}
        for directory in (bundle, again)
    ]
    assert digests[0] == digests[1]


def test_bundle_is_not_written_over_another_nor_left_half_written(
    bundle: Path, facts: Facts, golden: Golden, make_model: MakeModel
) -> None:
    with pytest.raises(FileExistsError):
        write_bundle(bundle, facts, make_model(), golden)
    with pytest.raises(ModelError):
        write_bundle(bundle.with_name("new"), facts, b"no model", golden)
    assert [path.name for path in bundle.parent.iterdir()] == ["bundle"]


def test_runtime_needs_numpy_and_onnxruntime_only() -> None:
    modules = "bundle, latency, manifest, predictor, session, verify"
    forbidden = "torch prefect mlflow pydantic sklearn scipy onnx"
    code = (
        f"import sys\nfrom tasks.runtime.bundle import {modules}\n"
        f"sys.exit(str([m for m in '{forbidden}'.split() if m in sys.modules] or ''))"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert ended.stderr.strip() == ""
