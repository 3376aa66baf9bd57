"""A backbone, which gives named feature maps, and the head of a kind of task that reads them."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from tasks.contracts.records import InputSpec
from tasks.contracts.targets import TargetCard
from tasks.core.errors import RecipeError, mismatch
from tasks.kinds.contract import HeadPart, LayerShape, Reads, Tensors
from tasks.layouts import find_layout


@dataclass(frozen=True)
class Backbone:
    """The layers of an architecture, one behind the other; they know nothing of outputs.

    Attributes:
        layers: by the names that recipes use; each takes what the one before gives, and the further inputs.
        maps: layer -> channels of the feature map that it gives, the deepest last.
        form: the layout of the feature maps.
        dropout: of what the head reads, while it learns.
    """

    layers: "OrderedDict[str, nn.Module]"
    maps: Mapping[str, int]
    form: str
    dropout: float = 0.0


class Body(nn.Module):
    """The layers of a backbone under their own names, then `dropout` and `head`.

    Raises:
        RecipeError: a width is said for a head that has no channels inside.
    """

    def __init__(
        self, backbone: Backbone, heads: HeadPart, card: TargetCard, spec: InputSpec, head_width: int | None = None
    ) -> None:
        super().__init__()
        self.names, self.maps = tuple(backbone.layers), tuple(backbone.maps)
        for name, layer in backbone.layers.items():
            self.add_module(name, layer)
        self.form = find_layout(backbone.form)
        self.reads: Reads = heads.reads(backbone.form)
        if head_width and self.reads != "pyramid":
            expected, do = "a head that has channels of its own", "take the architecture inside it"
            raise RecipeError([mismatch("recipe", "architecture.kind: pruned", expected, "one of one layer", do)])
        shapes = [LayerShape(channels, ()) for channels in backbone.maps.values()]
        self.dropout = nn.Dropout(backbone.dropout)
        self.head = heads.head(self._shapes(spec) if self.reads == "pyramid" else shapes[-1:], card, head_width)

    def features(self, values: Tensor, *further: Tensor) -> list[Tensor]:
        """Returns the feature maps of normalised inputs, the deepest last."""
        maps = []
        for name in self.names:
            values = self.get_submodule(name)(values, *further)
            if name in self.maps:
                maps.append(values)
        return maps

    @torch.no_grad()
    def _shapes(self, spec: InputSpec) -> list[LayerShape]:
        """Returns what each map is for samples of this shape, as one sample shows."""
        self.eval()  # so that batch norm does not take it for one to learn from
        inputs = self.form.full(np.zeros((1, *spec.shape), dtype=np.float32)).values()
        device = next((parameter.device for parameter in self.parameters()), None)
        values, *further = (torch.from_numpy(one).to(device) for one in inputs)
        maps = self.features(values, *further)
        self.train()
        return [LayerShape(one.shape[1], tuple(one.shape[2:])) for one in maps]

    def forward(self, values: Tensor, *further: Tensor) -> Tensors:
        """Returns the outputs by name."""
        maps = self.features(values, *further)
        outputs: Tensors
        match self.reads:
            case "pyramid":
                outputs = self.head([self.dropout(features) for features in maps])
            case "pooled":
                outputs = self.head(self.dropout(self.form.pooled(maps[-1], *further)))
            case "map" | "steps":
                outputs = self.head(self.dropout(maps[-1]))
        return outputs

    def step_logits(self, values: Tensor, *further: Tensor) -> Tensors:
        """Returns what the head makes of each frame, (batch, frames, ...) by the name of the output."""
        outputs: Tensors = self.head(self.dropout(self.features(values, *further)[-1]))
        return outputs
