"""What a person should be told about the numbers without having to find it in the table."""

from collections.abc import Mapping, Sequence

from tasks.contracts.metrics import Interval, Metric
from tasks.contracts.scores import STUDENT, TEACHER, ConstantScore, Score
from tasks.contracts.words import difference_with_ends, shown

FEW = 10
"""independent draws below which an interval is not to be believed"""


def notes_on(
    metric: Metric, scores: Sequence[Score], gains: Mapping[str, Interval], constant: ConstantScore, independent: int
) -> tuple[str, ...]:
    """Returns a sentence for each thing that is not as one would wish.

    Args:
        metric: the one that decides which model is better.
        scores: of all models.
        gains: of the student over the student alone, by metric.
        constant: of what looks at no input.
        independent: how many independent draws the samples are.
    """
    by_name = {score.name: score for score in scores}
    teacher, student = by_name[TEACHER], by_name[STUDENT]
    gain, learned = gains.get(metric.name), constant.gains[metric.name]
    theirs, ours = (score.metrics[metric.name] for score in (teacher, student))
    found = [
        (
            independent < FEW,
            f"intervals say little: the test samples are {independent} independent draw{'s' * (independent != 1)}, of"
            " samples or of units such as pictures and people; bring more",
        ),
        (
            gain is not None and gain.times(metric.sign).high < 0,
            f"the student is worse than its baseline: {metric.title}"
            f" {difference_with_ends(metric, gain) if gain else ''}; try another `distill`",
        ),
        (
            learned.times(metric.sign).low <= 0,
            f"the student is not better than {constant.words}: {metric.title} {difference_with_ends(metric, learned)};"
            " look at the data and at how it is trained",
        ),
        (
            0 < teacher.parameters <= student.parameters,
            f"the student is not smaller than its teacher: {student.parameters:,} against {teacher.parameters:,}"
            " parameters",
        ),
        (
            theirs.times(metric.sign).high < ours.times(metric.sign).low,
            f"the teacher is worse than its student: {metric.title} {shown(metric, theirs.value)} against"
            f" {shown(metric, ours.value)}; train it longer",
        ),
    ]
    return tuple(sentence for holds, sentence in found if holds)
