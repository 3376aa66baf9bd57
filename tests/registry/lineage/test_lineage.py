import hashlib
import json
import shutil
from pathlib import Path

import pytest

from tasks.contracts.ancestors import Ancestor
from tasks.core.files import artefact_of, sha256_of
from tasks.core.fingerprint import Ingredients
from tasks.core.record import Artefact
from tasks.registry.lineage.ancestry import ancestry
from tasks.registry.lineage.project import digests_of, kinds_with, soft_labels
from tasks.registry.lineage.verify import verify
from tasks.training.arrays import CARD, read_card
from tests.evaluate.report.made import evaluation, release


@pytest.fixture
def ancestors(tiny_images: Path, tmp_path: Path) -> tuple[Ancestor, ...]:
    """A student and its data, as files of their own."""
    weights = tmp_path / "weights"
    weights.write_bytes(b"numbers")
    card = tiny_images / CARD
    data = Artefact(uri=str(card), sha256=sha256_of(card), size=1)
    return (
        Ancestor("student", {"run": "abc"}, {"weights": artefact_of(weights)}),
        Ancestor("data", {"name": "tiny", "version": "0123456789abcdef.dir"}, {CARD: data}),
    )


def test_every_file_of_prepared_data_is_hashed_and_each_damage_is_told_apart(
    ancestors: tuple[Ancestor, ...], tiny_images: Path, tmp_path: Path
) -> None:
    splits = read_card(tiny_images).splits
    listed = sum(len(split.files) for split in splits.values())
    found = verify(ancestors, tmp_path)
    assert len(found) == 2 + listed
    assert {one.state for one in found} == {"ok"}
    first, second = splits["train"].shards[0].inputs["inputs"].name, splits["test"].table.name
    (tiny_images / first).write_bytes(b"other")
    (tiny_images / second).unlink()
    states = {one.file: one.state for one in verify(ancestors, tmp_path) if one.state != "ok"}
    assert states == {f"data: {first}": "changed", f"data: {second}": "missing"}


def test_data_that_newer_data_took_the_place_of_is_verified_in_the_cache_of_dvc(
    tiny_images: Path, tmp_path: Path
) -> None:
    project, digest = tmp_path / "project", sha256_of(tiny_images / CARD)
    prepared, cache = project / "data/tiny/prepared", project / ".dvc/cache/files/md5"
    listing = []
    for path in sorted(tiny_images.iterdir()):
        md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        (cache / md5[:2]).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, cache / md5[:2] / md5[2:])
        listing.append({"md5": md5, "relpath": path.name})
    text = json.dumps(listing).encode()
    version = hashlib.md5(text, usedforsecurity=False).hexdigest()
    (cache / version[:2]).mkdir(parents=True, exist_ok=True)
    (cache / version[:2] / f"{version[2:]}.dir").write_bytes(text)
    prepared.mkdir(parents=True)
    (prepared / CARD).write_text("{}")
    data = Artefact(uri=str(prepared / CARD), sha256=digest, size=1)
    ancestor = Ancestor("data", {"name": "tiny", "version": f"{version}.dir"}, {CARD: data})
    lock = {"stages": {"prepare@tiny": {"outs": [{"md5": f"{version}.dir", "path": "data/tiny/prepared"}]}}}
    (project / "dvc.lock").write_text(json.dumps(lock))
    assert [one.state for one in verify((ancestor,), project)] == ["changed"]
    lock["stages"]["prepare@tiny"]["outs"][0]["md5"] = "newer.dir"
    (project / "dvc.lock").write_text(json.dumps(lock))
    found = verify((ancestor,), project)
    assert len(found) == len(listing)
    assert {one.state for one in found} == {"ok"}
    first = next(entry for entry in listing if entry["relpath"] != CARD)
    (cache / first["md5"][:2] / first["md5"][2:]).write_bytes(b"other")
    wrong = {one.file: one.state for one in verify((ancestor,), project) if one.state != "ok"}
    assert wrong == {f"data: {first['relpath']}": "changed"}


def test_what_lies_on_a_server_is_not_called_missing(tmp_path: Path) -> None:
    far = Ancestor("release", {}, {"model.onnx": Artefact(uri="s3://bucket/model.onnx", sha256="0", size=1)})
    assert [one.state for one in verify((far,), tmp_path)] == ["elsewhere"]


def test_a_card_with_other_bytes_is_not_believed(
    ancestors: tuple[Ancestor, ...], tiny_images: Path, tmp_path: Path
) -> None:
    (tiny_images / CARD).write_text("{}")
    assert [one.state for one in verify(ancestors, tmp_path)] == ["ok", "changed"]


def test_an_ancestor_is_found_by_the_beginning_of_a_digest_or_by_its_file(
    ancestors: tuple[Ancestor, ...], tmp_path: Path
) -> None:
    assert kinds_with(ancestors, ["01234567"]) == ("data",)
    assert kinds_with(ancestors, ["0123456"]) == ()
    assert kinds_with(ancestors, ["23456789"]) == ()
    assert kinds_with(ancestors, digests_of(str(tmp_path / "weights"))) == ("student",)
    assert digests_of("no file of this name") == ("no file of this name",)


def test_soft_labels_are_named_by_the_keys_of_the_views_that_are_kept(tmp_path: Path) -> None:
    judged = evaluation()
    of_it = {"teacher": judged.teacher.digest, "data": judged.data.digest}
    for name, key in {"aa": {**of_it, "view": 0}, "bb": {**of_it, "teacher": "another"}, "cc": of_it}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "key.json").write_text(json.dumps(key))
    (tmp_path / "dd").mkdir()
    (tmp_path / "dd/key.json").write_text("cut")
    said = soft_labels(judged, tmp_path)
    assert (said["of teacher"], said["views kept"], said["keys"]) == (judged.teacher.digest, "2", "aa cc")
    assert "keys" not in soft_labels(judged, tmp_path / "nowhere")


def test_the_recipe_has_the_same_digest_before_and_after_the_run_is_on_record() -> None:
    begun = Ingredients(recipe={"seed": 1}, data={}, code={}, libraries={})
    ended = Ingredients(recipe={"seed": 1}, data={"version": "v"}, code={"data": "1"}, libraries={})
    other = Ingredients(recipe={"seed": 2}, data={}, code={}, libraries={})
    digests = []
    for ingredients in (begun, ended, other):
        ancestors = ancestry(release(), evaluation(), {}, ingredients, [], {}, {})
        digests.append(next(one for one in ancestors if one.kind == "recipe").facts["digest"])
    assert digests[0] == digests[1] != digests[2]


def test_raw_data_is_named_by_the_lock_that_is_of_the_data_of_the_release() -> None:
    def lock(version: str, md5: str) -> str:
        fetched = {"outs": [{"path": "data/trees/raw", "md5": md5, "size": 3}], "params": {}}
        return json.dumps({"stages": {"fetch@trees": fetched, "prepare@trees": {"outs": [{"md5": version}]}}})

    ancestors = ancestry(release(), evaluation(), {}, None, [lock("other", "1.dir"), lock("data-v7", "2.dir")], {}, {})
    (raw,) = [one for one in ancestors if one.kind == "raw data"]
    assert raw.facts["md5"] == "2.dir"
    assert list(raw.folders.values()) == ["2.dir"]
    assert not [
        a for a in ancestry(release(), evaluation(), {}, None, [lock("x", "1.dir")], {}, {}) if a.kind == "raw data"
    ]
