"""Which axes of which tensors belong together: the channel spaces of an architecture, as data.

A channel space is a row of channels (or hidden units) that several tensors share: what one layer writes, others read.
Taking a channel out of a network means to take it out of every axis of its space.

- cnn: `stage1`, `stage2`, ...
- resnet: `group1`, ... is the residual stream of a group, which the stem (or the shortcut of the first block) and each
  second convolution write; `group1.block1`, ... lies between the two convolutions of a block.
- separable: `stem`, `group1`, ..., each the residual stream of a group, which its first convolution and the pointwise
  one of each block write; depthwise convolutions pass it on.
- mlp: `hidden1`, ...
- audio: those of the network behind its front end.
- lstm, gru: `layer1.onward`, ... and, where both directions are there, `layer1.homeward`, ... of the same width.
- the head of the kind of task: spaces of its own, all of one width, where it has any; see `HeadPart.filters`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from params.models import Architecture, Audio, Cnn, Mlp, Pruned, Recurrent, ResNet, Separable
from tasks.kinds.filters import HEAD, Filters, Row, row_energy
from tasks.models.build import Network
from tasks.models.convolutional import inner_widths

GATES = {"lstm": 4, "gru": 3}


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
        rows: Tensor = sum((row_energy(weight) for weight in weights), weights[0].new_zeros(()).double())
        return rows.reshape(self.gates, -1).sum(dim=0)

    def slopes(self, products: Mapping[str, Tensor]) -> Tensor:
        """Returns the sum (units,) of weight times gradient over all that leads into the gates of each unit."""
        rows = torch.stack([products[name].reshape(len(products[name]), -1).sum(dim=1) for name in self.axes])
        return rows.sum(dim=0).reshape(self.gates, -1).sum(dim=0)


@dataclass(frozen=True)
class Layout:
    """The channel spaces of one architecture; tensors are named as in the state dict of the body."""

    widths: Mapping[str, int]
    """space -> number of channels"""
    layers: Sequence[Filters | RecurrentCell]
    maps: Sequence[Row]
    """the row of each feature map that the head may read, the deepest last"""
    repeats: Mapping[str, int]
    """the start of the name of a repeated layer -> how many there are: {"group1.block": 2} for block1 and block2"""
    head: Sequence[Filters] = ()

    @property
    def axes(self) -> dict[str, tuple[Row, ...]]:
        """Tensor -> the rows along its first axes; whatever is not named has no channel space."""
        return {name: rows for layer in (*self.layers, *self.head) for name, rows in layer.axes.items()}

    @property
    def in_head(self) -> tuple[str, ...]:
        """The spaces of the head's own."""
        return tuple(dict.fromkeys(space for layer in self.head for space in layer.written))

    @property
    def origins(self) -> list[tuple[str, Filters | RecurrentCell]]:
        """The layers that say how much the channels of a space matter, each with that space."""
        filters = [layer for layer in (*self.layers, *self.head) if isinstance(layer, RecurrentCell) or layer.origin]
        return [(layer.written[0], layer) for layer in filters if layer.written]


def channel_layout(network: Network) -> Layout | None:
    """Returns the channel spaces of a network; None for one whose inside is not known here."""
    layout = _of_backbone(network.architecture)
    if layout is None:
        return None
    head = network.heads.filters(network.body.get_submodule(HEAD), layout.maps)
    state = network.body.state_dict()
    widths = {layer.written[0]: len(state[f"{layer.name}.weight"]) for layer in head if layer.written}
    return replace(layout, widths={**layout.widths, **widths}, head=head)


def _of_backbone(architecture: Architecture) -> Layout | None:
    match architecture:
        case Cnn():
            return _cnn(architecture)
        case ResNet():
            return _resnet(architecture)
        case Separable():
            return _separable(architecture)
        case Mlp():
            return _mlp(architecture)
        case Recurrent():
            return _recurrent(architecture)
        case Audio():
            return _of_backbone(architecture.network)  # its layers have the same names in the body
        case Pruned():
            return _of_backbone(architecture.network)
        case _:
            return None


def _cnn(architecture: Cnn) -> Layout:
    spaces = _numbered("stage", len(architecture.channels))
    layers = [Filters(f"{name}.convolution", f"{name}.norm", (name,), read) for name, read in _chain(spaces)]
    return Layout(_zip(spaces, architecture.channels), layers, _rows(spaces), {"stage": len(spaces)})


def _mlp(architecture: Mlp) -> Layout:
    spaces = _numbered("hidden", len(architecture.hidden))
    layers = [Filters(f"{name}.linear", f"{name}.norm", (name,), read) for name, read in _chain(spaces)]
    return Layout(_zip(spaces, architecture.hidden), layers, _rows(spaces), {"hidden": len(spaces)})


def _resnet(architecture: ResNet) -> Layout:
    groups = _numbered("group", len(architecture.widths))
    blocks = {group: _numbered(f"{group}.block", architecture.blocks) for group in groups}
    layers = [Filters("stem.convolution", "stem.norm", (groups[0],), ())]
    widths = _zip(groups, architecture.widths)
    for place, group in enumerate(groups):
        before = groups[max(place - 1, 0)]
        layers += [filters for block in blocks[group] for filters in _block(block, group, before, blocks[group][0])]
        widths |= _zip(blocks[group], inner_widths(architecture)[place])
    return Layout(widths, layers, _rows(groups), {f"{group}.block": architecture.blocks for group in groups})


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


def _separable(architecture: Separable) -> Layout:
    counts = _zip(_numbered("group", len(architecture.blocks)), architecture.blocks)
    spaces = ["stem", *counts]
    layers = [Filters("stem.convolution", "stem.norm", ("stem",), ())]
    for (group, count), before in zip(counts.items(), spaces, strict=False):
        layers.append(Filters(f"{group}.down.convolution", f"{group}.down.norm", (group,), (before,)))
        blocks = _numbered(f"{group}.block", count)
        layers += [filters for block in blocks for filters in _separable_block(block, group)]
    repeats = {f"{group}.block": count for group, count in counts.items()}
    return Layout(_zip(spaces, architecture.widths), layers, _rows(spaces), repeats)


def _separable_block(block: str, stream: str) -> list[Filters]:
    path, row = f"{block}.path", (stream,)
    return [
        Filters(f"{path}.depthwise", f"{path}.norm1", row, (), origin=False),
        Filters(f"{path}.pointwise", f"{path}.norm2", row, row),
    ]


def _recurrent(architecture: Recurrent) -> Layout:
    directions = ("onward", "homeward") if architecture.bidirectional else ("onward",)
    names = _numbered("layer", architecture.layers)
    rows = [tuple(f"{name}.{direction}" for direction in directions) for name in names]
    gates = GATES[architecture.kind]
    reads = [(), *rows[:-1]]
    cells = [RecurrentCell(space, gates, space, read) for row, read in zip(rows, reads, strict=True) for space in row]
    widths = {space: architecture.hidden for row in rows for space in row}
    return Layout(widths, cells, rows, {"layer": architecture.layers})


def _numbered(start: str, count: int) -> list[str]:
    return [f"{start}{number + 1}" for number in range(count)]


def _chain(spaces: Sequence[str]) -> list[tuple[str, Row]]:
    """Returns each space with the row that its layer reads: the space before, or the data."""
    return list(zip(spaces, [(), *((space,) for space in spaces[:-1])], strict=True))


def _rows(spaces: Sequence[str]) -> list[Row]:
    return [(space,) for space in spaces]


def _zip(spaces: Sequence[str], widths: Sequence[int]) -> dict[str, int]:
    return dict(zip(spaces, widths, strict=True))
