"""From an architecture as data to a network: raw inputs in, logits out, the normalisation inside."""

import importlib
from collections.abc import Callable

import torch
from torch import Tensor, nn

from params.models import Architecture, Factored, ImportedArchitecture
from tasks.contracts.records import InputSpec, Statistics
from tasks.core.errors import RecipeError, mismatch
from tasks.models.family import body_of
from tasks.models.low_rank import factored


class Network(nn.Module):
    """Normalises raw inputs per channel or feature, then applies `body`."""

    mean: Tensor
    std: Tensor

    def __init__(self, body: nn.Module, spec: InputSpec, statistics: Statistics, architecture: Architecture) -> None:
        super().__init__()
        self.body = body
        self.architecture = architecture
        self.layout = spec.layout
        axes = (1, spec.features, 1, 1) if spec.layout == "image" else (spec.features,)
        self.register_buffer("mean", torch.tensor(statistics.mean, dtype=torch.float32).reshape(axes))
        self.register_buffer("std", torch.tensor(statistics.std, dtype=torch.float32).reshape(axes))

    def forward(self, inputs: Tensor, lengths: Tensor | None = None, per_step: bool = False) -> Tensor:
        """Returns logits (batch, outputs), or those of each frame as `step_logits` gives them.

        Args:
            inputs: (batch, *spec.shape) in the data's own dtype and scale.
            lengths: (batch,) int64, the number of frames that are there; sequences only.
            per_step: whether each frame is asked for.
        """
        if per_step:
            return self.step_logits(inputs, lengths)
        normalised = self._normalised(inputs)
        logits: Tensor = self.body(normalised, lengths) if self.layout == "sequence" else self.body(normalised)
        return logits

    def step_logits(self, inputs: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns the logits (batch, frames, outputs) of each frame of sequences; those of padding mean nothing.

        Raises:
            RecipeError: the data is no sequences, or an imported network has no such method.
        """
        if self.layout != "sequence":
            do = "say `per: sequence`"
            raise RecipeError([mismatch("recipe", "per: step", "sequences", f"{self.layout} data", do)])
        method = getattr(self.body, "step_logits", None)
        if not callable(method):
            do = "add `step_logits(self, inputs, lengths)` that returns logits (batch, frames, outputs)"
            got = f"`{type(self.body).__name__}` without it"
            raise RecipeError([mismatch("recipe", "per: step", "a network with a method `step_logits`", got, do)])
        logits: Tensor = method(self._normalised(inputs), lengths)
        return logits

    def _normalised(self, inputs: Tensor) -> Tensor:
        return (inputs.to(self.mean.dtype) - self.mean) / self.std


def build_model(architecture: Architecture, spec: InputSpec, outputs: int, statistics: Statistics) -> Network:
    """Returns a network with fresh weights from torch's global generator.

    Raises:
        RecipeError: the architecture does not go with this kind of input.
    """
    return Network(_body(architecture, spec, outputs), spec, statistics, architecture)


def count_parameters(model: nn.Module) -> int:
    """Returns the number of values that training adjusts."""
    return sum(parameter.numel() for parameter in model.parameters())


def _body(architecture: Architecture, spec: InputSpec, outputs: int) -> nn.Module:
    match architecture:
        case ImportedArchitecture():
            return _imported(architecture, spec, outputs)
        case Factored():
            return factored(_body(architecture.network, spec, outputs), architecture.ranks)
        case _:
            return body_of(architecture, spec, outputs)


def _imported(architecture: ImportedArchitecture, spec: InputSpec, outputs: int) -> nn.Module:
    factory = _find_factory(architecture.factory)
    try:
        body = factory(input=spec, outputs=outputs, **architecture.arguments)
    except Exception as error:  # whatever a person's own code raises is theirs to mend
        do = "it is called as function(input=InputSpec, outputs=int, **arguments)"
        problem = mismatch("recipe", f"factory: {architecture.factory}", "a torch.nn.Module", repr(error), do)
        raise RecipeError([problem]) from error
    if not isinstance(body, nn.Module):
        do = "return the network from inputs to logits"
        problem = mismatch("recipe", f"factory: {architecture.factory}", "a torch.nn.Module", type(body).__name__, do)
        raise RecipeError([problem])
    return body


def _find_factory(path: str) -> Callable[..., object]:
    module, _, name = path.partition(":")
    try:
        factory: Callable[..., object] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        do = "install the package, or correct the path"
        raise RecipeError([mismatch("recipe", f"factory: {path}", "package.module:function", error, do)]) from None
    return factory
