"""How the losses of several heads become one."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from tasks.core.errors import RecipeError, mismatch


class HeadWeights(nn.Module):
    """A weighted sum of the losses of several heads.

    Fixed weights are taken as they are. Learned ones are those of Kendall, Gal and Cipolla 2018 (arXiv:1705.07115,
    section 3.2): `sum of exp(-s) * L + s / 2` with `s = log sigma^2`, a parameter per head that begins at 0. (For a
    classification likelihood the paper's approximation of equation 10 divides L by sigma^2, as here.)

    Raises:
        RecipeError: a head is without a weight, or a weight without a head.
    """

    def __init__(self, weights: str | dict[str, float], names: tuple[str, ...]) -> None:
        super().__init__()
        self.names, self.learned = names, weights == "learned"
        if self.learned:
            self.log_variances = nn.Parameter(torch.zeros(len(names)))
        else:
            self.register_buffer("fixed", torch.tensor(_fixed(weights, names)), persistent=False)

    def forward(self, losses: Mapping[str, Tensor]) -> Tensor:
        """Returns one loss () of those () of the heads."""
        values = torch.stack([losses[name] for name in self.names])
        if self.learned:
            return (torch.exp(-self.log_variances) * values + self.log_variances / 2).sum()
        fixed: Tensor = self.get_buffer("fixed")
        return (fixed * values).sum()

    def weight_of(self, name: str) -> Tensor:
        """Returns by what the loss of a head is multiplied now, (), without a gradient."""
        place = self.names.index(name)
        if self.learned:
            return torch.exp(-self.log_variances[place]).detach()
        weight: Tensor = self.get_buffer("fixed")[place]
        return weight


def total(losses: Mapping[str, Tensor]) -> Tensor:
    """Returns the sum () of the losses of all heads; 0 without any."""
    return torch.stack([*losses.values()]).sum() if losses else torch.zeros(())


def _fixed(weights: str | dict[str, float], names: tuple[str, ...]) -> list[float]:
    if not isinstance(weights, dict):
        return [1.0] * len(names)
    if weights.keys() != set(names):
        do = "give a weight to each head, or say `equal` or `learned`"
        got = ", ".join(f"`{name}`" for name in weights)
        expected = f"weights for {', '.join(f'`{name}`' for name in names)}"
        raise RecipeError([mismatch("recipe", "training.heads", expected, got, do)])
    return [weights[name] for name in names]
