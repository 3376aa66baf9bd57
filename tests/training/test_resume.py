"""A training that is killed goes on from its last checkpoint, and comes to the same bits."""

import random
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
import torch

from params.models import Mlp
from tasks.core.checkpoints import resumable
from tasks.core.progress import silent
from tasks.distill.teachers.train import train
from tasks.training.batches import shuffled_batches
from tasks.training.checkpoints.train_state import EpochMetrics
from tasks.training.network import PreparedData
from tests.killed import in_a_process, preload
from tests.training import killed_training
from tests.training.killed_training import BUDGET, came_out, nothing

preload("tests.training.killed_training", "torch._dynamo", "torch._inductor", "pyarrow.parquet")
CPU = torch.device("cpu")
FEWEST, MOST = 5, 14
"""steps between two kills; an epoch has eight"""


def killed_again_and_again(world: Path, work: Callable[..., str], dice: random.Random) -> tuple[str, int]:
    """Returns what came out in the end, and how often the process was killed before."""
    kills = 0
    while True:
        try:
            return in_a_process(world, partial(work, steps=dice.randint(FEWEST, MOST))), kills
        except ChildProcessError:
            kills += 1


@pytest.mark.parametrize(
    ("world", "work"),
    [
        ("tiny_images", killed_training.student),
        pytest.param("tiny_images", killed_training.teacher, marks=pytest.mark.slow),
        pytest.param("tiny_images", killed_training.settled_teacher, marks=pytest.mark.slow),
        pytest.param("tiny_sequences", killed_training.sequence_teacher, marks=pytest.mark.slow),
        pytest.param("tiny_heads", killed_training.several_heads, marks=pytest.mark.slow),
        pytest.param("tiny_images", killed_training.pair, marks=pytest.mark.slow),
    ],
)
def test_a_training_that_is_killed_at_random_steps_comes_to_the_same_bits(
    world: str, work: Callable[..., str], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    request.getfixturevalue(world)
    expected = in_a_process(tmp_path, work)
    got, kills = killed_again_and_again(tmp_path, work, random.Random(5))
    assert kills >= 2
    assert got == expected
    assert not (tmp_path / "checkpoints").exists()


class StopError(Exception):
    pass


def stopped_in_epoch(number: int, seen: list[EpochMetrics]) -> Callable[[int, EpochMetrics], None]:
    def hear(epoch: int, metrics: EpochMetrics) -> None:
        seen.append(metrics)
        if epoch == number:
            raise StopError

    return hear


MLP = Mlp(kind="mlp", hidden=(8,))


def test_metrics_of_epochs_before_the_kill_are_heard_again(image_data: PreparedData, tmp_path: Path) -> None:
    first: list[EpochMetrics] = []
    second: list[EpochMetrics] = []
    for number, seen in ((2, first), (0, second)):
        try:
            with resumable(tmp_path / "kept", every=0.0):
                train(MLP, BUDGET, image_data, 0, silent, stopped_in_epoch(number, seen))
        except StopError:
            assert list((tmp_path / "kept").iterdir())
    assert len(first) == 2
    assert len(second) == BUDGET.epochs
    assert second[0] == first[0], "it was trained again"


@pytest.mark.parametrize("damage", ["cut short", "another byte", "of another training"])
def test_a_checkpoint_that_cannot_be_used_is_a_warning_and_the_training_starts_anew(
    damage: str, image_data: PreparedData, tmp_path: Path
) -> None:
    expected = came_out(train(MLP, BUDGET, image_data, 0, silent, nothing))
    kept, seed = tmp_path / "kept", 1 if damage == "of another training" else 0
    with pytest.raises(StopError), resumable(kept, every=0.0):
        train(MLP, BUDGET, image_data, seed, silent, stopped_in_epoch(2, []))
    path = next(kept.iterdir())
    content = bytearray(path.read_bytes())
    if damage == "another byte":
        content[-1] ^= 1
    path.write_bytes(content[:-9] if damage == "cut short" else content)
    with pytest.warns(UserWarning, match="the training starts from the beginning"), resumable(kept, every=0.0):
        got = came_out(train(MLP, BUDGET, image_data, 0, silent, nothing))
    assert got == expected


def test_quick_trainings_write_one_checkpoint_each_at_their_end(image_data: PreparedData, tmp_path: Path) -> None:
    with suppress(StopError), resumable(tmp_path / "kept"):
        train(MLP, BUDGET, image_data, 0, silent, nothing)
        train(MLP, BUDGET, image_data, 0, silent, stopped_in_epoch(1, []))
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["1.safetensors"]


@pytest.mark.parametrize("skip", [0, 1, 5, 8])
def test_the_rest_of_an_epoch_is_what_it_would_have_been(
    image_data: PreparedData, skip: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.training.batches.CHUNK_ROWS", 48)
    split = image_data.splits.train
    whole = [*shuffled_batches(split, 16, 0, 1, CPU)]
    rest = [*shuffled_batches(split, 16, 0, 1, CPU, skip=skip)]
    assert [batch.rows.tolist() for batch in rest] == [batch.rows.tolist() for batch in whole[skip:]]
    assert all((a.chunk.rows == b.chunk.rows).all() for a, b in zip(rest, whole[skip:], strict=True))
