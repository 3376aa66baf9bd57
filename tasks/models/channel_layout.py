"""Which axes of which tensors belong together: the channel spaces of an architecture, as data.

A channel space is a row of channels (or hidden units) that several tensors share: what one layer writes, others read.
Taking a channel out of a network means to take it out of every axis of its space.

- cnn: `stage1`, `stage2`, ...
- resnet: `group1`, ... is the residual stream of a group, which the stem (or the shortcut of the first block) and each
  second convolution write; `group1.block1`, ... lies between the two convolutions of a block.
- mlp: `hidden1`, ...
- audio: those of the network behind its front end.
- lstm, gru: `layer1.onward`, ... and, where both directions are there, `layer1.homeward`, ... of the same width.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from params.models import Architecture, Audio, Cnn, Mlp, Recurrent, ResNet
from tasks.models.convolutional import inner_widths

Row = tuple[str, ...]
"""an axis as the spaces that lie along it, one behind the other; empty where it is the data's, or the logits'"""

EPSILON = 1e-5
"""of torch's batch norm, as all our networks have it"""
GATES = {"lstm": 4, "gru": 3}


@dataclass(frozen=True)
class Filters:
    """A convolution or a linear layer with its batch norm, if any: one filter per channel that it writes."""

    name: str
    """of the module in the body"""
    norm: str | None
    written: Row
    read: Row

    @property
    def axes(self) -> dict[str, tuple[Row, ...]]:
        """Tensor -> the rows along its first axes."""
        weights = {f"{self.name}.weight": (self.written, self.read), f"{self.name}.bias": (self.written,)}
        norms = ("weight", "bias", "running_mean", "running_var") if self.norm else ()
        return {**weights, **{f"{self.norm}.{tensor}": (self.written,) for tensor in norms}}

    def energy(self, state: Mapping[str, Tensor]) -> Tensor:
        """Returns the squared L2 norm (channels,) of each filter, as batch norm scales it in eval mode."""
        energy = _rows(state[f"{self.name}.weight"])
        if self.norm is None:
            return energy
        scale = state[f"{self.norm}.weight"].double().square() / (state[f"{self.norm}.running_var"].double() + EPSILON)
        return energy * scale

    def slopes(self, products: Mapping[str, Tensor]) -> Tensor:
        """Returns the sum (channels,) of weight times gradient over what scales each channel: its batch norm, or else
        its filter; to first order, what the loss loses with the channel.
        """
        if self.norm is not None:
            return products[f"{self.norm}.weight"] + products[f"{self.norm}.bias"]
        return products[f"{self.name}.weight"].flatten(1).sum(dim=1) + products[f"{self.name}.bias"]


@dataclass(frozen=True)
class RecurrentCell:
    """An LSTM or GRU of one direction; a unit has a row in every gate."""

    name: str
    gates: int
    space: str
    read: Row

    @property
    def written(self) -> Row:
        """The space of its units."""
        return (self.space,)

    @property
    def axes(self) -> dict[str, tuple[Row, ...]]:
        """Tensor -> the rows along its first axes."""
        gates = self.written * self.gates
        weights = {"weight_ih_l0": (gates, self.read), "weight_hh_l0": (gates, self.written)}
        rows = {**weights, "bias_ih_l0": (gates,), "bias_hh_l0": (gates,)}
        return {f"{self.name}.{tensor}": row for tensor, row in rows.items()}

    def energy(self, state: Mapping[str, Tensor]) -> Tensor:
        """Returns the squared L2 norm (units,) of all that leads into the gates of each unit."""
        weights = [state[f"{self.name}.{tensor}"] for tensor in ("weight_ih_l0", "weight_hh_l0")]
        rows: Tensor = sum((_rows(weight) for weight in weights), weights[0].new_zeros(()).double())
        return rows.reshape(self.gates, -1).sum(dim=0)

    def slopes(self, products: Mapping[str, Tensor]) -> Tensor:
        """Returns the sum (units,) of weight times gradient over all that leads into the gates of each unit."""
        rows = torch.stack([products[name].reshape(len(products[name]), -1).sum(dim=1) for name in self.axes])
        return rows.sum(dim=0).reshape(self.gates, -1).sum(dim=0)


def _rows(weight: Tensor) -> Tensor:
    return weight.detach().flatten(1).double().square().sum(dim=1)


@dataclass(frozen=True)
class Layout:
    """The channel spaces of one architecture; tensors are named as in the state dict of the body."""

    widths: Mapping[str, int]
    """space -> number of channels"""
    layers: Sequence[Filters | RecurrentCell]
    head: Filters
    repeats: Mapping[str, int]
    """the start of the name of a repeated layer -> how many there are: {"group1.block": 2} for block1 and block2"""

    @property
    def axes(self) -> dict[str, tuple[Row, ...]]:
        """Tensor -> the rows along its first axes; whatever is not named has no channel space."""
        return {name: rows for layer in (*self.layers, self.head) for name, rows in layer.axes.items()}


def channel_layout(architecture: Architecture) -> Layout | None:
    """Returns the channel spaces of an architecture; None for one whose inside is not known here."""
    match architecture:
        case Cnn():
            return _cnn(architecture)
        case ResNet():
            return _resnet(architecture)
        case Mlp():
            return _mlp(architecture)
        case Recurrent():
            return _recurrent(architecture)
        case Audio():
            return channel_layout(architecture.network)  # its layers have the same names in the body
        case _:
            return None


def _cnn(architecture: Cnn) -> Layout:
    spaces = _numbered("stage", len(architecture.channels))
    layers = [Filters(f"{name}.convolution", f"{name}.norm", (name,), read) for name, read in _chain(spaces)]
    head = Filters("head.linear", None, (), (spaces[-1],))
    return Layout(_zip(spaces, architecture.channels), layers, head, {"stage": len(spaces)})


def _mlp(architecture: Mlp) -> Layout:
    spaces = _numbered("hidden", len(architecture.hidden))
    layers = [Filters(f"{name}.linear", f"{name}.norm", (name,), read) for name, read in _chain(spaces)]
    head = Filters("head.linear", None, (), (spaces[-1],))
    return Layout(_zip(spaces, architecture.hidden), layers, head, {"hidden": len(spaces)})


def _resnet(architecture: ResNet) -> Layout:
    groups = _numbered("group", len(architecture.widths))
    blocks = {group: _numbered(f"{group}.block", architecture.blocks) for group in groups}
    layers = [Filters("stem.convolution", "stem.norm", (groups[0],), ())]
    widths = _zip(groups, architecture.widths)
    for place, group in enumerate(groups):
        before = groups[max(place - 1, 0)]
        layers += [filters for block in blocks[group] for filters in _block(block, group, before, blocks[group][0])]
        widths |= _zip(blocks[group], inner_widths(architecture)[place])
    head = Filters("head.linear", None, (), (groups[-1],))
    return Layout(widths, layers, head, {f"{group}.block": architecture.blocks for group in groups})


def _block(block: str, stream: str, before: str, first: str) -> list[Filters]:
    """Returns the convolutions of a block; the first of a group reads the stream of the group before."""
    read = (before if block == first else stream,)
    path = [
        Filters(f"{block}.path.convolution1", f"{block}.path.norm1", (block,), read),
        Filters(f"{block}.path.convolution2", f"{block}.path.norm2", (stream,), (block,)),
    ]
    if read == (stream,):
        return path
    return [*path, Filters(f"{block}.shortcut.convolution", f"{block}.shortcut.norm", (stream,), read)]


def _recurrent(architecture: Recurrent) -> Layout:
    directions = ("onward", "homeward") if architecture.bidirectional else ("onward",)
    names = _numbered("layer", architecture.layers)
    rows = [tuple(f"{name}.{direction}" for direction in directions) for name in names]
    gates = GATES[architecture.kind]
    reads = [(), *rows[:-1]]
    cells = [RecurrentCell(space, gates, space, read) for row, read in zip(rows, reads, strict=True) for space in row]
    widths = {space: architecture.hidden for row in rows for space in row}
    return Layout(widths, cells, Filters("head.linear", None, (), rows[-1]), {"layer": architecture.layers})


def _numbered(start: str, count: int) -> list[str]:
    return [f"{start}{number + 1}" for number in range(count)]


def _chain(spaces: Sequence[str]) -> list[tuple[str, Row]]:
    """Returns each space with the row that its layer reads: the space before, or the data."""
    return list(zip(spaces, [(), *((space,) for space in spaces[:-1])], strict=True))


def _zip(spaces: Sequence[str], widths: Sequence[int]) -> dict[str, int]:
    return dict(zip(spaces, widths, strict=True))
