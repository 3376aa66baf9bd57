"""Batch norm whose statistics stand still for the last part of a training."""

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from params.training import Training
from tasks.core.errors import RecipeError, mismatch


def require_batch_norm(model: nn.Module, params: Training, field: str = "training") -> None:
    """Refuses to freeze what is not there; `field` is where `params` stand in the recipe.

    Raises:
        RecipeError: the network has no batch norm.
    """
    if params.freeze_batch_norm is not None and not _norms(model):
        do = "leave it out, or take an architecture with batch norm"
        expected = "nothing, since the network has no batch norm"
        raise RecipeError([mismatch("recipe", f"{field}.freeze_batch_norm", expected, params.freeze_batch_norm, do)])


def freeze_batch_norm(model: nn.Module, params: Training, epoch: int) -> None:
    """Has batch norm use the mean and variance it has learned, from the epoch (from 1) on that the budget names.

    To be called once the network is in training mode; scale and offset go on learning.
    """
    if params.freeze_batch_norm is not None and epoch > params.freeze_batch_norm * params.epochs:
        for norm in _norms(model):
            norm.eval()


def _norms(model: nn.Module) -> list[_BatchNorm]:
    return [module for module in model.modules() if isinstance(module, _BatchNorm)]
