"""Rows of soft labels for each frame of sequences, for kinds of task that answer with one row of logits."""

from torch import Tensor

from tasks.kinds.contract import MASK, STEPS, LogitRows, Tensors


def rows_of_frames(whole: LogitRows, output: str, student: Tensors, teacher: Tensors) -> LogitRows:
    """Returns a row for each frame that is no padding, of the rows for each sequence; what is known goes along.

    The frames of a sequence share its weight, so that a long one counts no more than a short one.
    """
    mask = student[MASK]
    ours, theirs = (side[f"{STEPS}.{output}"][mask] for side in (student, teacher))
    sequence = mask.nonzero()[:, 0]
    weights = (1 / mask.sum(dim=1).to(ours.dtype))[sequence]

    def of_each(known: Tensor | None) -> Tensor | None:
        return None if known is None else known[sequence]

    labels, right = of_each(whole.labels), of_each(whole.right)
    return LogitRows(whole.head, ours, theirs, labels, weights, whole.certainty[sequence], right)
