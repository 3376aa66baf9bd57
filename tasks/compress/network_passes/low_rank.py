"""Low rank: linear layers and 1x1 convolutions become two thin ones each (Denton et al. 2014, arXiv:1404.0736)."""

from torch import Tensor

from params.compress import LowRank
from params.models import Factored, Translated
from tasks.compress.context import CompressionContext, NotPossibleError
from tasks.models.build import Network
from tasks.models.low_rank import EXPAND, REDUCE, decomposed, factorable


def factorise(context: CompressionContext, network: Network, params: LowRank) -> Network:
    """Returns a network whose layers are two thin ones where that is smaller.

    Raises:
        NotPossibleError: nowhere it is, or the network is one already.
    """
    if isinstance(network.architecture, Factored | Translated):
        raise NotPossibleError("its layers are two thin ones already; name `low_rank` once")
    layers = factorable(network.body)
    parts = {name: decomposed(layer.weight.flatten(1), params.energy) for name, layer in layers.items()}
    smaller = {name: pair for name, pair in parts.items() if pair is not None}
    if not smaller:
        seen = ", ".join(f"`{name}`" for name in layers) or "none"
        raise NotPossibleError(f"no linear layer or 1x1 convolution gets smaller at energy {params.energy:g} ({seen})")
    ranks = {name: len(reduce) for name, (reduce, _) in smaller.items()}
    thin = context.data.network(Factored(kind="factored", network=network.architecture, ranks=ranks))
    thin.load_state_dict(_state(network, smaller))
    if params.recovery:
        thin = context.recover(thin, params.recovery)
    return thin.eval()


def _state(network: Network, parts: dict[str, tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    """Returns the weights of the network, those of the layers in `parts` in two."""
    state = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
    for layer, (reduce, expand) in parts.items():
        weight = state.pop(f"body.{layer}.weight")
        axes = (1,) * (weight.ndim - 2)
        state[f"body.{layer}.{REDUCE}.weight"] = reduce.reshape(*reduce.shape, *axes)
        state[f"body.{layer}.{EXPAND}.weight"] = expand.reshape(*expand.shape, *axes)
        if f"body.{layer}.bias" in state:
            state[f"body.{layer}.{EXPAND}.bias"] = state.pop(f"body.{layer}.bias")
    return state


PASS = factorise
