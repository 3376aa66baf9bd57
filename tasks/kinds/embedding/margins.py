"""Hard losses on identities, of cosines; each returns one loss ().

`cosines` (batch, identities) are those of embeddings with the learned direction of each training identity.
"""

from math import pi, sin

import torch
from torch import Tensor
from torch.nn import functional

EDGE = 1e-7
"""the arc cosine has an infinite slope at -1 and 1"""


def arcface(cosines: Tensor, places: Tensor, margin: float, scale: float, smoothing: float = 0.0) -> Tensor:
    """Returns the cross-entropy where the angle to the right direction is `margin` radians larger than it is.

    Deng et al. 2019 (arXiv:1801.07698), equation 3. Beyond `pi - margin`, where the cosine of the sum would rise again,
    it is `cos - margin * sin(margin)`, as in the authors' code.
    """
    own = cosines.gather(1, places.unsqueeze(1))
    angle = own.clamp(-1 + EDGE, 1 - EDGE).arccos()
    harder = torch.where(angle <= pi - margin, (angle + margin).cos(), own - margin * sin(margin))
    return _over_identities(cosines, places, harder, scale, smoothing)


def cosface(cosines: Tensor, places: Tensor, margin: float, scale: float, smoothing: float = 0.0) -> Tensor:
    """Returns the cross-entropy where the cosine with the right direction is `margin` smaller than it is.

    Wang et al. 2018 (arXiv:1801.09414), equation 4.
    """
    own = cosines.gather(1, places.unsqueeze(1))
    return _over_identities(cosines, places, own - margin, scale, smoothing)


def _over_identities(cosines: Tensor, places: Tensor, harder: Tensor, scale: float, smoothing: float) -> Tensor:
    logits = scale * cosines.scatter(1, places.unsqueeze(1), harder)
    return functional.cross_entropy(logits, places, label_smoothing=smoothing)


def proxy_anchor(cosines: Tensor, places: Tensor, margin: float, scale: float) -> Tensor:
    """Returns the loss of directions as anchors for the samples of a batch.

    Kim et al. 2020 (arXiv:2003.13911), equation 4; `scale` is the paper's alpha, `margin` its delta.
    """
    own = functional.one_hot(places, cosines.shape[1]).bool()
    # log(1 + sum exp(x)) over the samples: a row of zeros stands for the 1.
    pull = _with_one((-scale * (cosines - margin)).masked_fill(~own, -torch.inf))
    push = _with_one((scale * (cosines + margin)).masked_fill(own, -torch.inf))
    return pull[own.any(dim=0)].mean() + push.mean()


def _with_one(values: Tensor) -> Tensor:
    """Returns log(1 + sum of exp over the batch) (identities,) of values (batch, identities)."""
    return torch.cat([values, values.new_zeros(1, values.shape[1])]).logsumexp(dim=0)


def triplet(embeddings: Tensor, identities: Tensor, margin: float) -> Tensor:
    """Returns the mean over anchors of how far the nearest other identity is not `margin` less alike than the own one.

    Hermans et al. 2017 (arXiv:1703.07737), equation 5 (batch hard), with cosines in place of distances: the least alike
    sample of the same identity, the most alike of another. Anchors without one of them are left out; 0 without any.
    """
    cosines = embeddings @ embeddings.T
    same = identities.unsqueeze(0) == identities.unsqueeze(1)
    own = same & ~torch.eye(len(same), dtype=torch.bool, device=same.device)
    anchors = own.any(dim=1) & ~same.all(dim=1)
    if not anchors.any():
        return embeddings.sum() * 0  # still a part of the graph
    farthest = cosines.masked_fill(~own, torch.inf).amin(dim=1)[anchors]
    nearest = cosines.masked_fill(same, -torch.inf).amax(dim=1)[anchors]
    return (nearest - farthest + margin).clamp_min(0).mean()
