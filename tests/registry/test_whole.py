"""No decision leads to a bundle of which a byte has changed; what was changed comes back from another copy."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tasks.contracts.releases import Release
from tasks.core.errors import IntegrityError
from tasks.core.files import artefact_of
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.chain import append
from tasks.registry.ledger.history import History
from tasks.registry.promotion import approve, audit_bundles, carry_out, reconcile, roll_back
from tasks.registry.whole import require_whole
from tests.evaluate.report import made as evaluated
from tests.registry.made import PASSED, bundle_in, leads, release_of


@contextmanager
def flipped(path: Path) -> Iterator[None]:
    """Changes one bit in the middle of a file for as long as the block runs, unless it is repaired there."""
    before = path.read_bytes()
    content = bytearray(before)
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    yield
    path.write_bytes(before)


def kept(client: MlflowClient, model: str, key: str, folder: Path) -> Release:
    """Records a release whose bundle is in `folder`, and of whose model there is another copy."""
    bundle = bundle_in(folder)
    copy = folder / "measured.onnx"
    copy.write_bytes((bundle / "model.onnx").read_bytes())
    files = tuple(artefact_of(path) for path in sorted(bundle.iterdir()))
    release = release_of(client, model, key).model_copy(update={"bundle": files})
    ledger.add_release(release, evaluated.evaluation().model_copy(update={"onnx": artefact_of(copy)}))
    return release


def of(folder: Path, name: str) -> Path:
    return folder / "bundle" / name


Decide = Callable[[Release], object]
DECISIONS: dict[str, Decide] = {
    "promote": lambda release: carry_out(release, PASSED, "test"),
    "approve": lambda release: approve(release, "staging", "test"),
    "roll back": lambda release: roll_back(release.model, "staging", "test"),
    "finish": lambda release: reconcile(release.model),
}


@pytest.mark.parametrize("name", DECISIONS)
def test_no_decision_leads_to_a_changed_file(name: str, registry: MlflowClient, tmp_path: Path) -> None:
    model = f"changed-{name.replace(' ', '-')}"
    first, second = (kept(registry, model, key, tmp_path / key) for key in "ab")
    for release in (first, second):
        carry_out(release, PASSED, "test")
    if name == "finish":
        append(History.load(), "intended", model, "staging", first.version, "test", PASSED)
    rows, said = len(History.load().decisions), rf"{model} version {first.version}`: `golden\.npz`: expected sha256"
    with flipped(of(tmp_path / "a", "golden.npz")), pytest.raises(IntegrityError, match=said):
        DECISIONS[name](first)
    assert leads(model) == (second.version, first.version)
    assert len(History.load().decisions) == rows


def test_a_file_comes_back_from_another_copy_and_else_the_message_says_how_it_is_made(
    registry: MlflowClient, tmp_path: Path
) -> None:
    release = kept(registry, "copied", "a", tmp_path)
    carry_out(release, PASSED, "test")
    assert audit_bundles(repair=False) == ()
    with flipped(of(tmp_path, "manifest.json")), flipped(of(tmp_path, "model.onnx")):
        alone, copied = audit_bundles(repair=False)
        assert "`manifest.json`" in alone.text
        assert "stillhouse run params/copied.yaml" in alone.text
        assert f"puts it back from `{tmp_path / 'measured.onnx'}`" in copied.text
        left, repaired = audit_bundles(repair=True)
        assert (left.repaired, repaired.repaired) == (False, True)
        assert audit_bundles(repair=False) == (left,)
    require_whole(release)
