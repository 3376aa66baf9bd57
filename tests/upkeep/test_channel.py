from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from tuf.api.metadata import Metadata, MetaFile, Snapshot, TargetFile, Targets, Timestamp

from tasks.upkeep.caches import superseded

EXPIRES = datetime(2100, 1, 1, tzinfo=UTC)


def publish(channel: Path, version: int, content: bytes) -> None:
    """Writes what a publication adds: a target, and new metadata that names this target alone."""
    metadata, targets = channel / "metadata", channel / "targets" / "digits"
    for folder in (metadata, targets):
        folder.mkdir(parents=True, exist_ok=True)
    (targets / f"{sha256(content).hexdigest()}.model.onnx").write_bytes(content)
    named = TargetFile.from_data("digits/model.onnx", content, ["sha256"])
    directory = Targets(version, expires=EXPIRES, targets={"digits/model.onnx": named})
    snapshot = Snapshot(version, expires=EXPIRES, meta={"targets.json": MetaFile(version)})
    timestamp = Timestamp(version, expires=EXPIRES, snapshot_meta=MetaFile(version))
    Metadata(directory).to_file(str(metadata / f"{version}.targets.json"))
    Metadata(snapshot).to_file(str(metadata / f"{version}.snapshot.json"))
    Metadata(timestamp).to_file(str(metadata / "timestamp.json"))
    (metadata / f"{version}.root.json").write_text("a device climbs every one")


@pytest.fixture
def channel(tmp_path: Path) -> Path:
    for version in (1, 2, 3, 4):
        publish(tmp_path / "edge", version, f"model {version}".encode())
    return tmp_path


def test_what_the_two_newest_snapshots_name_stays_and_so_does_every_root(channel: Path) -> None:
    for garbage in list(superseded(channel)):
        garbage.remove()
    metadata, targets = channel / "edge" / "metadata", channel / "edge" / "targets"
    left = {path.name for path in metadata.iterdir()}
    named = {f"{version}.{role}.json" for version in (3, 4) for role in ("targets", "snapshot")}
    assert left == named | {f"{version}.root.json" for version in (1, 2, 3, 4)} | {"timestamp.json"}
    assert {path.read_bytes() for path in targets.rglob("*.onnx")} == {b"model 3", b"model 4"}
    assert list(superseded(channel)) == []


def test_a_target_that_came_back_stays_though_it_is_old(channel: Path) -> None:
    publish(channel / "edge", 5, b"model 1")
    gone = {garbage.name.rpartition("/")[2] for garbage in superseded(channel)}
    assert f"{sha256(b'model 1').hexdigest()}.model.onnx" not in gone
    assert f"{sha256(b'model 2').hexdigest()}.model.onnx" in gone


def test_a_publication_that_was_cut_off_before_its_timestamp_loses_nothing_that_is_served(channel: Path) -> None:
    metadata = channel / "edge" / "metadata"
    served = (metadata / "timestamp.json").read_bytes()
    for version in (5, 6):
        publish(channel / "edge", version, f"model {version}".encode())
    (metadata / "timestamp.json").write_bytes(served)
    gone = {garbage.name.rpartition("/")[2] for garbage in superseded(channel)}
    assert not gone & {"4.snapshot.json", "4.targets.json", "5.snapshot.json", "6.snapshot.json"}
    assert f"{sha256(b'model 4').hexdigest()}.model.onnx" not in gone


@pytest.mark.parametrize("damaged", ["timestamp.json", "4.snapshot.json", "3.targets.json"])
def test_nothing_goes_where_metadata_cannot_be_read(channel: Path, damaged: str) -> None:
    (channel / "edge" / "metadata" / damaged).write_text("{")
    assert list(superseded(channel)) == []
