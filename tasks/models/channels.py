"""Choosing channels, and the narrower network that is left of them.

Pruning by magnitude is: `channel_norms`, `strongest` of each space, `narrowed`, and `build_model` of the architecture
that comes back, filled with the weights that come with it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from params.models import Architecture, Audio, Cnn, Mlp, Pruned, Recurrent, ResNet, Separable
from tasks.core.errors import RecipeError, StageError, mismatch
from tasks.kinds.filters import Row
from tasks.models.build import Network
from tasks.models.channel_layout import Layout, RecurrentCell, channel_layout

BODY = "body."
"""what the state dict of a network puts before the names of its body"""

KNOWN = ("cnn, resnet, separable, mlp, lstm", "gru")
"""architectures whose channels are known"""

Indices = Sequence[int] | Tensor


def require_layout(network: Network) -> Layout:
    """Returns the channel spaces of a network.

    Raises:
        RecipeError: they are not known.
    """
    layout = channel_layout(network)
    if layout is None:
        expected, do = f"{KNOWN[0]} or {KNOWN[1]}", "take an architecture whose channels are known"
        raise RecipeError([mismatch("recipe", "architecture.kind", expected, network.architecture.kind, do)])
    return layout


def channel_norms(network: Network) -> dict[str, Tensor]:
    """Returns space -> L2 norm (channels,) of the filters that write each channel, float64.

    Batch norm counts as in eval mode, when it is folded into the filters: |scale| / sqrt(variance + epsilon). Where
    several layers write a channel, as in a residual stream, or several gates a unit, their squares are added. (After Li
    et al. 2017, arXiv:1608.08710, who take the L1 norm of the filter alone.)

    Raises:
        RecipeError: the channel spaces of the architecture are not known.
    """
    layout = require_layout(network)
    state = network.body.state_dict()
    energies = {space: torch.zeros(width, dtype=torch.float64) for space, width in layout.widths.items()}
    for space, layer in layout.origins:
        energies[space] += layer.energy(state).cpu()
    return {space: energy.sqrt() for space, energy in energies.items()}


def batch_norm_scales(network: Network) -> dict[str, Tensor]:
    """Returns space -> |scale| (channels,) of the batch norm behind each channel, float64; several are added up.

    Liu et al. 2017, arXiv:1708.06519.

    Raises:
        StageError: a space has no batch norm, as in an LSTM.
    """
    layout = require_layout(network)
    state = network.body.state_dict()
    scales = {space: torch.zeros(width, dtype=torch.float64) for space, width in layout.widths.items()}
    for space, layer in layout.origins:
        if isinstance(layer, RecurrentCell) or layer.norm is None:
            got = f"`{layer.name}` without one"
            raise StageError(mismatch("importance", "batch_norm", "batch norms", got, "take magnitude or taylor"))
        scales[space] += state[f"{layer.norm}.weight"].detach().cpu().double().abs()
    return scales


def taylor_terms(network: Network) -> dict[str, Tensor]:
    """Returns space -> squared first-order change (channels,) of the loss without each channel, float64.

    The gradients of one batch are in the network; the mean over batches is the importance of Molchanov et al. 2019
    (arXiv:1906.10771, equation 8). Where several layers write a channel, what they lose is added before it is squared.
    """
    layout = require_layout(network)
    products = {
        name: (parameter.detach() * parameter.grad).cpu().double()
        for name, parameter in network.body.named_parameters()
        if parameter.grad is not None
    }
    losses = {space: torch.zeros(width, dtype=torch.float64) for space, width in layout.widths.items()}
    for space, layer in layout.origins:
        losses[space] += layer.slopes(products)
    return {space: loss.square() for space, loss in losses.items()}


def strongest(norms: Tensor, count: int) -> Tensor:
    """Returns the places of the `count` largest of norms (channels,), ascending; the first of equals."""
    return torch.argsort(norms, descending=True, stable=True)[:count].sort().values


def narrowed(network: Network, kept: Mapping[str, Indices]) -> tuple[Architecture, dict[str, Tensor]]:
    """Returns the architecture and the weights of a network with fewer channels.

    Args:
        network: with the weights.
        kept: channel space -> places of the channels that stay, in this order; spaces without an entry stay whole.

    Raises:
        RecipeError: the channel spaces of the architecture are not known.
        StageError: `kept` names a space or a place that is not there, one twice, or none; or leaves the layers of an
            LSTM or GRU, or of a head, of unequal widths, which the architecture cannot say.
    """
    layout = require_layout(network)
    _require_places(layout, kept)
    widths = {space: len(kept[space]) if space in kept else width for space, width in layout.widths.items()}
    axes = {BODY + name: rows for name, rows in layout.axes.items()}
    state = {
        name: taken(tensor, [axis_places(row, layout.widths, kept) for row in axes.get(name, ())])
        for name, tensor in network.state_dict().items()
    }
    return _with_widths(network.architecture, widths, {space: widths.pop(space) for space in layout.in_head}), state


def axis_places(row: Row, widths: Mapping[str, int], kept: Mapping[str, Indices]) -> Tensor | None:
    """Returns the places along an axis of what is kept of its spaces; None for all of it."""
    if not any(space in kept for space in row):
        return None
    places, start = [], 0
    for space in row:
        places.append(torch.as_tensor(kept.get(space, range(widths[space])), device="cpu") + start)
        start += widths[space]
    return torch.cat(places)


def taken(tensor: Tensor, places: Sequence[Tensor | None]) -> Tensor:
    """Returns a copy of the given places along the first axes of a tensor."""
    tensor = tensor.detach().clone()
    for axis, wanted in enumerate(places[: tensor.ndim]):
        if wanted is not None:
            tensor = tensor.index_select(axis, wanted.to(tensor.device))
    return tensor


def _require_places(layout: Layout, kept: Mapping[str, Indices]) -> None:
    for space, indices in kept.items():
        if space not in layout.widths:
            spaces = ", ".join(f"`{known}`" for known in layout.widths)
            raise StageError(mismatch("kept", space, f"one of {spaces}", "another name", "correct the name"))
        places, width = [int(index) for index in indices], layout.widths[space]
        if not places or len(set(places)) < len(places) or not all(0 <= place < width for place in places):
            expected = f"some of the places 0 to {width - 1}, each once"
            raise StageError(mismatch("kept", space, expected, places, "correct the places"))


def _with_widths(architecture: Architecture, widths: Mapping[str, int], in_head: Mapping[str, int]) -> Architecture:
    """Returns an architecture with other widths of its backbone, and of the head where that has channels of its own."""
    backbone = architecture.network if isinstance(architecture, Pruned) else architecture
    narrow = type(backbone).model_validate({**backbone.model_dump(), **_fields(backbone, widths)})
    if not in_head:
        return narrow
    width = _one_width(in_head, "layers of a head")
    return Pruned.model_validate({"kind": "pruned", "network": narrow.model_dump(), "head_width": width})


def _fields(architecture: Architecture, widths: Mapping[str, int]) -> dict[str, Any]:
    match architecture:
        case Cnn():
            return {"channels": tuple(widths.values())}
        case Mlp():
            return {"hidden": tuple(widths.values())}
        case Separable():
            return {"widths": tuple(widths.values())}
        case ResNet():
            return _resnet_widths(architecture, widths)
        case Recurrent():
            return {"hidden": _one_width(widths, "layers of an LSTM or GRU")}
        case Audio():
            return {"network": {**architecture.network.model_dump(), **_fields(architecture.network, widths)}}
        case _:
            return {}


def _resnet_widths(architecture: ResNet, widths: Mapping[str, int]) -> dict[str, Any]:
    streams = tuple(width for space, width in widths.items() if ".block" not in space)
    inner = tuple(width for space, width in widths.items() if ".block" in space)
    usual = tuple(width for width in streams for _ in range(architecture.blocks))
    return {"widths": streams, "inner": None if inner == usual else inner}


def _one_width(widths: Mapping[str, int], what: str) -> int:
    if len(set(widths.values())) > 1:
        got = ", ".join(f"`{space}` {width}" for space, width in widths.items())
        raise StageError(mismatch("kept", "", f"one width for all {what}", got, "keep as many channels in each"))
    return next(iter(widths.values()))
