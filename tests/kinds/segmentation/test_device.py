"""What a device answers of a picture, and how fast."""

import base64
import io
import json
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from params.models import Mlp, Separable
from tasks.core.errors import DataError
from tasks.kinds.segmentation.decode import PART as DECODER
from tasks.models.export import export_onnx
from tasks.runtime.bench import bench
from tasks.runtime.bundle.bundle import Facts, golden_of, write_bundle
from tasks.runtime.bundle.manifest import Processor
from tasks.runtime.bundle.predictor import Predictor
from tasks.runtime.bundle.session import Session
from tasks.runtime.cli import main
from tasks.runtime.device import Device
from tasks.runtime.errors import WrongInputError
from tasks.runtime.preprocess.arrays import read_samples
from tasks.training.network import PreparedData
from tests.runtime.devices import set_up
from tests.runtime.serving import serving
from tests.runtime.tuf_world import World

CARD: dict[str, Any] = {"names": ["sky", "road", "car"], "facts": {"size": [2, 4]}}
MASK = np.array([[0, 0, 1, 1], [1, 1, 1, 0]], dtype=np.uint8)


def logits_of(mask: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    return {"logits": (mask[None, None] == np.arange(3)[:, None, None]).astype(np.float32)}


def test_an_answer_has_the_area_of_each_class_that_is_there_largest_first() -> None:
    (answer,) = DECODER.decode(logits_of(MASK), CARD)
    assert answer == {
        "areas": {"road": {"share": 0.625, "pixels": 5}, "sky": {"share": 0.375, "pixels": 3}},
        "size": [2, 4],
    }
    assert [*answer["areas"]] == ["road", "sky"]


def test_the_mask_comes_as_run_lengths_or_as_a_picture_where_it_is_asked_for() -> None:
    (runs,) = DECODER.decode(logits_of(MASK), CARD, "runs")
    assert runs["mask"] == [[0, 2], [1, 5], [0, 1]]
    (png,) = DECODER.decode(logits_of(MASK), CARD, "png")
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(png["mask"])))), MASK)


def test_logits_that_are_no_numbers_are_refused() -> None:
    outputs = logits_of(MASK)
    outputs["logits"][0, 1, 0, 0] = np.nan
    with pytest.raises(ValueError, match="finite logits"):
        DECODER.decode(outputs, CARD)


def test_outputs_of_another_size_or_number_of_classes_are_told() -> None:
    assert not [*DECODER.problems({"logits": (None, 3, 2, 4)}, CARD)]
    (problem,) = DECODER.problems({"logits": (None, 2, 2, 4)}, CARD)
    assert "(3, 2, 4)" in problem


@pytest.fixture(scope="module")
def bundle(shapes: PreparedData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of fresh weights, exported and in a bundle."""
    folder = tmp_path_factory.mktemp("bundle")
    torch.manual_seed(0)
    network = shapes.network(Separable(kind="separable", widths=(8, 12, 16), blocks=(1, 1))).eval()
    export_onnx(network, folder / "model.onnx")
    content = (folder / "model.onnx").read_bytes()
    session = Session(content)
    assert session.outputs["logits"].shape == (None, 4, 32, 32)
    card = shapes.card
    targets = {"names": [*card.targets.names], "facts": card.targets.facts}
    facts = Facts(
        "shapes", "segmentation", targets, card.preprocessing, "image", Processor("x86-vnni", 1), "v", "f" * 64,
        "2026-11-01T00:00:00+00:00", 1e-3,
    )  # fmt: skip
    golden = golden_of(session, shapes.splits.validation.gather(np.arange(2)).inputs)
    write_bundle(folder / "bundle", facts, content, golden)
    return folder / "bundle"


@pytest.fixture(scope="module")
def predictor(bundle: Path) -> Predictor:
    return Predictor.from_bundle(bundle)


@pytest.fixture(scope="module")
def device(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Device:
    """A device that runs this bundle."""
    world = World()
    world.publish({path.name: path.read_bytes() for path in bundle.iterdir()}, 1, model="shapes")
    device = set_up(tmp_path_factory.mktemp("device") / "home", world, model="shapes")
    device.update()
    return device


def test_a_network_without_places_is_refused(shapes: PreparedData) -> None:
    with pytest.raises(DataError, match="expected a network for pictures"):
        shapes.network(Mlp(kind="mlp", hidden=(6,)))


def picture(side: int = 50) -> bytes:
    stream = io.BytesIO()
    draws = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    Image.fromarray(draws).save(stream, format="JPEG")
    return stream.getvalue()


def test_a_picture_file_is_answered_at_the_size_of_the_model(predictor: Predictor) -> None:
    samples = read_samples(picture(), predictor.session.inputs["inputs"], predictor.preprocessor)
    (answer,) = predictor.answer(samples, "runs")
    assert answer["size"] == [32, 32]
    assert sum(area["pixels"] for area in answer["areas"].values()) == 32 * 32
    assert sum(length for _, length in answer["mask"]) == 32 * 32
    json.dumps(answer, allow_nan=False)
    with pytest.raises(WrongInputError, match="expected one of png, runs, got svg"):
        predictor.answer(samples, "svg")


def test_bench_says_how_many_pictures_a_second(predictor: Predictor) -> None:
    first, second = bench(predictor, repeat((None, picture())), 0.05).lines()
    assert "a second on 1 thread" in first
    assert all(part in first for part in ("read", "predict", "decode"))
    assert second.startswith("p50")
    assert first.split()[0].replace(",", "").replace(".", "").isdigit()  # and no power of ten
    assert "3 times" in bench(predictor, [(None, picture())] * 3, 60.0).lines()[0]  # there are no more


def test_the_device_says_what_torch_says(predictor: Predictor, shapes: PreparedData, tmp_path: Path) -> None:
    some = shapes.splits.validation.gather(np.arange(3))
    whole = predictor.session.predict(some.inputs)["logits"]
    one = predictor.session.predict({"inputs": some.inputs["inputs"][:1]})["logits"]
    assert np.abs(whole[:1] - one).max() < 1e-4


def test_the_commands_answer_to_a_picture_and_say_how_fast(
    device: Device, predictor: Predictor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, home = tmp_path / "scene.jpg", ["--home", str(device.home.path)]
    file.write_bytes(picture())
    main(["run", str(file), "--detail", "runs", *home])
    samples = read_samples(picture(), predictor.session.inputs["inputs"], predictor.preprocessor)
    assert json.loads(capsys.readouterr().out) == predictor.answer(samples, "runs")[0]
    main(["bench", str(file), "--seconds", "0.05", *home])
    assert "a second on 1 thread" in capsys.readouterr().out
    film = tmp_path / "film"
    film.mkdir()
    with pytest.raises(SystemExit):
        main(["bench", str(film), *home])
    assert "expected a folder with files, got an empty one" in capsys.readouterr().err
    for number in range(3):
        (film / f"{number}.jpg").write_bytes(picture(40 + number))
    main(["bench", str(film), "--seconds", "0.2", *home])
    assert "a second on 1 thread" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main(["run", str(file), "--detail", "svg", *home])
    assert ended.value.code == 2
    assert "expected one of png, runs, got svg" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "got"),
    [
        (picture()[:400], "expected a whole image"),
        (b"", "expected an image, got an empty file"),
        (b"no picture", "expected image/png, image/jpeg"),
    ],
)
@pytest.mark.parametrize("command", ["run", "bench"])
def test_a_file_that_is_no_picture_is_named(
    device: Device, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, content: bytes, got: str
) -> None:
    for name, some in (("0.png", picture()), ("1.png", content)):
        (tmp_path / name).write_bytes(some)
    with pytest.raises(SystemExit) as ended:
        main([command, str(tmp_path / "0.png"), str(tmp_path / "1.png"), "--home", str(device.home.path)])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "1.png`: `inputs`: " in said
    assert got in said


def test_http_answers_with_areas_and_with_the_mask_where_it_is_asked_for(device: Device, predictor: Predictor) -> None:
    samples = read_samples(picture(), predictor.session.inputs["inputs"], predictor.preprocessor)
    with serving(device) as served:
        for detail in ("", "runs", "png"):
            path = f"/predict?detail={detail}" if detail else "/predict"
            status, _, content = served.ask("POST", path, picture(), Content_Type="image/jpeg")
            assert status == 200, content
            assert content["predictions"] == json.loads(json.dumps(predictor.answer(samples, detail)))
        status, _, content = served.ask("POST", "/predict?detail=svg", picture(), Content_Type="image/jpeg")
        assert (status, "expected one of png, runs, got svg" in content["error"]) == (400, True)
