"""The feature objectives of a recipe: what the layers of the student learn from layers of the live teacher."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from params.objectives import FeatureObjective
from tasks.distill.annealing import value_at
from tasks.distill.objectives.common.features import Features, FeatureShape
from tasks.distill.objectives.common.load_objective import feature_objective
from tasks.kinds.contract import LayerShape
from tasks.models.build import Network
from tasks.models.layers import Taps, layer_shapes, require_layers
from tasks.training.batches import Batch


class FeatureTerms(nn.Module):
    """Adds up `weight * objective`; its projections and variances belong to the training, never to the student.

    `teacher_forward` runs the teacher on a batch, so that its layers have their values.

    Raises:
        RecipeError: a layer is not in its network; all that are not, at once.
    """

    def __init__(
        self,
        objectives: Sequence[FeatureObjective],
        student: Network,
        teacher: Network,
        samples: int,
        epochs: int,
        teacher_forward: Callable[[Batch], object],
    ) -> None:
        super().__init__()
        self.params, self.teacher_forward, self.epochs = tuple(objectives), teacher_forward, epochs
        shapes = [layer_shapes(network) for network in (student, teacher)]
        names = [[getattr(pair, who) for o in objectives for pair in o.layers] for who in ("student", "teacher")]
        for who, wanted, found in zip(("student", "teacher"), names, shapes, strict=True):
            require_layers(f"distill.objectives.layers.{who}", wanted, found)
        self.modules_of = nn.ModuleList(
            feature_objective(o.kind)(o, *(_shapes(o, who, found) for who, found in _both(shapes)), samples)
            for o in objectives
        )
        self.taps = [Taps(network, wanted) for network, wanted in zip((student, teacher), names, strict=True)]

    def forward(self, batch: Batch, groups: Tensor | None) -> tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]:
        """Returns the sum (), the value of each kind, and what each adds to the sum.

        The student's forward pass on this batch came just before.

        Args:
            batch: the batch.
            groups: (batch,) what objectives take for the class of a sample; None where each is one of its own.
        """
        self.teacher_forward(batch)
        ours, theirs = ([Features(v.float(), mask) for v, mask in taps.values(batch.inputs)] for taps in self.taps)
        rows = torch.from_numpy(batch.rows).to(ours[0].values.device)
        groups = rows if groups is None else groups
        total, start = ours[0].values.new_zeros(()), 0
        shown: dict[str, Tensor] = {}
        parts: dict[str, Tensor] = {}
        for objective, module in zip(self.params, self.modules_of, strict=True):
            layers = slice(start, start + len(objective.layers))
            value = module(ours[layers], theirs[layers], groups, rows)
            part = value_at(objective.weight, batch.chunk.epoch, self.epochs) * value
            total, name = total + part, f"{objective.kind}_loss"
            shown[name] = shown[name] + value if name in shown else value
            parts[objective.kind] = parts[objective.kind] + part if objective.kind in parts else part
            start = layers.stop
        return total, shown, parts

    def remove(self) -> None:
        """Takes the taps off both networks."""
        for taps in self.taps:
            taps.remove()


def _both(shapes: Sequence[dict[str, LayerShape]]) -> list[tuple[str, dict[str, LayerShape]]]:
    return list(zip(("student", "teacher"), shapes, strict=True))


def _shapes(objective: FeatureObjective, who: str, shapes: dict[str, LayerShape]) -> list[FeatureShape]:
    found = [shapes[getattr(pair, who)] for pair in objective.layers]
    return [FeatureShape(shape.channels, shape.positions) for shape in found]
