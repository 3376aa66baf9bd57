"""Layers as rows of channels that they write and read: what pruning cuts, of a backbone and of the head behind it.

A channel space is a row of channels that several tensors share, see `tasks/models/channel_layout.py`. A head may have
spaces of its own, all of one width, which is given when it is made.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

Row = tuple[str, ...]
"""an axis as the spaces that lie along it, one behind the other; empty where it is the data's, or the outputs'"""

HEAD = "head"
"""what the names of a head's modules, and of its channel spaces, begin with"""
EPSILON = 1e-5
"""of torch's batch norm, as all our networks that can be pruned have it"""


@dataclass(frozen=True)
class Filters:
    """A convolution or a linear layer with its batch norm, if any: one filter per channel that it writes."""

    name: str
    """of the module in the body"""
    norm: str | None
    written: Row
    read: Row
    origin: bool = True
    """whether it says how much its channels matter: a depthwise convolution or a gate only passes on those of others"""

    @property
    def axes(self) -> dict[str, tuple[Row, ...]]:
        """Tensor -> the rows along its first axes."""
        weights = {f"{self.name}.weight": (self.written, self.read), f"{self.name}.bias": (self.written,)}
        norms = ("weight", "bias", "running_mean", "running_var") if self.norm else ()
        return {**weights, **{f"{self.norm}.{tensor}": (self.written,) for tensor in norms}}

    def energy(self, state: Mapping[str, "Tensor"]) -> "Tensor":
        """Returns the squared L2 norm (channels,) of each filter, as batch norm scales it in eval mode."""
        energy = row_energy(state[f"{self.name}.weight"])
        if self.norm is None:
            return energy
        scale = state[f"{self.norm}.weight"].double().square() / (state[f"{self.norm}.running_var"].double() + EPSILON)
        return energy * scale

    def slopes(self, products: Mapping[str, "Tensor"]) -> "Tensor":
        """Returns the sum (channels,) of weight times gradient over what scales each channel: its batch norm, or else
        its filter; to first order, what the loss loses with the channel.
        """
        if self.norm is not None:
            return products[f"{self.norm}.weight"] + products[f"{self.norm}.bias"]
        return products[f"{self.name}.weight"].flatten(1).sum(dim=1) + products[f"{self.name}.bias"]


def row_energy(weight: "Tensor") -> "Tensor":
    """Returns the squared L2 norm (rows,) along all other axes of a weight, float64."""
    return weight.detach().flatten(1).double().square().sum(dim=1)


def linear_head(maps: Sequence[Row]) -> list[Filters]:
    """Returns the filters of a head of one layer, `linear`, on the deepest map."""
    return [Filters(f"{HEAD}.linear", None, (), maps[-1])]


def depthwise(name: str, norm: str, space: str) -> Filters:
    """Returns the filters of each channel of a space by itself; names are those in the head."""
    return Filters(f"{HEAD}.{name}", f"{HEAD}.{norm}", (space,), (), origin=False)
