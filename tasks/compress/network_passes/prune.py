"""Structured pruning: whole channels or hidden units leave, and what stays is an ordinary, narrower network."""

import torch
from torch import Tensor

from params.compress import Prune
from params.models import Architecture, ImportedArchitecture
from tasks.compress.context import CompressionContext, NotPossibleError
from tasks.core.errors import StageError
from tasks.models.build import Network
from tasks.models.channel_layout import Layout, channel_layout
from tasks.models.channels import KNOWN, batch_norm_scales, channel_norms, narrowed, strongest, taylor_terms
from tasks.training.batches import Batch

TAYLOR_SAMPLES, TAYLOR_BATCH = 512, 32


def prune(context: CompressionContext, network: Network, params: Prune) -> Network:
    """Returns a network with `keep` of the channels of each space, taken out in `rounds`, each with a recovery.

    Raises:
        NotPossibleError: the channels of the architecture are not known, or have not what the importance is read from.
    """
    layout = channel_layout(network)
    if layout is None:
        raise NotPossibleError(_refusal(network.architecture))
    for number in range(1, params.rounds + 1):
        # The same part of what is left in each round.
        widths = _widths(layout, params, params.keep ** (number / params.rounds))
        importance = _importance(context, network, params)
        kept = {space: strongest(importance[space], width) for space, width in widths.items()}
        architecture, state = narrowed(network, kept)
        network = context.data.network(architecture)
        network.load_state_dict(state)
        if params.recovery:
            network = context.recover(network, params.recovery)
    return network.eval()


def _refusal(architecture: Architecture) -> str:
    do = "leave `prune` out"
    if isinstance(architecture, ImportedArchitecture):
        do = "let its factory take widths, and distil one with smaller ones: `architecture.arguments: {width: ...}`"
    return f"only {' and '.join(KNOWN)} can be pruned, got {architecture.kind}; {do}"


def _widths(layout: Layout, params: Prune, keep: float) -> dict[str, int]:
    """Returns how many channels of each space stay: a multiple, at least one of it, at most what is there."""
    step = params.multiple_of
    return {space: min(width, max(1, round(keep * width / step)) * step) for space, width in layout.widths.items()}


def _importance(context: CompressionContext, network: Network, params: Prune) -> dict[str, Tensor]:
    match params.importance:
        case "magnitude":
            return channel_norms(network)
        case "batch_norm":
            try:
                return batch_norm_scales(network)
            except StageError as error:
                raise NotPossibleError(str(error)) from None
        case "taylor":
            return _taylor(context, network)


def _taylor(context: CompressionContext, network: Network) -> dict[str, Tensor]:
    """Returns the mean over batches of what the hard loss on training samples would lose with each channel."""
    data, rows = context.data, context.rows(TAYLOR_SAMPLES)
    sums: dict[str, Tensor] = {}
    # In training mode the gradient would go through the statistics of these few samples.
    network.eval()
    with torch.enable_grad():
        for arrays in context.train.batches(TAYLOR_BATCH, rows):
            batch = Batch.of(arrays, torch.device("cpu"))
            network.zero_grad()
            losses = data.losses.losses(network(batch.inputs), batch.targets, data.targets, 0.0)
            torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
            for space, term in taylor_terms(network).items():
                sums[space] = sums.get(space, 0) + term
    network.zero_grad()
    return sums


PASS = prune
