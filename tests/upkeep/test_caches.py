import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from tasks.upkeep.caches import leftovers, results, soft_labels
from tasks.upkeep.garbage import Garbage


def names(found: Iterable[Garbage]) -> list[str]:
    return sorted(garbage.name for garbage in found)


def written(path: Path, content: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def test_soft_labels_stay_for_a_teacher_and_data_that_both_are_wanted(tmp_path: Path) -> None:
    keys = {"wanted": ("t", "d"), "other-teacher": ("u", "d"), "other-data": ("t", "e")}
    for name, (teacher, data) in keys.items():
        written(tmp_path / name / "key.json", json.dumps({"teacher": teacher, "data": data, "view": 0}))
        written(tmp_path / name / "logits.npy", "12345")
    written(tmp_path / "without-a-key" / "logits.npy")
    written(tmp_path / ".locks" / "wanted")
    found = list(soft_labels(tmp_path, {"t"}, {"d"}))
    assert names(found) == ["other-data", "other-teacher", "without-a-key"]
    for garbage in found:
        assert garbage.bytes >= 1
        garbage.remove()
        garbage.remove()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".locks", "wanted"]


def result(record: object) -> str:
    return json.dumps({"metadata": {}, "result": json.dumps({"__class__": "some.Record", "data": record})})


def test_results_go_whose_files_or_data_are_gone_or_about_to_go(tmp_path: Path) -> None:
    here, leaving = written(tmp_path / "here" / "model.onnx"), written(tmp_path / "leaving" / "model.onnx")
    store = tmp_path / "storage"
    records = {
        "whole": {"onnx": {"uri": here.as_uri()}, "far": {"uri": "s3://bucket/x"}, "directory": str(here.parent)},
        "file-is-gone": {"members": [{"weights": {"uri": (tmp_path / "no-file").as_uri()}}]},
        "data-is-gone": {"onnx": {"uri": here.as_uri()}, "data": {"directory": str(tmp_path / "no-folder")}},
        "file-is-leaving": {"onnx": {"uri": leaving.as_uri()}},
    }
    for name, record in records.items():
        written(store / name, result(record))
    written(store / "not-ours", "\x80 no JSON")
    found = results(store, frozenset({leaving.parent}))
    assert names(found) == ["data-is-gone", "file-is-gone", "file-is-leaving"]


def test_only_what_an_interrupted_process_left_is_a_leftover(tmp_path: Path) -> None:
    kept = [
        written(tmp_path / "ledger.db"),
        written(tmp_path / ".hidden"),
        written(tmp_path / "soft-labels" / ".locks" / "0123456789abcdef"),
        written(tmp_path / "downloads" / "0123abcd"),
        written(tmp_path / "teacher-answers" / "0123abcd" / "answers.jsonl"),
    ]
    written(tmp_path / "soft-labels" / ".view.0123abcd" / "logits.npy", "123")
    written(tmp_path / "channel" / "edge" / "metadata" / ".timestamp.json.89abcdef")
    written(tmp_path / "work" / "run" / ".model.onnx.0123abcd")
    written(tmp_path / "downloads" / "tmpab12" / "model.onnx")
    written(tmp_path / "artifacts" / "run" / ".artifact.uploading.abc", "1234")
    found = list(leftovers(tmp_path))
    assert names(found) == [".artifact.uploading.abc", ".timestamp.json.89abcdef", ".view.0123abcd", "run", "tmpab12"]
    assert sum(garbage.bytes for garbage in found) == 10
    for garbage in found:
        garbage.remove()
    assert list(leftovers(tmp_path)) == []
    assert all(path.is_file() for path in kept)


@pytest.mark.parametrize("folder", ["soft-labels", "storage"])
def test_nothing_is_found_where_nothing_ever_was(tmp_path: Path, folder: str) -> None:
    missing = tmp_path / folder
    assert list(soft_labels(missing, set(), set())) == list(results(missing, frozenset())) == []
    assert list(leftovers(missing)) == []
