"""Vectors, sequences and pictures all as planes, for what looks at neighbours."""

from dataclasses import dataclass

from torch import Tensor, nn

from tasks.distill.objectives.features import Features


@dataclass(frozen=True, eq=False)
class Plane:
    """Values (batch, channels, height, width): a vector is 1x1, a sequence 1 x frames.

    `there` is a mask (batch, frames) for sequences, also where nothing is padded; None for all others.
    """

    values: Tensor
    there: Tensor | None = None

    @classmethod
    def of(cls, features: Features) -> "Plane":
        """Adds the axes that are not there."""
        values = features.values
        if values.ndim == 3:
            frames = values.new_ones(values.shape[0], values.shape[2])
            return cls(values.unsqueeze(2), frames if features.there is None else features.there)
        return cls(values if values.ndim == 4 else values[:, :, None, None])

    def cleared(self) -> "Plane":
        """Returns the same with zeros where nothing is there."""
        if self.there is None:
            return self
        return Plane(self.values * self.there[:, None, None, :], self.there)

    def at_each_place(self, module: nn.Module) -> "Plane":
        """Returns what a module for rows (n, channels) makes of each place; zeros where nothing is there."""
        last = self.values.movedim(1, -1)
        if self.there is None:
            changed = module(last.reshape(-1, last.shape[-1]))
            return Plane(changed.reshape(*last.shape[:-1], -1).movedim(-1, 1))
        kept = self.there.unsqueeze(1).bool()
        rows = module(last[kept])
        changed = rows.new_zeros(*last.shape[:-1], rows.shape[-1])
        changed[kept] = rows
        return Plane(changed.movedim(-1, 1), self.there)
