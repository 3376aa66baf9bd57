"""From a network to a file to boxes: outputs, their export, and what a device says of them."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from params.models import Architecture, Cnn, Mlp, ResNet, Separable
from tasks.contracts.records import DataSpec, InputSpec, Statistics
from tasks.contracts.targets import TargetCard
from tasks.core.errors import DataError
from tasks.kinds.detection.decode import PART as DECODER
from tasks.kinds.detection.decode import cells_of, distances, found_in, overlaps, suppressed
from tasks.kinds.detection.head import PART as HEADS
from tasks.kinds.detection.names import BINS
from tasks.models.build import Network, build_model
from tasks.models.export import export_onnx
from tasks.runtime.bundle.bundle import Facts, golden_of, write_bundle
from tasks.runtime.bundle.manifest import Processor
from tasks.runtime.bundle.predictor import Predictor
from tasks.runtime.bundle.session import Session
from tasks.runtime.errors import WrongInputError
from tasks.runtime.preprocess.arrays import read_samples
from tasks.runtime.preprocess.frames.tiles import TileRule
from tasks.runtime.preprocess.picture_format import PictureFormat

FACTS: dict[str, Any] = {"size": [37, 50], "strides": [8, 16], "least_score": 0.3, "overlap": 0.6, "most": 20}
NAMES = ("cat", "dog")
CARD: dict[str, Any] = {"names": [*NAMES], "facts": FACTS}
CELLS = 5 * 7 + 3 * 4
NETWORKS: dict[str, Architecture] = {
    "separable": Separable(kind="separable", widths=(8, 12, 16), blocks=(1, 1)),
    "resnet": ResNet(kind="resnet", widths=(8, 16), stem_stride=2),
    "cnn": Cnn(kind="cnn", channels=(4, 8)),
}


def network(architecture: Architecture) -> Network:
    torch.manual_seed(0)
    spec = InputSpec(layout="image", dtype="uint8", shape=(3, *FACTS["size"]))
    targets = TargetCard(names=NAMES, facts=FACTS)
    statistics = Statistics(mean=(100.0,) * 3, std=(50.0,) * 3)
    return build_model(architecture, DataSpec(input=spec, task="detection", targets=targets, statistics=statistics))


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_with_other_maps_have_the_same_cells(name: str) -> None:
    model = network(NETWORKS[name]).eval()
    outputs = model({"inputs": torch.zeros(2, 3, *FACTS["size"], dtype=torch.uint8)})
    assert {key: tuple(values.shape) for key, values in outputs.items()} == {
        "classes": (2, 2, CELLS),
        "sides": (2, 4 * BINS, CELLS),
    }
    assert outputs["classes"].sigmoid().max() < 0.3  # nothing is likely before anything is learned


def test_a_network_without_places_is_refused() -> None:
    with pytest.raises(DataError, match="expected a network for pictures"):
        network(Mlp(kind="mlp", hidden=(6,)))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Network, bytes]:
    """A network that finds something in many places, and its file."""
    model, path = network(NETWORKS["separable"]).eval(), tmp_path_factory.mktemp("made") / "model.onnx"
    with torch.no_grad():
        model.get_parameter("body.head.classify.0.bias").add_(4.5)
    export_onnx(model, path)
    return model, path.read_bytes()


def test_the_file_has_named_outputs_of_fixed_cells_and_its_boxes_are_those_of_the_network(
    made: tuple[Network, bytes],
) -> None:
    model, content = made
    session = Session(content)
    shapes = {name: output.shape for name, output in session.outputs.items()}
    assert shapes == {"classes": (None, 2, CELLS), "sides": (None, 4 * BINS, CELLS)}
    assert not [*DECODER.problems(shapes, CARD)]
    pictures = np.random.default_rng(0).integers(0, 256, (3, 3, *FACTS["size"]), dtype=np.uint8)
    with torch.no_grad():
        wanted = {name: values.numpy() for name, values in model({"inputs": torch.from_numpy(pictures)}).items()}
    got = session.predict({"inputs": pictures})
    assert DECODER.difference(wanted, got) < 1e-3
    for ours, theirs in zip(DECODER.decode(wanted, CARD), DECODER.decode(got, CARD), strict=True):
        assert len(ours["boxes"]) == len(theirs["boxes"]) > 0
        for one, other in zip(ours["boxes"], theirs["boxes"], strict=True):
            assert one["class"] == other["class"]
            assert np.abs(np.subtract(one["box"], other["box"])).max() < 0.1


def predictor(content: bytes, folder: Path, **preprocessing: Any) -> Predictor:
    """Returns what a device has of a file."""
    facts = Facts(
        "blobs", "detection", CARD, PictureFormat((37, 50), **preprocessing).facts(), "image", Processor("x86-vnni", 1),
        "v", "f" * 64, "2026-11-01T00:00:00+00:00", 1e-3,
    )  # fmt: skip
    pictures = np.random.default_rng(0).integers(0, 256, (2, 3, 37, 50), dtype=np.uint8)
    write_bundle(folder, facts, content, golden_of(Session(content), {"inputs": pictures}))
    return Predictor.from_bundle(folder)


def picture(height: int, width: int) -> bytes:
    stream = io.BytesIO()
    draws = np.random.default_rng(0).integers(0, 256, (height // 4, width // 4, 3), dtype=np.uint8)
    Image.fromarray(draws).resize((width, height)).save(stream, format="PNG")
    return stream.getvalue()


def test_boxes_are_in_pixels_of_the_picture_that_was_sent_and_drawn_on_it(
    made: tuple[Network, bytes], tmp_path: Path
) -> None:
    device = predictor(made[1], tmp_path / "bundle", fit="pad")
    takes = device.session.inputs["inputs"]
    content = picture(148, 100)  # which becomes 37 x 25 pixels
    samples = read_samples(content, takes, device.preprocessor)
    (answer,) = device.answer(samples)
    (plain,) = device.predict(samples.arrays)
    assert answer["size"] == [148, 100]
    expected = np.array([np.clip(np.array(box["box"]) * 4, 0, (100, 148, 100, 148)) for box in plain["boxes"]])
    there = (expected[:, 2:] - expected[:, :2]).prod(axis=1) > 0  # not in what the picture is padded with
    assert 0 < len(answer["boxes"]) == there.sum() < len(there)
    assert np.abs(np.array([box["box"] for box in answer["boxes"]]) - expected[there]).max() < 0.1
    assert "picture" not in answer
    (shown,) = device.answer(samples, "picture")
    drawn = np.asarray(Image.open(io.BytesIO(base64.b64decode(shown["picture"]))))
    assert drawn.shape == (37, 25, 3)  # what the model saw of it
    seen = samples.arrays["inputs"][0].transpose(1, 2, 0)[:, :25]
    assert (drawn != seen).any(axis=2).mean() > 0.02
    assert shown["boxes"] == answer["boxes"]
    with pytest.raises(WrongInputError, match="expected one of picture, got png"):
        device.answer(samples, "png")


def test_tiles_are_joined_and_drawn_as_one_picture(made: tuple[Network, bytes], tmp_path: Path) -> None:
    tiled = predictor(made[1], tmp_path / "bundle", tile=TileRule((37, 50), 10))
    takes = tiled.session.inputs["inputs"]
    samples = read_samples(picture(60, 90), takes, tiled.preprocessor)
    assert len(samples.arrays["inputs"]) == 4
    (answer,) = tiled.answer(samples, "picture")
    assert answer["size"] == [60, 90]
    assert max(box["box"][2] for box in answer["boxes"]) > 50
    whole = np.asarray(Image.open(io.BytesIO(base64.b64decode(answer["picture"]))))
    assert whole.shape == (60, 90, 3)


def silent() -> dict[str, NDArray[np.float32]]:
    """Returns outputs of one picture that say nothing."""
    return {
        "classes": np.full((1, 2, CELLS), -9, dtype=np.float32),
        "sides": np.zeros((1, 4 * BINS, CELLS), dtype=np.float32),
    }


def said(*boxes: tuple[int, int, float, tuple[float, float, float, float]]) -> dict[str, NDArray[np.float32]]:
    """Returns outputs in which a cell says of a class, with a logit, how many strides away its sides are."""
    outputs = silent()
    for cell, number, logit, away in boxes:
        outputs["classes"][0, number, cell] = logit
        bins = -20 * np.abs(np.arange(BINS) - np.array(away)[:, None])
        outputs["sides"][0, :, cell] = bins.reshape(-1)
    return outputs


def test_an_answer_has_boxes_in_pixels_the_best_first() -> None:
    (answer,) = DECODER.decode(said((8, 1, 2.0, (1, 1, 2, 1)), (35, 0, 4.0, (0, 0, 1, 2))), CARD)
    assert answer == {
        "boxes": [
            {"class": "cat", "score": 0.982, "box": [8.0, 8.0, 24.0, 37.0]},  # cut at the lower edge
            {"class": "dog", "score": 0.8808, "box": [4.0, 4.0, 28.0, 20.0]},
        ],
        "size": [37, 50],
    }
    assert DECODER.decode(silent(), CARD) == [{"boxes": [], "size": [37, 50]}]


def test_one_of_two_boxes_of_a_class_over_each_other_goes_and_those_of_two_classes_stay() -> None:
    near = ((8, 0, 2.0, (2, 1, 2, 1)), (9, 0, 3.0, (3, 1, 1, 1)))
    (answer,) = DECODER.decode(said(*near), CARD)
    assert [box["score"] for box in answer["boxes"]] == [0.9526]
    (answer,) = DECODER.decode(said(near[0], (9, 1, 3.0, (3, 1, 1, 1))), CARD)
    assert [box["class"] for box in answer["boxes"]] == ["dog", "cat"]


def test_scores_below_the_least_and_boxes_beyond_the_most_are_left_out() -> None:
    cells = [(cell, 0, 1.0 + cell / 100, (0.1, 0.1, 0.1, 0.1)) for cell in range(35)]
    (answer,) = DECODER.decode(said(*cells, (36, 1, -1.0, (1, 1, 1, 1))), CARD)
    assert len(answer["boxes"]) == 20
    assert answer["boxes"][0]["score"] == pytest.approx(1 / (1 + np.exp(-1.34)), abs=1e-4)
    assert not any(box["class"] == "dog" for box in answer["boxes"])


def test_suppression_is_that_of_a_loop_over_boxes() -> None:
    draws = np.random.default_rng(0)
    start = draws.uniform(0, 60, (120, 2))
    boxes = np.concatenate([start, start + draws.uniform(5, 40, (120, 2))], axis=1).astype(np.float32)
    classes = draws.integers(0, 3, 120)
    stays: list[int] = []
    for row in range(120):
        over = [overlaps(boxes[[row]], boxes[[other]])[0, 0] > 0.4 for other in stays if classes[other] == classes[row]]
        if not any(over):
            stays.append(row)
    assert suppressed(boxes, classes, 0.4).tolist() == stays
    assert 20 < len(stays) < 120


def test_sides_are_the_means_of_their_distributions() -> None:
    sides = np.full((4 * BINS, 1), -50.0, dtype=np.float32)
    sides[[0, BINS + 3, 2 * BINS + 3, 2 * BINS + 4, 4 * BINS - 1]] = 0
    assert distances(sides)[:, 0] == pytest.approx([0, 3, 3.5, 15])


def test_cells_lie_row_by_row_grid_by_grid() -> None:
    cells = cells_of(FACTS)
    assert cells.middle[[0, 1, 7, 35, 36]].tolist() == [[4, 4], [12, 4], [4, 12], [8, 8], [24, 8]]
    assert cells.stride[[34, 35]].tolist() == [8, 16]


@pytest.mark.parametrize("name", ["classes", "sides"])
def test_logits_that_are_no_numbers_are_refused(name: str) -> None:
    outputs = silent()
    outputs[name][0, 0, 3] = np.nan
    with pytest.raises(ValueError, match="finite logits"):
        DECODER.decode(outputs, CARD)


def test_outputs_of_another_shape_are_told_and_differ_without_end() -> None:
    problems = [*DECODER.problems({"classes": (None, 3, CELLS), "boxes": (None, 4)}, CARD)]
    assert problems == [
        f"expected an output `classes` of (2, {CELLS}) per picture, got (3, {CELLS})",
        "expected an output `sides`, got classes, boxes",
    ]
    assert DECODER.difference(silent(), {"classes": silent()["classes"]}) == float("inf")


def test_candidates_are_few_however_many_cells_have_a_score() -> None:
    outputs = silent()
    outputs["classes"][:] = 3
    found = found_in(outputs["classes"][0], outputs["sides"][0], FACTS | {"most": 1000, "overlap": 0.99}, 0.3)
    assert len(found.scores) <= 2 * CELLS


def test_an_imported_network_gives_the_values_of_each_cell() -> None:
    card = TargetCard(names=NAMES, facts=FACTS)
    assert HEADS.width(card) == 2 + 4 * BINS
    values = torch.arange(CELLS * HEADS.width(card), dtype=torch.float32).reshape(1, CELLS, -1)
    outputs = HEADS.named(values, card)
    assert outputs["classes"][0, :, 1].tolist() == values[0, 1, :2].tolist()
    assert outputs["sides"][0, :, 1].tolist() == values[0, 1, 2:].tolist()


def test_a_teachers_classes_are_put_into_the_order_of_the_data() -> None:
    card = TargetCard(names=NAMES, facts=FACTS)
    names = HEADS.output_names(["dog", None, "cat", "dog"], (), None, card)
    outputs = {"classes": torch.tensor([[[1.0], [9.0], [2.0], [3.0]]]), "sides": torch.zeros(1, 64, 1)}
    assert HEADS.translated(outputs, names, card)["classes"].flatten().tolist() == [2.0, 3.0]
    assert HEADS.output_names(None, (), NAMES, card) == ()
    with pytest.raises(DataError, match=r"expected an output for `dog`, got none; map an output to each"):
        HEADS.output_names(["cat"], (), None, card)
    assert HEADS.output_names({3: "dog", 0: "cat"}, (), None, card) == ("cat", None, None, "dog")
