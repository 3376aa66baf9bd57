"""What the report shows of numbers."""

from xml.etree import ElementTree

import numpy as np
import pytest

from tasks.contracts.scores import TEACHER
from tasks.contracts.targets import Targets
from tasks.kinds.regression.figures import PART, errors_of
from tasks.kinds.regression.metrics import PART as METRICS
from tasks.kinds.regression.metrics import Estimates
from tasks.kinds.regression.names import VALUE
from tasks.kinds.regression.pictures.numbers import MOST, draw_numbers
from tests.kinds.regression.conftest import CARD
from tests.kinds.regression.test_metrics import logits_of


@pytest.fixture
def evidence() -> dict[str, Estimates]:
    """A teacher two off, and a file one off; nothing is above 26."""
    true = np.random.default_rng(0).uniform(12, 25, 100)
    made = {TEACHER: logits_of(true + 2), "fp32": logits_of(true + 1)}
    return {name: METRICS.evidence(outputs, Targets({VALUE: true}), CARD) for name, outputs in made.items()}


def test_each_part_of_the_range_has_a_row_beside_the_teachers_error(evidence: dict[str, Estimates]) -> None:
    (table,) = PART.tables(evidence, "fp32", CARD)
    assert [row[0] for row in table.rows] == ["10 to 14", "14 to 18", "18 to 22", "22 to 26"]
    assert sum(int(row[1] or 0) for row in table.rows) == 100
    assert len(table.head) == len(table.rows[0]) == 8
    ours, theirs = errors_of(evidence["fp32"]), errors_of(evidence[TEACHER])
    assert [row[2] for row in table.rows] == pytest.approx(ours[:4])
    assert [row[-1] for row in table.rows] == pytest.approx(theirs[:4])
    assert np.isnan(ours[4])
    (told,) = PART.mistakes(evidence["fp32"], CARD)
    assert told.rows == tuple(row[:-1] for row in table.rows)


def test_the_drawing_has_a_point_for_each_sample_up_to_many() -> None:
    true = np.linspace(10, 30, MOST + 500)
    errors = np.array([1.0, 2.0, np.nan, 1.0, 1.0])
    drawn = draw_numbers(true + 1, true, ("a", "b", "c", "d", "e"), errors, errors)
    assert f"{MOST:,} of {MOST + 500:,} samples" in drawn.caption
    root = ElementTree.fromstring(drawn.svg)
    points = [one for one in root.iter() if one.tag.endswith("use")]
    assert len(points) >= MOST
    few = draw_numbers(true[:9] + 1, true[:9], ("a", "b", "c", "d", "e"), errors, errors)
    assert "drawn at random" not in few.caption


def test_it_is_told_what_a_number_does_not_say() -> None:
    assert any("never beyond" in line for line in PART.cautions(()))
    assert PART.pipeline_tag("vector") == "tabular-regression"
    assert PART.pipeline_tag("image") == ""


def test_an_answer_in_words_is_the_number_beside_what_it_should_be(evidence: dict[str, Estimates]) -> None:
    ours = evidence["fp32"]
    (told,) = PART.answers_in_words(ours, np.array([3]), CARD)
    assert told == f"{ours.predicted[3]:.4g} for {ours.true[3]:.4g}"
