"""The curve of misses against false alarms: what each threshold would come to."""

from tasks.contracts.scores import Listening
from tasks.drawing.models import colour_of
from tasks.drawing.sheet import sheet, styled
from tasks.drawing.svg import Drawing, drawing

TITLE = "Misses against false alarms"
CAPTION = "On a stream of {hours:.2g} hours made of test clips in noise, at {count} thresholds; the dot is what ships."


@styled()
def draw_det(found: Listening, shipped: str) -> Drawing:
    """Draws the miss rate over false alarms per hour."""
    figure = sheet(290)
    axes = figure.add_subplot()
    alarms = [point.false_alarms_per_hour for point in found.curve]
    misses = [100 * point.miss_rate for point in found.curve]
    colour = colour_of(shipped)
    axes.plot(alarms, misses, color=colour, linewidth=1.8, marker=".")
    label = f"threshold {found.threshold:g}"
    here = ([found.false_alarms_per_hour.value], [100 * found.miss_rate.value])
    axes.plot(*here, "o", color=colour, markersize=8, markeredgecolor="#ffffff", label=label)
    axes.set(title="missed words, %", xlabel="false alarms per hour")
    axes.set_ylim(bottom=0)
    axes.set_xlim(left=0)
    axes.grid(axis="y")
    figure.legend(loc="outside upper left")
    return drawing(figure, "det", TITLE, CAPTION.format(hours=found.hours, count=len(found.curve)))
