"""A checkpoint on disk: tensors and JSON in one safetensors file, which is there whole or not at all."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from tasks.core.errors import IntegrityError, mismatch
from tasks.core.files import require_room, whole_file

DO = "nothing: the training starts from the beginning"


@dataclass(frozen=True)
class Checkpoint:
    """Named tensors, and what else there is as JSON."""

    tensors: Mapping[str, Tensor]
    state: Mapping[str, Any]

    def under(self, prefix: str) -> dict[str, Tensor]:
        """Returns the tensors whose name begins with `prefix.`, by the rest of it."""
        return {name.removeprefix(f"{prefix}."): t for name, t in self.tensors.items() if name.startswith(f"{prefix}.")}


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Writes a checkpoint in place of the one before; it is on the disk when this returns.

    Raises:
        DiskFullError: there is no room for it; the one before stays.
    """
    # Each in memory of its own: safetensors refuses tensors that share theirs, as tied weights do.
    tensors = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in checkpoint.tensors.items()}
    text = json.dumps(checkpoint.state)
    with whole_file(path) as temporary:
        require_room(path, len(text) + sum(tensor.nbytes for tensor in tensors.values()))
        save_file(tensors, temporary, {"state": text, "sha256": _digest(tensors, text)})
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())


def read_checkpoint(path: Path) -> Checkpoint:
    """Returns a checkpoint as it was written.

    Raises:
        IntegrityError: the file is cut short, or its bytes are others.
    """
    try:
        with safe_open(path, framework="pt") as opened:
            tensors = {name: opened.get_tensor(name).clone() for name in opened.keys()}  # noqa: SIM118 - no mapping
            metadata = opened.metadata() or {}
        expected, got = metadata["sha256"], _digest(tensors, metadata["state"])
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise IntegrityError(mismatch(str(path), "", "a whole checkpoint", repr(error), DO)) from None
    if expected != got:
        raise IntegrityError(mismatch(str(path), "", f"content of sha256 {expected}", got, DO))
    return Checkpoint(tensors, json.loads(metadata["state"]))


def digest_of(tensors: Mapping[str, Tensor], text: str) -> str:
    """Returns a sha256 of named tensors, wherever they are, and a text."""
    return _digest({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, text)


def _digest(tensors: Mapping[str, Tensor], text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
