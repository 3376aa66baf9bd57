"""Weights between those of a release and the new ones, chosen on validation data (BCWI).

`share * old + (1 - share) * new`, as in Schumann et al. 2023 (Backward Compatibility During Data Updates by
Weight Interpolation, arXiv:2301.10546). Both have the same layers, and the new ones began with the old.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from tasks.contracts.beginnings import Beginning
from tasks.core.progress import Notice, say
from tasks.distill.starts import from_release
from tasks.models.build import Network
from tasks.training.loop import VALIDATION, Fit, OnEpoch
from tasks.training.network import PreparedData, Trained

SHARES = tuple(place / 10 for place in range(10))
"""parts of the old weights that are tried; all of them would be the release again"""


@dataclass(frozen=True)
class Interpolated:
    """A network between two: the part of the old one, the metric that decides (higher is better), what it breaks."""

    share: float
    quality: float
    broken: float
    """part of the validation samples that the old one has right and this one has not; or by how much loss rose"""


def interpolated(
    trained: Trained, beginning: Beginning | None, data: PreparedData, on_epoch: OnEpoch
) -> tuple[Trained, Beginning | None]:
    """Returns a network whose weights lie between those of the release it began with and its own, and says where.

    Of those that are no worse on validation data than the new ones, it is the one that breaks least of what the
    release has right; of equals, the one nearest to the new ones. What is not asked for comes back as it is.

    Args:
        trained: the network with the new weights.
        beginning: the release, and whether this is asked for.
        data: whose validation split chooses.
        on_epoch: given the metrics of the network that was chosen, as those of a further epoch.
    """
    start = from_release(beginning) if beginning and beginning.interpolate else None
    if beginning is None or start is None:
        return trained, beginning
    network = trained.network
    old, new = (_copied(one) for one in (start.champion(network), network))
    chosen = best_share(list(_tried(network, old, new, data)))
    _between(network, old, new, chosen)
    say(Notice("interpolated", f"{chosen:.0%} of the weights are those of version {beginning.version}"))
    metrics = {f"{VALIDATION}{name}": value for name, value in _measured(network, data).items()}
    history = (*trained.fit.history, metrics)
    on_epoch(len(history), metrics)
    return Trained(network, Fit(len(history), history)), beginning.model_copy(update={"share": chosen})


def best_share(tried: list[Interpolated]) -> float:
    """Returns the part of the old weights that breaks least at no loss of quality; the first has none of them."""
    equal = [one for one in tried if one.quality >= tried[0].quality]
    return min(equal, key=lambda one: (one.broken, one.share)).share


def _tried(
    network: Network, old: Mapping[str, Tensor], new: Mapping[str, Tensor], data: PreparedData
) -> Iterator[Interpolated]:
    measuring, validation = data.measuring, data.splits.validation
    _between(network, old, new, 1.0)
    before = measuring.seen_by(network, validation)
    for share in SHARES:
        _between(network, old, new, share)
        seen = measuring.seen_by(network, validation)
        better, _ = measuring.improvement(seen.evidence, before.evidence, seen.samples)
        quality = measuring.deciding.sign * measuring.values(seen)[measuring.deciding.name]
        yield Interpolated(share, quality, float(np.maximum(-better, 0).mean()))


def _measured(network: Network, data: PreparedData) -> dict[str, float]:
    return data.measuring.measure(network, data.splits.validation)


def _copied(network: Network) -> dict[str, Tensor]:
    return {name: values.detach().clone() for name, values in network.state_dict().items()}


def _between(network: Network, old: Mapping[str, Tensor], new: Mapping[str, Tensor], share: float) -> None:
    """Fills in weights; counters, which are whole numbers, are the new ones."""
    network.load_state_dict(
        {
            name: share * old[name] + (1 - share) * values if values.is_floating_point() else values
            for name, values in new.items()
        }
    )
