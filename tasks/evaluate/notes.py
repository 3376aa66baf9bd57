"""What a person should be told about the numbers without having to find it in the table."""

from collections.abc import Mapping, Sequence

from tasks.contracts.metrics import Interval, Metric
from tasks.contracts.scores import STUDENT, TEACHER, ConstantScore, Score
from tasks.contracts.words import difference_with_ends, shown


def notes_on(
    metric: Metric, scores: Sequence[Score], gains: Mapping[str, Interval], constant: ConstantScore
) -> tuple[str, ...]:
    """Returns a sentence for each thing that is not as one would wish; `metric` decides which model is better."""
    by_name = {score.name: score for score in scores}
    teacher, student = by_name[TEACHER], by_name[STUDENT]
    gain, learned = gains.get(metric.name), constant.gains[metric.name]
    theirs, ours = (score.metrics[metric.name] for score in (teacher, student))
    found = [
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
