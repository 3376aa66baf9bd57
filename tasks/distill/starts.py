"""What a training begins with other than random weights: those of a file, or of a release."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import torch

from params.models import Architecture
from params.student import Student
from params.training import Training
from params.weights.inits import FromCheckpoint
from params.weights.packages import Pretrained
from tasks.contracts.beginnings import Beginning
from tasks.contracts.records import DataRecord, DataSpec, ModelRecord, Statistics
from tasks.core.errors import StillhouseError
from tasks.core.plugins import load
from tasks.layouts import find_layout
from tasks.models.build import Network, build_model
from tasks.models.initialise import start_from_checkpoint
from tasks.models.published import published_start
from tasks.models.weights import load_weights, read_header, require_equal_layers, shapes_of
from tasks.tracking.runs import fetch
from tasks.training.loop import Objective
from tasks.training.network import PreparedData

HELD = "tasks.distill.held.{}"
Start = Callable[[Network], object]
"""fills in other weights than random ones"""


def from_file(params: Student, project: Path) -> Start | None:
    """Returns what fills in the weights of a file, of the project or of a package, where the recipe names one.

    Raises:
        DataError: published weights cannot be had; filling weights in says so where they do not fit.
    """
    match params.first_init:
        case FromCheckpoint() as file:
            return lambda network: start_from_checkpoint(network, file, project)
        case Pretrained() as published:
            return published_start(published, params.architecture, "student")
        case _:
            return None


@dataclass(frozen=True)
class ReleaseStart:
    """Fills in the weights of a release, and knows what else is made of them."""

    beginning: Beginning
    path: Path

    def __call__(self, network: Network) -> None:
        """Fills them in, the normalisation included."""
        load_weights(network, self.path)

    def champion(self, network: Network) -> Network:
        """Returns the network of the release, frozen, on the device of one with the same layers."""
        champion = deepcopy(network)
        load_weights(champion, self.path)
        return champion.eval().requires_grad_(requires_grad=False)


def from_release(beginning: Beginning | None) -> ReleaseStart | None:
    """Returns what fills in the weights of a release, its normalisation included; None where training begins elsewhere.

    Raises:
        IntegrityError: the weights have other bytes than on record, or are gone.
    """
    if beginning is None or beginning.weights is None:
        return None
    return ReleaseStart(beginning, fetch(beginning.weights))


def held_to(
    start: Start | None, objective: Objective, network: Network, data: PreparedData, training: Training
) -> Objective:
    """Returns an objective that also holds a network to what the release has right that it begins with.

    It is the objective as it is where the network begins with no release, or where its recipe does not ask for that.
    What holds it is found by name, so that a student alone that begins with nothing depends on no distillation.

    Raises:
        RecipeError: this kind of task does not say where a network is right.
    """
    if not isinstance(start, ReleaseStart) or not (weight := start.beginning.focal):
        return objective
    holding: Objective = load(HELD, "champion").HELD(objective, start.champion(network), weight, data, training)
    return holding


def unfit(model: ModelRecord, architecture: Architecture, data: DataRecord) -> str:
    """Returns in words why a network for this data cannot begin with the weights of a model; empty where it can."""
    if model.targets.names != data.targets.names:
        return "its targets are others, or in another order"
    try:
        require_equal_layers(_shapes(architecture, data), read_header(path := fetch(model.weights)), path)
    except (StillhouseError, OSError) as error:
        return str(error).splitlines()[0]
    return ""


def _shapes(architecture: Architecture, data: DataRecord) -> dict[str, tuple[int, ...]]:
    features = find_layout(data.input.layout).features(data.input.shape)
    statistics = Statistics(mean=(0.0,) * features, std=(1.0,) * features)
    spec = DataSpec(input=data.input, task=data.task, targets=data.targets, statistics=statistics)
    with torch.device("meta"):
        return {**shapes_of(build_model(architecture, spec).state_dict())}
