"""The layers of a network that a recipe may name, and taps that keep what comes out of them.

A layer is any named module of `Network.body` that gives one tensor: `stage2`, `group1.block2`, `layer1`, ... Images
give (batch, channels, height, width), sequences (batch, frames, hidden) with all frames of the batch.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from tasks.core.errors import RecipeError, StageError, mismatch
from tasks.kinds.contract import LayerShape, Tensors
from tasks.models.build import Network

SAMPLES = 2
SHOWN = 12
"""layers named in a message"""


class _Tap:
    """A forward hook that keeps the last output of a layer.

    A copy of a network gets taps that hear nothing: its outputs would keep a graph alive that nobody removes.
    """

    def __init__(self, listening: bool) -> None:
        self.listening = listening
        self.output: Any = None

    def __call__(self, _module: nn.Module, _inputs: Any, output: Any) -> None:
        if self.listening:
            self.output = output

    def __reduce__(self) -> tuple[type, tuple[bool]]:
        return type(self), (False,)


class Taps:
    """Keeps what layers of a network gave in its last forward, until removed; also a context manager.

    Nothing is added to the state dict, and copies of the network are not tapped.

    Raises:
        RecipeError: there is no such layer.
    """

    def __init__(self, network: Network, names: Sequence[str]) -> None:
        modules = {name: module for name, module in network.body.named_modules() if name}
        _refuse([_unknown("layers", name, dict.fromkeys(modules, "")) for name in names if name not in modules])
        self.names = tuple(names)
        self._form = network.form
        self._taps = {name: _Tap(listening=True) for name in names}
        self._handles = [modules[name].register_forward_hook(tap) for name, tap in self._taps.items()]

    def values(self, inputs: Tensors) -> list[tuple[Tensor, Tensor | None]]:
        """Returns for each name the output, and a mask of its frames.

        Outputs are (batch, channels, *positions): those of sequences, (batch, frames, hidden), come as (batch, hidden,
        frames), with a float mask (batch, frames) of the frames that are no padding; all others come with None.

        Args:
            inputs: of the last forward; of sequences their `lengths` are read.

        Raises:
            StageError: the network gave no answer yet, or without this layer.
        """
        return [self._value(name, inputs) for name in self.names]

    def remove(self) -> None:
        """Takes the taps off, and forgets what they kept."""
        for handle in self._handles:
            handle.remove()
        for tap in self._taps.values():
            tap.listening, tap.output = False, None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def _value(self, name: str, inputs: Tensors) -> tuple[Tensor, Tensor | None]:
        output = self._taps[name].output
        if not isinstance(output, Tensor):
            got = "none yet" if output is None else type(output).__name__
            do = "let the network answer first, with its taps on; name a layer that gives one tensor"
            raise StageError(mismatch(f"layer {name}", "", "an output", got, do))
        found = self._form.channels_first(output, inputs)
        if found is None:
            do = "name a layer that gives every position of a sample"
            raise StageError(mismatch(f"layer {name}", "", "all frames", tuple(output.shape), do))
        return found


def layer_shapes(network: Network) -> dict[str, LayerShape]:
    """Returns the shape of each layer that a tap may name, in the order in which the network has them.

    They are found by one forward of zeros in eval mode, sequences at their full length. Left out is what gives no
    tensor of 2 to 4 axes with the batch first, and for sequences what gives neither (batch, hidden) nor all frames.

    Raises:
        RecipeError: the network cannot take such samples, for example since a picture is smaller than its kernels.
    """
    names = [name for name, _ in network.body.named_modules() if name]
    with Taps(network, names) as taps:
        require_fit(network)
        outputs = {name: tap.output for name, tap in taps._taps.items()}
    shapes = {name: _shape(output, network, _zeros(network)) for name, output in outputs.items()}
    return {name: shape for name, shape in shapes.items() if shape}


def require_fit(network: Network, field: str = "architecture") -> None:
    """Has the network answer to zeros in eval mode, sequences of full length; `field` is where it stands in the recipe.

    Raises:
        RecipeError: it cannot take such samples, for example since a picture is smaller than its kernels.
    """
    try:
        with _evaluating(network):
            network(_zeros(network))
    except RuntimeError as error:
        shape = "x".join(map(str, network.spec.input.shape))
        do = "bring samples of another size (`data.reader.size` of pictures), or take another architecture"
        raise RecipeError([mismatch("recipe", field, f"to take samples of {shape}", error, do)]) from error


def require_layers(field: str, names: Sequence[str], shapes: Mapping[str, LayerShape]) -> None:
    """Checks that all names are layers.

    Args:
        field: where the names stand in the recipe.
        names: as they stand there.
        shapes: of the layers that are there, from `layer_shapes`.

    Raises:
        RecipeError: with every name that is no layer, and the layers that are there, the closest first.
    """
    there = {name: str(shape) for name, shape in shapes.items()}
    _refuse([_unknown(field, name, there) for name in dict.fromkeys(names) if name not in shapes])


def _refuse(problems: list[str]) -> None:
    if problems:
        raise RecipeError(problems)


def _unknown(field: str, name: str, there: Mapping[str, str]) -> str:
    closest = difflib.get_close_matches(name, there, n=max(len(there), 1), cutoff=0.0)
    shown = ", ".join(f"`{known}` {there[known]}".rstrip() for known in closest[:SHOWN])
    more = f" and {len(closest) - SHOWN} more" if closest[SHOWN:] else ""
    return mismatch("recipe", field, f"a layer of the network: {shown}{more}", f"`{name}`", "choose one of them")


def _shape(output: Any, network: Network, inputs: Tensors) -> LayerShape | None:
    if not isinstance(output, Tensor) or not 2 <= output.ndim <= 4 or len(output) != SAMPLES:
        return None
    found = network.form.channels_first(output, inputs)
    return LayerShape(found[0].shape[1], tuple(found[0].shape[2:])) if found else None


def _zeros(network: Network) -> dict[str, Tensor]:
    spec = network.spec.input
    shape, device = (SAMPLES, *spec.shape), network.mean.device
    one = np.zeros((), spec.dtype)
    # Of one zero, and on the network's device: a slip in the size of a picture must not fill the memory.
    full = network.form.full(np.broadcast_to(one, shape))
    further = {name: torch.from_numpy(full[name]).to(device) for name in network.form.further}
    return {"inputs": torch.zeros(shape, dtype=torch.from_numpy(one).dtype, device=device), **further}


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """Switches to eval mode without a gradient, and puts each module back as it was."""
    training = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, was in training:
            module.training = was
