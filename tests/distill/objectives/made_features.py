"""Made-up layers of two networks, as the modules take them and as the oracles do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import TypeAdapter
from torch import Tensor, nn

from params.objectives import Objective
from tasks.distill.objectives.common.features import Features, FeatureShape
from tasks.distill.objectives.common.load_objective import feature_objective
from tests.distill.objectives.feature_oracles import Layer, Weights
from tests.distill.objectives.oracles import Floats

KINDS = ("hint", "attention", "similarity", "relation", "pkt", "vid", "crd", "review")
SAMPLES = 11
# Channels and positions of the student's and the teacher's layers, from shallow to deep.
LAYOUTS: dict[str, list[tuple[tuple[int, ...], tuple[int, ...]]]] = {
    "vectors": [((3,), (4,)), ((2,), (3,))],
    "frames": [((3, 7), (4, 7)), ((2, 7), (3, 7))],
    "pictures": [((3, 6, 7), (2, 5, 8)), ((2, 3, 3), (3, 3, 3))],
}


def section(kind: str, pairs: int = 2, **said: Any) -> Any:
    layers = [{"student": f"s{n}", "teacher": f"t{n}"} for n in range(pairs)]
    return TypeAdapter(Objective).validate_python({"kind": kind, "layers": layers, **said})


def shapes_of(layout: str) -> tuple[list[FeatureShape], list[FeatureShape]]:
    pairs = [[FeatureShape(shape[0], shape[1:]) for shape in pair] for pair in LAYOUTS[layout]]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def module_of(kind: str, layout: str, seed: int = 0, samples: int = SAMPLES, **said: Any) -> nn.Module:
    """Returns a module with norms like those of a trained one."""
    torch.manual_seed(seed)
    module = feature_objective(kind)(section(kind, len(LAYOUTS[layout]), **said), *shapes_of(layout), samples)
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm1d):
            nn.init.uniform_(norm.weight, 0.5, 2)
            nn.init.normal_(norm.bias)
    return module


def weights_of(module: nn.Module) -> list[Weights]:
    """Returns what each pair of layers has learned."""
    holders = [child for child in module.children() if isinstance(child, nn.ModuleList)]
    if not holders:
        return [{}, {}]
    return [{name: value.double().numpy().copy() for name, value in part.state_dict().items()} for part in holders[0]]


@dataclass(frozen=True, eq=False)
class Batch:
    """Two layers of each network, for a few samples of the training split."""

    student: list[Floats]
    teacher: list[Floats]
    there: Floats | None
    labels: NDArray[np.int64]
    rows: NDArray[np.int64]

    @classmethod
    def drawn(cls, layout: str, size: int = 4, seed: int = 0, scale: float = 1.0) -> "Batch":
        generator = np.random.default_rng(seed)
        sides = [[generator.normal(size=(size, *pair[n])) * scale for pair in LAYOUTS[layout]] for n in (0, 1)]
        lengths = np.array([3, 7, 5, 1, 6, 2, 7, 4])[np.arange(size) % 8]
        there = (np.arange(7) < lengths[:, None]).astype(np.float64) if layout == "frames" else None
        labels = np.arange(size) % 3
        return cls(sides[0], sides[1], there, labels, generator.permutation(SAMPLES)[:size])

    def tensors(self, dtype: torch.dtype = torch.float64) -> tuple[list[Features], list[Features], Tensor, Tensor]:
        """Returns what a module takes; the student's values want a gradient."""
        there = None if self.there is None else torch.from_numpy(self.there).float()
        sides = [[torch.from_numpy(values).to(dtype) for values in side] for side in (self.student, self.teacher)]
        ours = [Features(values.requires_grad_(), there) for values in sides[0]]
        theirs = [Features(values, there) for values in sides[1]]
        return ours, theirs, torch.from_numpy(self.labels), torch.from_numpy(self.rows)

    def layers(self, side: Sequence[Floats]) -> list[Layer]:
        """Returns what an oracle takes: padding is not there at all."""
        if self.there is None:
            return [list(values) for values in side]
        kept = self.there.astype(bool)
        return [[sample[:, there] for sample, there in zip(values, kept, strict=True)] for values in side]
