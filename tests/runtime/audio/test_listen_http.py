"""Listening over HTTP: sound in pieces tells the same words as the command does with all of it."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from tasks.runtime.serve import listening
from tests.runtime.audio.conftest import RATE
from tests.runtime.audio.test_listen import sound_with_words_at
from tests.runtime.devices import set_up
from tests.runtime.serving import PROGRAM, Served, serving
from tests.runtime.tuf_world import World

RAW = {"Content_Type": "application/octet-stream"}


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def served(bundle: Path, tmp_path: Path, world: World) -> Iterator[Served]:
    world.publish({path.name: path.read_bytes() for path in bundle.iterdir()}, 1)
    device = set_up(tmp_path / "home", world)
    device.update()
    with serving(device, "--max-bytes", "100000") as served:
        yield served


def pcm(rate: int = RATE) -> bytes:
    sound = np.repeat(sound_with_words_at(1.0, length=3.0), rate // RATE)
    return (sound * 32767).astype("<i2").tobytes()


def heard(served: Served, sound: bytes, size: int, query: str = "") -> list[dict[str, Any]]:
    """Sends sound in pieces and returns all words."""
    status, _, begun = served.ask("POST", f"/listen{query}")
    assert status == 200, begun
    path = f"/listen/{begun['stream']}"
    answers = [served.ask("POST", path, sound[start : start + size], **RAW) for start in range(0, len(sound), size)]
    answers.append(served.ask("DELETE", path))
    assert {status for status, *_ in answers} == {200}
    assert served.ask("DELETE", path)[0] == 404
    return [word for *_, content in answers for word in content["words"]]


@pytest.mark.parametrize("rate", [RATE, 2 * RATE])
def test_sound_in_pieces_tells_the_words_that_the_command_tells(served: Served, rate: int) -> None:
    asked = [*PROGRAM, "--home", str(served.device.home.path), "listen", "--rate", str(rate)]
    told = subprocess.run(asked, check=True, capture_output=True, input=pcm(rate)).stdout
    words = [json.loads(line) for line in told.splitlines()]
    assert words
    for size in (1_600, 3_334, 100_000):
        assert heard(served, pcm(rate), size, f"?rate={rate}") == words


def test_streams_do_not_disturb_each_other(served: Served) -> None:
    alone = heard(served, pcm(), 1_600)
    names = [served.ask("POST", "/listen")[2]["stream"] for _ in range(2)]
    words: dict[str, list[Any]] = {name: [] for name in names}
    for start in range(0, len(pcm()), 1_600):
        for name, sound in zip(names, (pcm(), bytes(len(pcm()))), strict=True):
            words[name] += served.ask("POST", f"/listen/{name}", sound[start : start + 1_600], **RAW)[2]["words"]
    words[names[0]] += served.ask("DELETE", f"/listen/{names[0]}")[2]["words"]
    assert words[names[0]] == alone


@pytest.mark.parametrize(
    ("path", "body", "status", "expected"),
    [
        ("/listen?rate=fast", b"", 400, "`rate`: expected samples per second, such as 8000, got 'fast'"),
        ("/listen?rate=3", b"", 400, "expected 1000 to 384000 Hz, got 3 Hz"),
        ("/listen/nothing", bytes(2), 404, "`listen`: expected a stream of this release"),
        ("/listen/{}", bytes(3), 400, "body: expected whole samples of 2 bytes, got 3 bytes"),
        ("/listen/{}", bytes(100_002), 413, "body: expected at most 100000 bytes"),
    ],
)
def test_a_wrong_piece_is_answered_with_what_is_wrong(
    served: Served, path: str, body: bytes, status: int, expected: str
) -> None:
    name = served.ask("POST", "/listen")[2]["stream"]
    got, _, content = served.ask("POST", path.format(name), body, **RAW)
    assert (got, expected in content["error"]) == (status, True), content


def test_there_are_only_so_many_streams_and_ending_one_makes_room(served: Served) -> None:
    begun = [served.ask("POST", "/listen") for _ in range(listening.STREAMS)]
    assert {status for status, *_ in begun} == {200}
    status, _, content = served.ask("POST", "/listen")
    assert (status, "at most 64 streams at once" in content["error"]) == (429, True)
    served.ask("DELETE", f"/listen/{begun[0][2]['stream']}")
    assert served.ask("POST", "/listen")[0] == 200


def test_a_stream_ends_with_its_release(served: Served, world: World, bundle: Path) -> None:
    name = served.ask("POST", "/listen")[2]["stream"]
    manifest = bundle / "manifest.json"
    content = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(content | {"listen": content["listen"] | {"hop": 1600}}))
    world.publish({path.name: path.read_bytes() for path in bundle.iterdir()}, 2)
    served.device.update()
    while served.ask("GET", "/health")[2]["version"] == 1:
        pass
    status, _, told = served.ask("POST", f"/listen/{name}", bytes(1_600), **RAW)
    assert (status, "the release before" in told["error"]) == (404, True)


def test_the_document_describes_streams(served: Served) -> None:
    paths = served.ask("GET", "/openapi.json")[2]["paths"]
    begun = served.ask("POST", "/listen")[2]
    jsonschema.validate(begun, _answers(paths["/listen"]["post"]))
    words = served.ask("POST", f"/listen/{begun['stream']}", pcm(), **RAW)[2]
    assert words["words"]
    jsonschema.validate(words, _answers(paths["/listen/{stream}"]["post"]))


def _answers(operation: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = operation["responses"]["200"]["content"]["application/json"]["schema"]
    return schema
