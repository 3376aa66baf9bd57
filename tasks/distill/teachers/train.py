"""The teacher, trained here on hard labels, or brought along as safetensors and measured on our validation data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from params.models import Architecture
from params.teacher import Pretrained, Teacher
from params.training import Training
from tasks.contracts.records import DataRecord
from tasks.core.errors import DataError, mismatch
from tasks.core.files import sha256_of
from tasks.core.progress import Advance
from tasks.distill.teachers.pretrained import fill, pretrained_weights
from tasks.models.weights import load_weights
from tasks.training.loop import VALIDATION, Fit, OnEpoch
from tasks.training.network import HardLabels, PreparedData, Trained, train_network


def train(
    architecture: Architecture,
    training: Training,
    data: PreparedData,
    seed: int,
    advance: Advance,
    on_epoch: OnEpoch,
    init: Pretrained | None = None,
) -> Trained:
    """Returns a teacher trained on the hard labels of the training split, from random or from published weights.

    Raises:
        DataError: the published weights cannot be had, or do not fit.
    """
    published = pretrained_weights(init) if init else None
    return train_network(
        architecture,
        training,
        data,
        lambda _network: HardLabels(data, training),
        seed,
        advance,
        on_epoch,
        (lambda network: fill(network, architecture, published)) if published else None,
    )


def teacher_work(given: Mapping[str, Any], advance: Advance, on_epoch: OnEpoch) -> tuple[Trained, tuple[str, ...]]:
    """Trains the teacher in one of several processes."""
    teacher, data = (
        Teacher.model_validate(given["teacher"]),
        PreparedData.open(DataRecord.model_validate(given["data"])),
    )
    assert teacher.training is not None, "what is brought along is not trained"
    return train(teacher.architecture, teacher.training, data, given["seed"], advance, on_epoch, teacher.init), ()


def bring(architecture: Architecture, weights: Path, sha256: str | None, data: PreparedData) -> Trained:
    """Returns a teacher that was trained elsewhere.

    Its mean and standard deviation come with its weights: it normalises as it was trained to, not as our data would.

    Raises:
        DataError: the file is missing, is not what `weights_sha256` says, or does not fit the architecture.
    """
    if sha256 and weights.is_file() and (got := sha256_of(weights)) != sha256:
        raise DataError(mismatch(str(weights), "teacher.weights_sha256", sha256, got, "correct the digest or the file"))
    network = data.network(architecture)
    load_weights(network, weights)
    scores = data.measuring.measure(network, data.splits.validation)
    metrics = {f"{VALIDATION}{name}": value for name, value in scores.items()}
    return Trained(network.eval(), Fit(1, (metrics,)))
