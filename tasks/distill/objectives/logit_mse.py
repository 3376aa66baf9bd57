"""The distance of logits, without a softmax."""

from torch import Tensor

from params.objectives import LogitMse


def logit_mse(
    student: Tensor, teacher: Tensor, _labels: Tensor | None, _temperature: float, _params: LogitMse
) -> Tensor:
    """Returns the mean over classes of the squared difference (n,) of logits (n, classes).

    Ba and Caruana 2014 (arXiv:1312.6184), equation 1, with the mean in place of half the sum.
    """
    return (student - teacher).square().mean(dim=1)


OBJECTIVE = logit_mse
