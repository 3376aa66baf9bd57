"""From an architecture as data to a network: raw inputs in, named outputs out, the normalisation inside."""

import importlib
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from params.models import Architecture, Factored, ImportedArchitecture, Pruned, Translated
from tasks.contracts.records import DataSpec, InputSpec
from tasks.contracts.targets import TargetCard
from tasks.core.errors import RecipeError, mismatch
from tasks.kinds.contract import MASK, STEPS, HeadPart, Tensors, part
from tasks.layouts import find_layout
from tasks.models.backbone import Body
from tasks.models.family import backbone_of, normalises
from tasks.models.low_rank import factored


class Network(nn.Module):
    """Normalises raw inputs per channel or feature, applies `body`, and names what comes out."""

    mean: Tensor
    std: Tensor

    def __init__(self, body: nn.Module, architecture: Architecture, spec: DataSpec) -> None:
        super().__init__()
        self.body = body
        self.architecture, self.spec = architecture, spec
        self.heads, self.form = part(spec.task, "head", HeadPart), find_layout(spec.input.layout)
        shape = self.form.per_feature(len(spec.statistics.mean))
        mean, std = (torch.tensor(some, dtype=torch.float32) for some in (spec.statistics.mean, spec.statistics.std))
        if not normalises(architecture):
            mean, std = torch.zeros_like(mean), torch.ones_like(std)
        self.register_buffer("mean", mean.reshape(shape))
        self.register_buffer("std", std.reshape(shape))

    def forward(self, inputs: Tensors, steps: bool = False) -> dict[str, Tensor]:
        """Returns the outputs by name, (batch, ...) each.

        Args:
            inputs: `inputs` (batch, *spec.input.shape) in the data's own dtype and scale, and what its layout has
                besides: of sequences `lengths` (batch,) int64, the number of frames that are no padding.
            steps: whether each frame is asked for, too: `steps.NAME` (batch, frames, ...) for each output, with as many
                frames as the inputs, where those of padding mean nothing, and `steps.mask` (batch, frames) bool. The
                outputs are their means then.

        Raises:
            RecipeError: steps are asked of data that is no sequences, or of an imported network that has none.
        """
        values = (inputs["inputs"].to(self.mean.dtype) - self.mean) / self.std
        further = [inputs[name] for name in self.form.further]
        if not steps:
            return self._named(self.body(values, *further))
        named, frames = self._named(self._step_logits()(values, *further)), values.shape[1]
        each = {name: _filled(value, frames) for name, value in named.items()}
        outputs = {name: self.form.pooled(value, *further) for name, value in each.items()}
        mask = self.form.step_mask(frames, *further)
        assert mask is not None, "there are steps"
        return outputs | {f"{STEPS}.{name}": value for name, value in each.items()} | {MASK: mask}

    def _named(self, values: Tensor | Tensors) -> dict[str, Tensor]:
        # Networks of other libraries give an object with `logits` in it, which may also be a mapping of more than that.
        values = values if isinstance(values, Tensor) else getattr(values, "logits", values)
        named = {**(self.heads.named(values, _own_targets(self)) if isinstance(values, Tensor) else values)}
        if not isinstance(self.architecture, Translated):
            return named
        return {**self.heads.translated(named, self.architecture.names, self.spec.targets)}

    def _step_logits(self) -> Callable[..., Tensor | Tensors]:
        if not self.form.further:
            got, do = f"{self.spec.input.layout} data", "say `per: sequence`"
            raise RecipeError([mismatch("recipe", "per: step", "sequences", got, do)])
        method: Callable[..., Tensor | Tensors] | None = getattr(self.body, "step_logits", None)
        if not callable(method):
            do = "add `step_logits(self, inputs, lengths)` that returns logits (batch, frames, outputs)"
            got = f"`{type(self.body).__name__}` without it"
            raise RecipeError([mismatch("recipe", "per: step", "a network with a method `step_logits`", got, do)])
        return method


def _own_targets(network: Network) -> TargetCard:
    architecture = network.architecture
    return _targets_of(architecture) if isinstance(architecture, Translated) else network.spec.targets


def _targets_of(architecture: Translated) -> TargetCard:
    """Returns a card of as many targets as a network with targets of its own has."""
    return TargetCard(names=tuple(f"output {place}" for place in range(len(architecture.names))))


def _filled(values: Tensor, frames: int) -> Tensor:
    """Returns values (batch, fewer frames, ...) with zeros behind the end: some networks stop at the longest sample."""
    missing = frames - values.shape[1]
    return functional.pad(values, (0, 0) * (values.ndim - 2) + (0, missing)) if missing else values


def build_model(architecture: Architecture, spec: DataSpec) -> Network:
    """Returns a network with fresh weights from torch's global generator.

    Raises:
        RecipeError: the architecture does not go with this kind of input.
    """
    return Network(_body(architecture, spec), architecture, spec)


def count_parameters(model: nn.Module) -> int:
    """Returns the number of values that training adjusts."""
    return sum(parameter.numel() for parameter in model.parameters())


def _body(architecture: Architecture, spec: DataSpec) -> nn.Module:
    heads = part(spec.task, "head", HeadPart)
    match architecture:
        case ImportedArchitecture():
            return _imported(architecture, spec.input, heads.width(spec.targets))
        case Pruned():
            backbone = backbone_of(architecture.network, spec.input)
            return Body(backbone, heads, spec.targets, spec.input, architecture.head_width)
        case Factored():
            return factored(_body(architecture.network, spec), architecture.ranks)
        case Translated():
            return _body(architecture.network, spec.model_copy(update={"targets": _targets_of(architecture)}))
        case _:
            return Body(backbone_of(architecture, spec.input), heads, spec.targets, spec.input)


def _imported(architecture: ImportedArchitecture, spec: InputSpec, outputs: int) -> nn.Module:
    factory = _find_factory(architecture.factory)
    try:
        body = factory(input=spec, outputs=outputs, **architecture.arguments)
    except Exception as error:  # whatever a person's own code raises is theirs to correct
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
