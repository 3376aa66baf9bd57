"""The large network: trained here, or brought along as safetensors."""

from typing import Self

from pydantic import model_validator

from params.models import Architecture
from params.section import Section, Sha256
from params.training import Training


class Teacher(Section):
    """Either `training` (train it here) or `weights` (a safetensors file that fits `architecture`)."""

    architecture: Architecture
    training: Training | None = None
    weights: str | None = None
    weights_sha256: Sha256 | None = None

    @model_validator(mode="after")
    def _trained_or_brought(self) -> Self:
        if (self.training is None) == (self.weights is None):
            raise ValueError(
                "give exactly one of `training` (to train the teacher here) and `weights`"
                " (a .safetensors file to bring it along)"
            )
        if self.weights_sha256 and not self.weights:
            raise ValueError("`weights_sha256` is given without `weights`")
        return self
