"""A detector that was made elsewhere teaches by the boxes that it finds, whatever cells it has."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from params.pictures.box_rows import BoxRows
from params.student import Student
from params.teacher import OnnxModel
from tasks.core.errors import DataError, RecipeError, StageError
from tasks.distill.teachers.fitness import require_fitness
from tasks.distill.teachers.graphs.boxes import BoxForm
from tasks.distill.teachers.teacher_kind import kind_of
from tasks.distill.teachers.teachers import LoadedTeacher, Teachers
from tasks.kinds.detection.decode import cells_of, found_in
from tasks.kinds.detection.loss import expected
from tasks.kinds.detection.names import CLASSES, SIDES
from tasks.training.network import PreparedData, Trained
from tests.distill.conftest import distilled
from tests.distill.teachers.conftest import World, section
from tests.kinds.detection.conftest import LEARNING, SEPARABLE

__all__ = ["distilled"]

MIDDLE = ("cx", "cy", "width", "height", "scores")
SIDE = 32
FOUND = np.array([[[4, 6, 14, 26, 0.9, 1], [20, 8, 28, 12, 0.6, 0], [0, 0, 0, 0, 0, 0]]], dtype=np.float32)
"""one picture with two boxes, and a row that is none"""


class Foreign(nn.Module):
    """A network as a foreign detector: (N, 4 + classes, cells), middles, sizes and scores."""

    def __init__(self, network: nn.Module, data: PreparedData) -> None:
        super().__init__()
        self.network = network
        cells = cells_of(data.targets.facts)
        self.middle, self.stride = torch.from_numpy(cells.middle.T.copy()), torch.from_numpy(cells.stride.copy())

    def forward(self, pictures: Tensor) -> Tensor:
        outputs = self.network({"inputs": pictures})
        away = expected(outputs[SIDES]).transpose(1, 2) * self.stride
        low, high = self.middle - away[:, :2], self.middle + away[:, 2:]
        return torch.cat([(low + high) / 2, high - low, outputs[CLASSES].sigmoid()], dim=1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, blobs: PreparedData, teacher: Trained) -> World:
    """Pictures of shapes, and a file that finds them as foreign detectors do."""
    world = World(tmp_path_factory.mktemp("foreign"), blobs, teacher)
    foreign, example = Foreign(teacher.network, blobs).eval(), torch.zeros(2, *blobs.card.input.shape)
    dynamic = ({0: torch.export.Dim("batch")},)
    program = torch.onnx.export(foreign, (example,), dynamo=True, dynamic_shapes=dynamic, verbose=False)
    assert program is not None
    onnx.save(program.model_proto, world.folder / "foreign.onnx")
    return world


def fit(world: World, boxes: dict[str, Any], **said: Any) -> Any:
    given = {"kind": "onnx", "file": "foreign.onnx", "gives": "probabilities", "boxes": boxes, **said}
    found, work = section(**given), world.work()
    return require_fitness(found, kind_of(found).make(found, work), work)


def test_its_boxes_are_worth_what_its_cells_are(world: World, blobs: PreparedData, teacher: Trained) -> None:
    own = blobs.measuring.values(blobs.measuring.seen_by(teacher.network, blobs.splits.validation))["ap50"]
    assert own > 0.3
    assert fit(world, {"columns": MIDDLE}).metrics["ap50"] == pytest.approx(own, abs=0.03)


def test_other_forms_of_boxes_are_named(world: World) -> None:
    with pytest.raises(
        StageError, match=r"do(es)? better with `columns: \[cx, cy, width, height, scores\]`|x, y, width"
    ):
        fit(world, {"columns": ("x0", "y0", "width", "height", "scores")})


def test_classes_in_another_order_are_named(world: World) -> None:
    with pytest.raises(StageError, match=r"say `teacher\.classes`"):
        fit(world, {"columns": MIDDLE}, classes=["square", "triangle", "disc"])


def test_the_unit_and_the_scores_are_looked_at(world: World) -> None:
    with pytest.raises(
        DataError, match=r"teacher\.boxes\.unit`: expected parts of width and height, got .*`unit: pixels`"
    ):
        fit(world, {"columns": MIDDLE, "unit": "share"})
    with pytest.raises(DataError, match=r"boxes of 8 numbers: cx, cy, width, height, score, scores, got outputs of"):
        fit(world, {"columns": (*MIDDLE[:4], "score", "scores")})


def test_a_student_that_is_told_nothing_else_finds_boxes(world: World, blobs: PreparedData, distilled: Any) -> None:
    found = section(kind="onnx", file="foreign.onnx", gives="probabilities", boxes={"columns": MIDDLE})
    made = kind_of(found).make(found, world.work())
    teachers = Teachers((LoadedTeacher(made.network, "foreign"),), "d", world.folder / "soft-labels")
    student = Student.model_validate({"architecture": SEPARABLE, "training": LEARNING})
    learned = distilled(blobs, teachers, student, alpha=0.0, temperature=1.0).trained
    found = blobs.measuring.values(blobs.measuring.seen_by(learned.network, blobs.splits.validation))
    assert found["ap50"] > 0.15


def reading(data: PreparedData, *columns: str, **said: Any) -> BoxForm:
    more = said.pop("more", False)
    facts = OnnxModel.model_validate(
        {"kind": "onnx", "gives": "probabilities", "boxes": BoxRows(columns=columns, unit=said.pop("unit", "pixels"))}
        | said
    )
    assert facts.boxes is not None
    return BoxForm(facts.boxes, facts, facts.outputs_named, more, data.card.spec)


def boxes_of(reading: BoxForm, *found: NDArray[Any]) -> NDArray[np.float32]:
    """Returns the boxes (n, 6) of one picture, with score and class."""
    outputs = reading.outputs(found)
    boxes = found_in(outputs[CLASSES][0].numpy(), outputs[SIDES][0].numpy(), reading.spec.targets.facts, 0.05)
    return np.concatenate([boxes.boxes, boxes.scores[:, None], boxes.classes[:, None]], axis=1)


def test_every_way_to_write_boxes_says_the_same(blobs: PreparedData) -> None:
    low, high, score, number = FOUND[..., :2], FOUND[..., 2:4], FOUND[..., 4:5], FOUND[..., 5:]
    each = (number == np.arange(3)) * score
    corners = ("x0", "y0", "x1", "y1")
    ways: list[tuple[BoxForm, list[NDArray[Any]]]] = [
        (reading(blobs, *corners, "score", "class"), [FOUND]),
        (reading(blobs, *corners, "class", "score"), [FOUND[0, :, :4], FOUND[0, :, 5], FOUND[0, :, 4]]),
        (
            reading(blobs, *corners, "score", "class", unit="share"),
            [FOUND / np.array([*[SIDE] * 4, 1, 1])],
        ),
        (
            reading(blobs, *corners, "score", "class", size=(64, 96)),
            [FOUND * np.array([3, 2, 3, 2, 1, 1])],
        ),
        (reading(blobs, "y0", "x0", "y1", "x1", "scores"), [FOUND[..., [1, 0, 3, 2]], each]),
        (reading(blobs, *MIDDLE), [np.swapaxes(np.concatenate([(low + high) / 2, high - low, each], axis=2), 1, 2)]),
        (
            reading(blobs, *MIDDLE[:4], "score", "scores"),
            [(low + high) / 2, high - low, score, (number == np.arange(3)) * 1.0],
        ),
        (reading(blobs, "x0", "y0", "width", "height", "other", "scores"), [low, high - low, number, each]),
    ]
    for one, found in ways:
        assert np.abs(boxes_of(one, *found) - FOUND[0, :2]).max() < 0.05, one.rows


def test_numbers_of_classes_are_named_by_the_recipe(blobs: PreparedData) -> None:
    corners = ("x0", "y0", "x1", "y1", "score", "class")
    names = (None, "disc", "square", "triangle")
    found = FOUND + np.array([0, 0, 0, 0, 0, 1], dtype=np.float32)
    assert np.abs(boxes_of(reading(blobs, *corners, outputs_named=names), found) - FOUND[0, :2]).max() < 0.05
    with pytest.raises(DataError, match=r"classes from 0 to 2, got 4; say in `teacher.classes` which number is which"):
        reading(blobs, *corners).outputs([found + np.array([0, 0, 0, 0, 0, 2], dtype=np.float32)])
    few = boxes_of(reading(blobs, *corners, outputs_named=("disc", "square"), more=True), found)
    assert few[:, 5].tolist() == [1]


def test_what_is_no_finite_number_is_refused(blobs: PreparedData) -> None:
    wrong = FOUND.copy()
    wrong[0, 0, 0] = np.nan
    with pytest.raises(DataError, match="expected finite numbers of boxes"):
        reading(blobs, "x0", "y0", "x1", "y1", "score", "class").outputs([wrong])


def test_scores_as_logits_are_told_from_probabilities(blobs: PreparedData) -> None:
    columns = ("x0", "y0", "x1", "y1", "score", "class")
    logits = FOUND.copy()
    logits[..., 4] = np.log(FOUND[..., 4].clip(1e-9) / (1 - FOUND[..., 4]))
    one = reading(blobs, *columns, gives="logits")
    assert np.abs(boxes_of(one, logits) - FOUND[0, :2]).max() < 0.05
    with pytest.raises(
        DataError, match="expected logits of scores, got numbers from 0 to 1; say `gives: probabilities`"
    ):
        one.require("t.onnx", [[FOUND]])
    with pytest.raises(DataError, match=r"scores from 0 to 1, got numbers from -20\.7 to 2\.2; say `gives: logits`"):
        reading(blobs, *columns).require("t.onnx", [[logits]])


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (("x0", "y0"), "`columns` need x0, y0, x1, y1, or x0, y0, width, height, or cx"),
        ((*MIDDLE[:4], "score"), "need `score` and `class`, or `scores`"),
        ((*MIDDLE[:4], "class"), "`columns` with `class` need `score`"),
        (("scores", *MIDDLE[:4]), "`scores` come last"),
        ((*MIDDLE, "left"), "`left` is no column; they are class, cx"),
        (("cx", *MIDDLE), "`columns` has `cx` twice"),
    ],
)
def test_columns_that_are_no_boxes_are_named(columns: tuple[str, ...], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        section(kind="onnx", file="t.onnx", boxes={"columns": columns})


def test_kinds_without_boxes_refuse_them_by_name_and_values_are_no_boxes(
    tmp_path: Path, world: World, image_data: PreparedData, blobs: PreparedData
) -> None:
    facts = reading(blobs, *MIDDLE).facts
    assert facts.boxes is not None
    with pytest.raises(RecipeError, match=r"teacher\.boxes`: expected .* with boxes, got `classification`"):
        BoxForm(facts.boxes, facts, (), False, image_data.card.spec)
    with pytest.raises(
        DataError, match=r"expected boxes, got .*; say in `teacher\.boxes` how an ONNX file writes them"
    ):
        world.look(kind="onnx", file="foreign.onnx")
