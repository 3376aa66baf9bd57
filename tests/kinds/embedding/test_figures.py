"""What the report shows of pairs, and what the card says of use."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.contracts.scores import TEACHER
from tasks.contracts.targets import Targets
from tasks.kinds.embedding.figures import HARDEST, PART, band_of, equal_threshold, hardest
from tasks.kinds.embedding.metrics import PART as METRICS
from tasks.kinds.embedding.metrics import Vectors
from tests.kinds.embedding.test_metrics import CARD, drawn, values


class Shown:
    """Pictures that are as bright as their row."""

    def at(self, rows: NDArray[np.int64]) -> Sequence[tuple[NDArray[Any], str]]:
        return [(np.full((1, 8, 8), row, dtype=np.uint8), f"picture {row}") for row in rows]


@pytest.fixture(scope="module")
def evidence() -> dict[str, Vectors]:
    return {"fp32": drawn(noise=0.6), TEACHER: drawn(noise=0.3)}


def test_the_report_has_a_curve_a_histogram_and_pairs(evidence: dict[str, Vectors]) -> None:
    found = {drawing.name: drawing.svg for drawing in PART.figures(evidence, "fp32", CARD, Shown())}  # type: ignore[arg-type]
    assert [*found] == ["roc", "alike", "hardest"]
    assert b"Pairs of one identity" in found["roc"]
    assert b"picture" in found["hardest"]
    again = {drawing.name: drawing.svg for drawing in PART.figures(evidence, "fp32", CARD, Shown())}  # type: ignore[arg-type]
    assert found == again


def test_the_shade_is_around_the_curve_and_wide_where_identities_are_few(evidence: dict[str, Vectors]) -> None:
    band = band_of(evidence["fp32"], 100)
    assert band.low is not None
    assert band.high is not None
    assert (band.low <= band.tar + 0.05).all()
    assert (band.high >= band.tar - 0.05).all()
    assert (band.high - band.low).max() > 0.05
    assert band_of(evidence[TEACHER], 0).low is None
    assert band.eer == pytest.approx(values(evidence["fp32"])["eer"])


def test_at_the_equal_threshold_both_mistakes_are_about_as_frequent(evidence: dict[str, Vectors]) -> None:
    ours = evidence["fp32"]
    accepted = ours.scores >= equal_threshold(ours)
    wrong, refused = accepted[~ours.pairs.same].mean(), 1 - accepted[ours.pairs.same].mean()
    assert wrong == pytest.approx(refused, abs=0.02)


def test_the_hardest_pairs_are_the_least_alike_and_the_most_alike_with_each_sample_once(
    evidence: dict[str, Vectors],
) -> None:
    ours = evidence["fp32"]
    found = hardest(ours, Shown())  # type: ignore[arg-type]
    assert [pair.same for pair in found] == [True] * HARDEST + [False] * HARDEST
    assert found[0].score == pytest.approx(ours.scores[ours.pairs.same].min())
    assert found[HARDEST].score == pytest.approx(ours.scores[~ours.pairs.same].max())
    for sort in (found[:HARDEST], found[HARDEST:]):
        names = [name for pair in sort for name in pair.names]
        assert len(set(names)) == len(names)
    rows = [int(name.split()[1]) for name in found[0].names]
    assert ours.identity[rows[0]] == ours.identity[rows[1]]
    assert found[0].samples[0].max() == rows[0]


def test_tables_say_what_a_threshold_comes_to_as_far_as_pairs_can_show(evidence: dict[str, Vectors]) -> None:
    (table,) = PART.tables(evidence, "fp32", CARD)
    assert len(table.rows) == 3  # of more than a thousand pairs
    ours = evidence["fp32"]
    for far, cosine, tar, _ in table.rows:
        assert isinstance(cosine, float)
        assert (ours.scores[~ours.pairs.same] >= cosine).mean() == pytest.approx(far)
        assert (ours.scores[ours.pairs.same] >= cosine).mean() == pytest.approx(tar)
    (few,) = PART.mistakes(METRICS.take(ours, np.arange(12)), CARD)
    assert len(few.rows) == 1


def test_a_split_without_pairs_shows_nothing() -> None:
    alone = METRICS.evidence({"embedding": np.eye(3, 8, dtype=np.float32)}, Targets({"identity": np.arange(3)}), CARD)
    both = {"fp32": alone, TEACHER: alone}
    assert [*PART.figures(both, "fp32", CARD, Shown())] == []  # type: ignore[arg-type]
    assert [*PART.tables(both, "fp32", CARD)] == [*PART.mistakes(alone, CARD)] == []


def test_the_card_says_what_not_to_do_and_for_whom_it_was_looked_at() -> None:
    blind, looked = PART.cautions(()), PART.cautions(["sex", "sex", "age"])
    assert blind[:-1] == looked[:-1]
    assert any("consent" in text for text in blind)
    assert any("holds a few samples of the test split" in text for text in blind)
    assert "No column of the data says for whom it works worse" in blind[-1]
    assert "`sex`, `age`" in looked[-1]


def test_an_answer_in_words_says_whose_sample_is_the_most_alike() -> None:
    embedding = np.array([[1, 0], [0.8, 0.6], [0.6, 0.8]], dtype=np.float32)
    vectors = Vectors(embedding, np.array([1, 1, 2]), np.zeros(3, np.int64), np.zeros((3, 1), np.int64))
    told = PART.answers_in_words(vectors, np.array([0, 1]), CARD)
    assert told == ("nearest to its own identity, 0.80", "nearest to another identity, 0.96")
