from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from params.models import Architecture
from tasks.contracts.records import InputSpec, Statistics
from tasks.models.build import Network, build_model

Make = Callable[[Architecture, InputSpec], Network]


@pytest.fixture
def make() -> Make:
    return made


def made(architecture: Architecture, spec: InputSpec, seed: int = 0) -> Network:
    """Builds a network in eval mode, with norms like those of a trained one, so that every buffer counts."""
    torch.manual_seed(seed)
    statistics = Statistics(mean=(1.0 + seed,) * spec.features, std=(2.0,) * spec.features)
    model = build_model(architecture, spec, 3, statistics)
    for norm in model.modules():
        if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d):
            for values in (norm.running_mean, norm.bias, norm.weight):
                assert values is not None
                nn.init.normal_(values)
            assert norm.running_var is not None
            nn.init.uniform_(norm.running_var, 0.5, 2.0)
    return model.eval()


@pytest.fixture
def sample() -> Callable[[InputSpec], tuple[Any, ...]]:
    return sampled


def sampled(spec: InputSpec) -> tuple[Any, ...]:
    generator = torch.Generator().manual_seed(7)
    inputs = torch.rand((3, *spec.shape), generator=generator) * 20
    return (inputs, torch.tensor([spec.shape[0], 3, 1])) if spec.layout == "sequence" else (inputs,)
