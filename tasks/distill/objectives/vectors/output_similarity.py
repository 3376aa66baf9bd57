"""How alike the outputs of a batch are to the student should be how alike they are to the teacher."""

from torch import Tensor

from params.objectives import OutputSimilarity
from tasks.distill.objectives.common.tensors import unit


def output_similarity(
    student: Tensor, teacher: Tensor, _labels: Tensor | None, _temperature: float, _params: OutputSimilarity
) -> Tensor:
    """Returns for each sample (n,) the mean squared difference of its row of cosines with the batch.

    The matrix is that of the cosines of vectors (n, width); Tung and Mori 2019 (arXiv:1907.09682), section 3, take
    inner products of layers, each row of length 1 (`similarity`). Widths may differ.
    """
    ours, theirs = (unit(side) @ unit(side).T for side in (student, teacher))
    return (ours - theirs).square().mean(dim=1)


OBJECTIVE = output_similarity
