"""What a device answers for a comparison, and the receipt that it signs."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tasks.runtime.bundle.bundle import golden_of, write_bundle
from tasks.runtime.bundle.session import Session
from tasks.runtime.bundle.verify import Contents, read_verified
from tasks.runtime.errors import TamperedError, WrongInputError
from tasks.runtime.proof.answers import answers_to, to_npz
from tasks.runtime.proof.receipt import KEY, RECEIPT, device_signer, key_id, read_receipt_file, write_receipt
from tests.runtime.conftest import FACTS, linear_model

PICTURES = {"inputs": np.arange(40, dtype=np.uint8).reshape(10, 1, 2, 2)}


@pytest.fixture
def contents(tmp_path: Path) -> Contents:
    golden = golden_of(Session(linear_model()), {"inputs": PICTURES["inputs"][:3]})
    write_bundle(tmp_path / "bundle", FACTS, linear_model(), golden)
    return read_verified(tmp_path / "bundle")


def test_every_sample_is_answered_and_what_it_costs_is_said(contents: Contents) -> None:
    answers = answers_to(contents, to_npz(PICTURES))
    np.testing.assert_array_equal(answers.outputs["logits"], Session(linear_model()).predict(PICTURES)["logits"])
    facts = answers.facts
    assert (facts["answered"], facts["golden_difference"], facts["release"]) == (10, 0.0, contents.release)
    assert 0 < facts["p50_ms"] <= facts["p95_ms"]
    assert facts["peak_bytes"] > 10_000_000


def test_where_time_is_short_the_first_samples_are_answered(contents: Contents) -> None:
    answers = answers_to(contents, to_npz(PICTURES), seconds=0.0)
    assert answers.facts["answered"] == len(answers.outputs["logits"]) == 1


@pytest.mark.parametrize("samples", [b"no arrays", to_npz({"inputs": PICTURES["inputs"][:0]})])
def test_samples_that_are_none_are_refused(contents: Contents, samples: bytes) -> None:
    with pytest.raises(WrongInputError, match="`samples`: expected"):
        answers_to(contents, samples)


def test_a_receipt_comes_back_as_it_was_signed_with_the_one_key_of_the_device(
    contents: Contents, tmp_path: Path
) -> None:
    answers, signer = answers_to(contents, to_npz(PICTURES)), device_signer(tmp_path)
    write_receipt(tmp_path / "receipt.zip", answers, signer)
    told = read_receipt_file(tmp_path / "receipt.zip")
    assert told.facts == answers.facts
    np.testing.assert_array_equal(told.outputs["logits"], answers.outputs["logits"])
    assert told.key == key_id(signer) == key_id(device_signer(tmp_path))
    assert (tmp_path / KEY).stat().st_mode & 0o077 == 0


def test_a_receipt_of_which_a_number_was_changed_is_refused(contents: Contents, tmp_path: Path) -> None:
    write_receipt(tmp_path / "receipt.zip", answers_to(contents, to_npz(PICTURES)), device_signer(tmp_path))
    with zipfile.ZipFile(tmp_path / "receipt.zip") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files[RECEIPT] = json.dumps(json.loads(files[RECEIPT]) | {"p95_ms": 0.001}, sort_keys=True).encode()
    with zipfile.ZipFile(tmp_path / "changed.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    with pytest.raises(TamperedError, match="expected a whole receipt"):
        read_receipt_file(tmp_path / "changed.zip")


def test_outputs_of_another_receipt_are_refused_and_so_is_what_is_no_receipt(
    contents: Contents, tmp_path: Path
) -> None:
    write_receipt(tmp_path / "receipt.zip", answers_to(contents, to_npz(PICTURES)))
    assert read_receipt_file(tmp_path / "receipt.zip").key is None
    with zipfile.ZipFile(tmp_path / "receipt.zip") as archive:
        said = archive.read(RECEIPT)
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr(RECEIPT, said)
        archive.writestr("outputs.npz", to_npz({"logits": np.zeros((10, 3), np.float32)}))
    with pytest.raises(TamperedError, match="expected outputs as the receipt names them"):
        read_receipt_file(tmp_path / "other.zip")
    (tmp_path / "none.zip").write_bytes(b"no zip")
    with pytest.raises(TamperedError, match="expected a whole receipt"):
        read_receipt_file(tmp_path / "none.zip")
