"""Losses of embeddings against pytorch-metric-learning, and what learns in training alone."""

from functools import partial
from math import degrees
from typing import Any

import numpy as np
import pytest
import torch
from pytorch_metric_learning.distances import CosineSimilarity
from pytorch_metric_learning.losses import ArcFaceLoss, CosFaceLoss, ProxyAnchorLoss, TripletMarginLoss
from pytorch_metric_learning.miners import BatchHardMiner
from pytorch_metric_learning.reducers import MeanReducer
from torch.nn import functional

from params.kinds.embedding import Embedding
from tasks.contracts.targets import TargetCard, Targets
from tasks.core.errors import RecipeError
from tasks.kinds.contract import LossPart, part
from tasks.kinds.embedding.loss import TrainingHead, principal_components
from tasks.kinds.embedding.margins import arcface, cosface, proxy_anchor, triplet
from tasks.kinds.embedding.names import AXES, COSINES, EMBEDDING, IDENTITY

PART: Any = part("embedding", "loss", LossPart)
IDENTITIES, WIDTH, BATCH = 7, 6, 24


def card(**said: Any) -> TargetCard:
    return TargetCard(facts={**Embedding(width=WIDTH, **said).facts})


@pytest.fixture
def drawn() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Embeddings (batch, width), the place of each identity, and directions (identities, width); some at the edge."""
    generator = torch.Generator().manual_seed(0)
    directions = torch.randn(IDENTITIES, WIDTH, generator=generator)
    places = torch.randint(0, IDENTITIES, (BATCH,), generator=generator)
    embeddings = torch.randn(BATCH, WIDTH, generator=generator)
    embeddings[0] = -directions[places[0]]  # beyond pi - margin
    return functional.normalize(embeddings, dim=1), places, directions


@pytest.mark.parametrize("margin", [0.0, 0.3, 0.5])
def test_arcface_is_that_of_pytorch_metric_learning(drawn: Any, margin: float) -> None:
    embeddings, places, directions = drawn
    oracle = ArcFaceLoss(IDENTITIES, WIDTH, margin=degrees(margin), scale=16)
    oracle.W.data = directions.T.clone()
    cosines = embeddings @ functional.normalize(directions, dim=1).T
    torch.testing.assert_close(arcface(cosines, places, margin, 16), oracle(embeddings, places), atol=1e-4, rtol=1e-4)


def test_cosface_is_that_of_pytorch_metric_learning(drawn: Any) -> None:
    embeddings, places, directions = drawn
    oracle = CosFaceLoss(IDENTITIES, WIDTH, margin=0.35, scale=16)
    oracle.W.data = directions.T.clone()
    cosines = embeddings @ functional.normalize(directions, dim=1).T
    torch.testing.assert_close(cosface(cosines, places, 0.35, 16), oracle(embeddings, places), atol=1e-4, rtol=1e-4)


def test_proxy_anchor_is_that_of_pytorch_metric_learning(drawn: Any) -> None:
    embeddings, places, directions = drawn
    oracle = ProxyAnchorLoss(IDENTITIES, WIDTH, margin=0.1, alpha=32)
    oracle.proxies.data = directions.clone()
    cosines = embeddings @ functional.normalize(directions, dim=1).T
    torch.testing.assert_close(proxy_anchor(cosines, places, 0.1, 32), oracle(embeddings, places), rtol=1e-4, atol=1e-4)


def test_triplets_are_the_hardest_of_the_batch_as_pytorch_metric_learning_mines_them(drawn: Any) -> None:
    embeddings, places, _ = drawn
    distance = CosineSimilarity()
    miner = BatchHardMiner(distance=distance)
    oracle = TripletMarginLoss(margin=0.2, distance=distance, reducer=MeanReducer())
    expected = oracle(embeddings, places, miner(embeddings, places))
    torch.testing.assert_close(triplet(embeddings, places, 0.2), expected, rtol=1e-4, atol=1e-5)


def test_a_batch_of_strangers_gives_no_triplet_and_keeps_the_graph() -> None:
    embeddings = functional.normalize(torch.randn(3, 4), dim=1).requires_grad_()
    loss = triplet(embeddings, torch.arange(3), 0.2)
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == 0
    assert embeddings.grad is not None


def test_smoothing_is_torchs(drawn: Any) -> None:
    embeddings, places, directions = drawn
    cosines = embeddings @ functional.normalize(directions, dim=1).T
    expected = functional.cross_entropy(16 * cosines, places, label_smoothing=0.1)
    torch.testing.assert_close(cosface(cosines, places, 0.0, 16, 0.1), expected)


def answers(width: int, count: int) -> dict[str, torch.Tensor]:
    """Embeddings that lie in a plane of five dimensions of all, but for a little."""
    random = torch.Generator().manual_seed(0)
    plane = torch.linalg.qr(torch.randn(width, 5, generator=random)).Q
    flat = torch.randn(count, 5, generator=random) @ plane.T
    return {EMBEDDING: functional.normalize(flat + 0.01 * torch.randn(count, width, generator=random), dim=1)}


def head(said: TargetCard, teacher: int | None = None) -> TrainingHead:
    trained = [Targets({IDENTITY: np.array([70, 10, 10])}), Targets({IDENTITY: np.array([50])})]
    asked = None if teacher is None else partial(answers, teacher)
    found: TrainingHead = PART.training_head(iter(trained), said, asked)
    return found


def test_each_training_identity_has_a_direction_by_its_number_and_samples_without_one_have_none() -> None:
    said = card()
    learned = head(said)
    assert learned.directions is not None
    outputs = {EMBEDDING: functional.normalize(torch.randn(3, WIDTH), dim=1)}
    found = learned(outputs, {IDENTITY: torch.tensor([70, 10])})  # the third one has no identity
    torch.testing.assert_close(found["place"], torch.tensor([2, 0]))
    assert found[COSINES].shape == (2, 3)
    loss = PART.losses({**outputs, **found}, {IDENTITY: torch.tensor([70, 10])}, said, 0.0)["identity"]
    loss.backward()
    assert learned.directions.grad is not None
    assert not [*head(card(loss="triplet")).parameters()]


def test_of_a_wider_teacher_the_principal_components_are_learned() -> None:
    learned = head(card(loss="triplet"), teacher=20)
    assert learned.middle is not None
    assert learned.axes is not None
    torch.testing.assert_close(learned.axes.T @ learned.axes, torch.eye(WIDTH), atol=1e-5, rtol=0)
    teacher = answers(20, 50)
    apart = teacher[EMBEDDING] - learned.middle
    reduced = {EMBEDDING: functional.normalize(apart @ learned.axes, dim=1)}
    whole = functional.normalize(apart, dim=1)
    torch.testing.assert_close(reduced[EMBEDDING] @ reduced[EMBEDDING].T, whole @ whole.T, atol=0.01, rtol=0)
    both = {**reduced, **learned(reduced, {})}
    (rows,) = PART.rows(both, teacher, None, card(), "sequence")
    assert rows.student.shape == rows.teacher.shape == (50, WIDTH)
    assert rows.labels is None
    assert (rows.student * rows.teacher).sum(dim=1).min() > 0.9999, "a student that has learned them agrees"
    assert not [*learned.parameters()], "nothing of it is learned"


def test_what_all_embeddings_of_a_teacher_share_is_not_learned() -> None:
    teacher = answers(20, 50)
    shared = functional.normalize(teacher[EMBEDDING] + 3 * torch.eye(20)[0], dim=1)
    axes = principal_components(shared, WIDTH).axes
    assert axes[0].abs().max() < 0.5


def test_of_a_teacher_as_wide_as_the_student_all_directions_are_learned_and_a_narrower_one_is_refused() -> None:
    outputs = {EMBEDDING: functional.normalize(torch.randn(4, WIDTH), dim=1)}
    assert AXES not in head(card(loss="triplet"), teacher=WIDTH)(outputs, {})
    with pytest.raises(RecipeError, match=r"`teacher`: expected at least 6 numbers, as the student gives, got 5; say"):
        head(card(loss="triplet"), teacher=5)
    with pytest.raises(RecipeError, match="expected embeddings of 6 numbers, got 20"):
        next(PART.rows(outputs, answers(20, 4), None, card(), "sequence"))


def test_where_the_gallery_is_the_teachers_no_projection_may_be_dropped() -> None:
    said = card(gallery="teacher")
    with pytest.raises(RecipeError, match=r"`teacher`: expected 6 numbers, as the student gives.*got 20; say"):
        head(said, teacher=20)
    assert PART.training_head(iter(()), card(gallery="teacher", loss="triplet"), partial(answers, WIDTH))
    from tasks.kinds.contract import HeadPart

    heads: Any = part("embedding", "head", HeadPart)
    assert "6 numbers, as the student gives" in heads.refused_width(20, said)[0]
    assert heads.refused_width(WIDTH, said) is None
    assert heads.refused_width(20, card()) is None


def test_smoothing_of_a_loss_without_probabilities_is_refused() -> None:
    said = card(loss="proxy_anchor")
    learned, targets = head(said), {IDENTITY: torch.tensor([10, 50])}
    outputs = {EMBEDDING: functional.normalize(torch.randn(2, WIDTH), dim=1)}
    both = {**outputs, **learned(outputs, targets)}
    assert PART.losses(both, targets, said, 0.0)["identity"].item() > 0
    with pytest.raises(RecipeError, match="label_smoothing"):
        PART.losses(both, targets, said, 0.1)


def test_teachers_of_one_space_have_a_mean_direction_and_those_of_others_none() -> None:
    one, other = ({EMBEDDING: functional.normalize(torch.randn(3, 5), dim=1)} for _ in range(2))
    mean = PART.mean_of([one, other], [0.25, 0.75])[EMBEDDING]
    expected = functional.normalize(0.25 * one[EMBEDDING] + 0.75 * other[EMBEDDING], dim=1)
    torch.testing.assert_close(mean, expected)
    with pytest.raises(RecipeError, match="embeddings of one width, got 5 and 6"):
        PART.mean_of([one, {EMBEDDING: torch.ones(3, 6)}], [0.5, 0.5])


def test_what_is_stored_rounded_has_length_1_again() -> None:
    outputs = {EMBEDDING: functional.normalize(torch.randn(3, 5), dim=1)}
    stored = {name: values.half().float() for name, values in PART.kept(outputs).items()}
    torch.testing.assert_close(PART.given(stored)[EMBEDDING].norm(dim=1), torch.ones(3))
