"""Weights as safetensors: never a pickle, and a message that says which layer does not fit."""

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save
from torch import Tensor, nn

from params.models import Architecture
from params.teacher import AnswerTable, OnnxModel
from tasks.contracts.records import DataSpec, ModelRecord, Statistics
from tasks.core.errors import DataError, IntegrityError, mismatch
from tasks.core.files import sha256_of, whole_file
from tasks.models.build import Network, build_model

Shapes = Mapping[str, tuple[int, ...]]
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
    fill_weights(model, read_weights(path), path)


def fill_weights(model: nn.Module, found: dict[str, Tensor], path: Path) -> None:
    """Fills `model` with tensors of exactly its layers, which come from the file at `path`.

    Raises:
        DataError: they are of other layers.
    """
    require_equal_layers(shapes_of(model.state_dict()), shapes_of(found), path)
    model.load_state_dict(found)


def shapes_of(tensors: Mapping[str, Tensor]) -> Shapes:
    """Returns the shape of each tensor."""
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def require_equal_layers(expected: Shapes, found: Shapes, path: Path) -> None:
    """Checks names and shapes of the layers in a file.

    Raises:
        DataError: they are others, with the first differences.
    """
    differences = _differences(expected, found)
    if differences:
        shown = "; ".join(differences[:SHOWN]) + (f"; {len(differences) - SHOWN} more" if differences[SHOWN:] else "")
        do = "is `architecture` the one these weights were trained with?"
        raise DataError(mismatch(str(path), "", "the layers of the architecture", shown, do))


def read_header(path: Path) -> Shapes:
    """Returns names and shapes of the tensors in a safetensors file; no tensor is read.

    Raises:
        DataError: the file is missing, cut short or not safetensors.
    """
    _require_file(path)
    try:
        with safe_open(path, framework="pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, ValueError, KeyError) as error:
        raise _not_whole(path, error) from None


def load_model(record: ModelRecord, weights: Path, statistics: Statistics) -> Network:
    """Returns the network of a record in eval mode, after checking the digest of the weights.

    Raises:
        IntegrityError: the file has other bytes than the record says.
    """
    got = sha256_of(weights) if weights.is_file() else "no file"
    if got != record.weights.sha256:
        raise IntegrityError(mismatch(str(weights), "", f"sha256 {record.weights.sha256}", got, "run the recipe again"))
    spec = DataSpec(input=record.input, task=record.task, targets=record.targets, statistics=statistics)
    assert not isinstance(record.architecture, OnnxModel | AnswerTable), "whoever asks this teacher opens it otherwise"
    return rebuild(record.architecture, spec, weights)


def rebuild(architecture: Architecture, spec: DataSpec, weights: Path) -> Network:
    """Returns the network of an architecture with the weights of a file, in eval mode."""
    model = build_model(architecture, spec)
    load_weights(model, weights)
    return model.eval()


def read_weights(path: Path) -> dict[str, Tensor]:
    """Returns the tensors of a safetensors file.

    Raises:
        DataError: the file is missing, cut short or not safetensors.
    """
    _require_file(path)
    try:
        return load(path.read_bytes())
    except (SafetensorError, ValueError, KeyError) as error:
        raise _not_whole(path, error) from None


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise DataError(mismatch(str(path), "", "a safetensors file", "no such file", "correct the path"))


def _not_whole(path: Path, error: Exception) -> DataError:
    do = "save the weights with safetensors.torch.save_file"
    return DataError(mismatch(str(path), "", "a whole safetensors file", error, do))


def _differences(expected: Shapes, found: Shapes) -> list[str]:
    missing = [f"no `{name}`" for name in expected.keys() - found.keys()]
    extra = [f"an unknown `{name}`" for name in found.keys() - expected.keys()]
    shapes = [
        f"`{name}` of shape {found[name]} instead of {expected[name]}"
        for name in expected.keys() & found.keys()
        if found[name] != expected[name]
    ]
    return sorted(missing) + sorted(extra) + sorted(shapes)
