"""A changed byte of what runs kept, of soft labels and of results of stages is found by name."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tasks.core.files import sha256_of
from tasks.distill.soft_labels.stored import DIGESTS, KEY, folder_of
from tasks.distill.teachers.answer_log import ANSWERS, AnswerLog
from tasks.tracking.kept import FILES_IN_A_TAG, digests_in, tag_with
from tasks.tracking.sealed import SEALED, sealed, unsealed
from tasks.upkeep.at_rest import results, soft_labels, teacher_answers


@contextmanager
def flipped(path: Path, place: int) -> Iterator[None]:
    before = path.read_bytes()
    path.write_bytes(before[:place] + bytes([before[place] ^ 1]) + before[place + 1 :])
    yield
    path.write_bytes(before)


def test_tags_of_a_run_hold_the_newest_digest_of_each_file() -> None:
    tags: dict[str, str] = {}
    for number in range(2 * FILES_IN_A_TAG + 3):
        name, value = tag_with(tags, f"figures/{number}.svg", f"{number:064d}")
        tags[name] = value
    tags |= [tag_with(tags, "figures/7.svg", "f" * 64)]
    found = digests_in(tags)
    assert len(found) == 2 * FILES_IN_A_TAG + 3
    assert (found["figures/7.svg"], found["figures/82.svg"]) == ("f" * 64, f"{82:064d}")
    assert len(tags) == 3
    assert max(map(len, tags.values())) < 8_000


def test_json_with_its_digest_is_read_as_it_was_written_or_not_at_all() -> None:
    content = b'{"accuracy": 0.97}'
    blob = sealed(content)
    assert unsealed(blob) == content
    assert json.loads(blob)["content"] == {"accuracy": 0.97}
    for place in range(len(blob)):
        with pytest.raises(ValueError, match="sha256"):
            unsealed(blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :])


def test_each_changed_file_of_soft_labels_is_named(tmp_path: Path) -> None:
    key = {"teacher": "t", "data": "d", "view": 0}
    view = folder_of(tmp_path, key)
    view.mkdir()
    (view / KEY).write_text(json.dumps(key))
    assert [*soft_labels(tmp_path)] == [], "of before there were digests"
    with flipped(view / KEY, 13):
        assert str(view / KEY) in next(soft_labels(tmp_path)).wrong
    (view / "logits.npy").write_bytes(b"12345")
    (view / DIGESTS).write_text(json.dumps({path.name: sha256_of(path) for path in view.iterdir()}))
    assert [*soft_labels(tmp_path)] == []
    for name in (KEY, "logits.npy"):
        with flipped(view / name, 3):
            (found,) = soft_labels(tmp_path)
            assert str(view / name) in found.wrong


def test_a_changed_result_of_a_stage_is_named_and_one_of_an_older_version_is_not(tmp_path: Path) -> None:
    made = {"kept": SEALED, "older": "json"}
    for name, serializer in made.items():
        content = {"metadata": {"serializer": {"type": serializer}}, "result": sealed(b'{"accuracy": 0.97}').decode()}
        (tmp_path / name).write_text(json.dumps(content))
    assert [*results(tmp_path)] == []
    kept = tmp_path / "kept"
    with flipped(kept, kept.read_bytes().index(b"0.97")):
        (found,) = results(tmp_path)
        assert found.repair == f"rm {kept}"


def test_answers_of_a_teacher_that_cannot_be_read_are_named_and_stay_as_they_are(tmp_path: Path) -> None:
    log = AnswerLog(tmp_path / "0123" / ANSWERS)
    log.add([b"one", b"two"], [[0.1, 0.9], [0.2, 0.8]])
    cut_off = log.path.read_bytes() + b'{"key": "0'
    log.path.write_bytes(cut_off)
    assert [*teacher_answers(tmp_path)] == [], "a kill cuts off a last line, and the next run takes it away"
    assert log.path.read_bytes() == cut_off
    with flipped(log.path, 0):
        (found,) = teacher_answers(tmp_path)
    assert f"`{log.path}`: expected a line of JSON per answer" in found.wrong
