from collections.abc import Callable

import pytest
import torch
from pydantic import JsonValue
from torch import Tensor, nn

from params.models import Architecture
from tasks.contracts.records import DataSpec, InputSpec, Statistics
from tasks.contracts.targets import TargetCard
from tasks.layouts import find_layout
from tasks.models.build import Network, build_model

Make = Callable[[Architecture, InputSpec], Network]
FACTS: dict[str, dict[str, JsonValue]] = {
    "classification": {},
    "segmentation": {"size": [12, 12]},
    "detection": {"size": [12, 12], "strides": [4, 8]},
}
"""what the head of a kind of task must know of pictures of 12 pixels"""


@pytest.fixture
def make() -> Make:
    return made


def made(architecture: Architecture, spec: InputSpec, seed: int = 0, task: str = "classification") -> Network:
    """Builds a network in eval mode, with norms like those of a trained one, so that every buffer counts."""
    torch.manual_seed(seed)
    model = build_model(architecture, data_spec(spec, mean=1.0 + seed, task=task))
    for norm in model.modules():
        if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d):
            for values in (norm.running_mean, norm.bias, norm.weight):
                assert values is not None
                nn.init.normal_(values)
            assert norm.running_var is not None
            nn.init.uniform_(norm.running_var, 0.5, 2.0)
    return model.eval()


def data_spec(
    spec: InputSpec, classes: int = 3, mean: float = 1.0, std: float = 2.0, task: str = "classification"
) -> DataSpec:
    """Returns what a network for such samples is built for."""
    features = find_layout(spec.layout).features(spec.shape)
    statistics = Statistics(mean=(mean,) * features, std=(std,) * features)
    targets = TargetCard(names=tuple(f"class {place}" for place in range(classes)), facts=FACTS[task])
    return DataSpec(input=spec, task=task, targets=targets, statistics=statistics)


@pytest.fixture
def sample() -> Callable[[InputSpec], dict[str, Tensor]]:
    return sampled


def sampled(spec: InputSpec) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(7)
    inputs = torch.rand((3, *spec.shape), generator=generator) * 20
    lengths = {"lengths": torch.tensor([spec.shape[0], 3, 1])} if spec.layout == "sequence" else {}
    return {"inputs": inputs, **lengths}
