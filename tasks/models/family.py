"""What is known of an architecture: how its network is made, and for which forms of input."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from params.models import Architecture, Factored, ImportedArchitecture, Pruned, Translated
from tasks.contracts.records import InputSpec
from tasks.core.errors import RecipeError, mismatch
from tasks.core.plugins import available, load
from tasks.models.backbone import Backbone

MODULES = "tasks.models.architectures.{}"


@dataclass(frozen=True)
class Family:
    """`ARCHITECTURE` of each module of `tasks/models/architectures`.

    Attributes:
        backbone: (section of the recipe, one sample) -> its layers, with fresh weights.
        layouts: forms of input that it takes.
        published_name: (name of a tensor, section of the recipe) -> its name in published checkpoints, None where it
            has none; None where there are no such checkpoints.
        normalises: whether its network takes values around zero; else they are names of symbols, such as bytes.
    """

    backbone: Callable[[Any, InputSpec], Backbone]
    layouts: tuple[str, ...]
    published_name: Callable[[str, Any], str | None] | None = None
    normalises: bool = True


def family(kind: str) -> Family:
    """Returns the family of an architecture by its kind in the recipe."""
    found: Family = load(MODULES, kind).ARCHITECTURE
    return found


def normalises(architecture: Architecture) -> bool:
    """Says whether a network takes values around zero, as most do."""
    match architecture:
        case ImportedArchitecture():
            return True
        case Pruned() | Factored() | Translated():
            return normalises(architecture.network)
        case _:
            return family(architecture.kind).normalises


def backbone_of(architecture: Any, spec: InputSpec) -> Backbone:
    """Returns a backbone with fresh weights from torch's global generator.

    Raises:
        RecipeError: the architecture does not take this form of input.
    """
    found = family(architecture.kind)
    if spec.layout not in found.layouts:
        others = ", ".join(kind for kind in available(MODULES) if spec.layout in family(kind).layouts)
        field, expected = f"architecture.kind: {architecture.kind}", f"{' or '.join(found.layouts)} data"
        raise RecipeError([mismatch("recipe", field, expected, spec.layout, f"take {others or 'another'}")])
    return found.backbone(architecture, spec)
