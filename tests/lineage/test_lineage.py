from pathlib import Path

import pytest

from tasks.ancestors import Ancestor
from tasks.files import artefact_of, sha256_of
from tasks.lineage.reach import digests_of, holds
from tasks.lineage.verify import verify
from tasks.records import Artefact
from tasks.training.arrays import CARD, read_card


@pytest.fixture
def made_of(tiny_images: Path, tmp_path: Path) -> tuple[Ancestor, ...]:
    """A student and its data, as files of their own."""
    weights = tmp_path / "weights"
    weights.write_bytes(b"numbers")
    card = tiny_images / CARD
    data = Artefact(uri=str(card), sha256=sha256_of(card), size=1)
    return (
        Ancestor("student", {"run": "abc"}, {"weights": artefact_of(weights)}),
        Ancestor("data", {"version": "0123456789abcdef.dir"}, {CARD: data}),
    )


def test_every_file_of_prepared_data_is_hashed_and_each_damage_is_told_apart(
    made_of: tuple[Ancestor, ...], tiny_images: Path, tmp_path: Path
) -> None:
    splits = read_card(tiny_images).splits
    listed = sum(1 + sum(2 + (shard.lengths is not None) for shard in split.shards) for split in splits.values())
    found = verify(made_of, tmp_path)
    assert len(found) == 2 + listed
    assert {one.state for one in found} == {"ok"}
    first, second = splits["train"].shards[0].inputs.name, splits["test"].table.name
    (tiny_images / first).write_bytes(b"other")
    (tiny_images / second).unlink()
    states = {one.file: one.state for one in verify(made_of, tmp_path) if one.state != "ok"}
    assert states == {f"data: {first}": "changed", f"data: {second}": "missing"}


def test_what_lies_on_a_server_is_not_called_missing(tmp_path: Path) -> None:
    far = Ancestor("release", {}, {"model.onnx": Artefact(uri="s3://bucket/model.onnx", sha256="0", size=1)})
    assert [one.state for one in verify((far,), tmp_path)] == ["elsewhere"]


def test_a_card_with_other_bytes_is_not_believed(
    made_of: tuple[Ancestor, ...], tiny_images: Path, tmp_path: Path
) -> None:
    (tiny_images / CARD).write_text("{}")
    assert [one.state for one in verify(made_of, tmp_path)] == ["ok", "changed"]


def test_an_ancestor_is_found_by_the_beginning_of_a_digest_or_by_its_file(
    made_of: tuple[Ancestor, ...], tmp_path: Path
) -> None:
    assert holds(made_of, ["01234567"]) == ("data",)
    assert holds(made_of, ["0123456"]) == ()
    assert holds(made_of, ["23456789"]) == ()
    assert holds(made_of, digests_of(str(tmp_path / "weights"))) == ("student",)
    assert digests_of("no file of this name") == ("no file of this name",)
