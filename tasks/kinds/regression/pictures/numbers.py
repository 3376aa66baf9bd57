"""What was answered against what is true, and how large the error is in each part of the range."""

from collections.abc import Sequence

import numpy as np

from tasks.drawing.sheet import BLUE, INK, ORANGE, sheet, styled
from tasks.drawing.svg import Drawing, drawing
from tasks.kinds.contract import Floats

MOST, SEED = 1_500, 0
"""samples that are drawn, and of which draw; a point more is no more to be seen"""
TITLE = "Answered and true"
CAPTION = (
    "Each point is a test sample, as the file that ships answers; on the line an answer is the number itself.{some}"
    " Below, the mean absolute error in each part of the range, of the file that ships and of the teacher."
)


@styled()
def draw_numbers(predicted: Floats, true: Floats, ranges: Sequence[str], errors: Floats, teachers: Floats) -> Drawing:
    """Draws samples (n,) and the errors (ranges,) of both; NaN where a part of the range has no sample."""
    figure = sheet(560)
    points, bars = figure.subplots(2, 1, height_ratios=(3, 2))
    shown = np.sort(np.random.default_rng(SEED).permutation(len(true))[:MOST])
    ends = [min(true.min(), predicted.min()), max(true.max(), predicted.max())]
    points.plot(ends, ends, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    points.scatter(true[shown], predicted[shown], s=6, color=BLUE, alpha=0.4, linewidths=0)
    points.set(xlabel="true", title="answered")
    places = np.arange(len(ranges), dtype=np.float64)
    for move, values, colour, label in ((-0.2, errors, BLUE, "ships"), (0.2, teachers, ORANGE, "teacher")):
        bars.bar(places + move, np.nan_to_num(values), 0.38, color=colour, label=label)
    bars.set_xticks(places, [name.replace(" to ", "\nto ") for name in ranges])
    bars.tick_params(axis="x", length=0)
    bars.set(title="mean absolute error")
    figure.legend(loc="outside upper left", ncols=2)
    some = f" {MOST:,} of {len(true):,} samples, drawn at random." if len(true) > MOST else ""
    return drawing(figure, "numbers", TITLE, CAPTION.format(some=some))
