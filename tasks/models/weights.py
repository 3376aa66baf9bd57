"""Weights as safetensors: never a pickle, and a message that says which layer does not fit."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from params.models import Architecture
from tasks.contracts.records import DataSpec, ModelRecord, Statistics
from tasks.core.errors import DataError, IntegrityError, mismatch
from tasks.core.files import sha256_of, whole_file
from tasks.models.build import Network, build_model

SHOWN = 3
"""differences named in a message"""


def save_weights(model: nn.Module, path: Path) -> None:
    """Writes all parameters and buffers, whole or not at all."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    with whole_file(path) as temporary:
        temporary.write_bytes(save(tensors))


def load_weights(model: nn.Module, path: Path) -> None:
    """Fills `model` from a safetensors file of exactly its layers.

    Raises:
        DataError: the file is missing, cut short or not safetensors, or its layers are others.
    """
    expected = model.state_dict()
    found = _read(path)
    differences = _differences(expected, found)
    if differences:
        shown = "; ".join(differences[:SHOWN]) + (f"; {len(differences) - SHOWN} more" if differences[SHOWN:] else "")
        do = "is `architecture` the one these weights were trained with?"
        raise DataError(mismatch(str(path), "", "the layers of the architecture", shown, do))
    model.load_state_dict(found)


def load_model(record: ModelRecord, weights: Path, statistics: Statistics) -> Network:
    """Returns the network of a record in eval mode, after checking the digest of the weights.

    Raises:
        IntegrityError: the file has other bytes than the record says.
    """
    got = sha256_of(weights) if weights.is_file() else "no file"
    if got != record.weights.sha256:
        raise IntegrityError(mismatch(str(weights), "", f"sha256 {record.weights.sha256}", got, "run the recipe again"))
    spec = DataSpec(input=record.input, task=record.task, targets=record.targets, statistics=statistics)
    return rebuild(record.architecture, spec, weights)


def rebuild(architecture: Architecture, spec: DataSpec, weights: Path) -> Network:
    """Returns the network of an architecture with the weights of a file, in eval mode."""
    model = build_model(architecture, spec)
    load_weights(model, weights)
    return model.eval()


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise DataError(mismatch(str(path), "", "a safetensors file", "no such file", "correct the path"))
    try:
        return load(path.read_bytes())
    except (SafetensorError, ValueError, KeyError) as error:
        do = "save the weights with safetensors.torch.save_file"
        raise DataError(mismatch(str(path), "", "a whole safetensors file", error, do)) from None


def _differences(expected: dict[str, Tensor], found: dict[str, Tensor]) -> list[str]:
    missing = [f"no `{name}`" for name in expected.keys() - found.keys()]
    extra = [f"an unknown `{name}`" for name in found.keys() - expected.keys()]
    shapes = [
        f"`{name}` of shape {_shape(found[name])} instead of {_shape(expected[name])}"
        for name in expected.keys() & found.keys()
        if found[name].shape != expected[name].shape
    ]
    return sorted(missing) + sorted(extra) + sorted(shapes)


def _shape(tensor: torch.Tensor) -> tuple[int, ...]:
    return tuple(tensor.shape)
