"""The sheet that pictures are drawn on: as wide as a phone, in points, with colours for light and dark pages.

Positions are points from the upper left corner, as one reads. Ink is black here and becomes the colour of the page's
text in the SVG; data colours have a contrast of 3:1 or more on white and on near-black and stay apart for
colour-blind readers (after Okabe and Ito 2008).
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import text_to_path

WIDTH = 340.0
"""points; a page on a phone has as many pixels, so points of text are pixels there"""
FONT = 12.5
INK = "#000000"
BLUE, ORANGE, GREEN, GREY, PURPLE = "#1f7fc4", "#d5621a", "#0f9a72", "#7d8691", "#b0609a"
DPI = 72

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: small, selectable, in the reader's own font
    "svg.hashsalt": "stillhouse",
    "text.parse_math": False,  # a class may be called `$a$`
    "font.size": FONT,
    "axes.labelsize": FONT,
    "axes.titlesize": FONT,
    "xtick.labelsize": FONT,
    "ytick.labelsize": FONT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "grid.color": INK,
    "grid.alpha": 0.14,
    "grid.linewidth": 0.8,
    "lines.solid_capstyle": "round",
    "image.composite_image": False,
}


@contextmanager
def styled() -> Iterator[None]:
    """Draws in the house's style, whatever the machine's own settings are."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        # Letters that the measuring font lacks are in the reader's.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        yield


@dataclass(frozen=True)
class Canvas:
    """A sheet of `WIDTH` by `height` points."""

    figure: Figure
    height: float

    @classmethod
    def of(cls, height: float) -> "Canvas":
        """Returns an empty sheet."""
        return cls(Figure(figsize=(WIDTH / DPI, height / DPI), dpi=DPI), height)

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Returns axes whose frame, without its labels, has its upper left corner there."""
        bottom = self.height - top - height
        return self.figure.add_axes(
            (left / WIDTH, bottom / self.height, width / WIDTH, height / self.height), facecolor="none"
        )

    def write(self, left: float, top: float, text: str, **how: Any) -> None:
        """Writes one line whose middle is `top` points from the upper edge."""
        usual: dict[str, Any] = {"va": "center", "ha": "left", "color": INK, "fontsize": FONT}
        self.figure.text(left / WIDTH, 1 - top / self.height, text, **(usual | how))

    def mark(self, left: float, top: float, **how: Any) -> None:
        """Sets one marker on the sheet itself, as keys need it."""
        place = ([left / WIDTH], [1 - top / self.height])
        self.figure.add_artist(Line2D(*place, linestyle="none", transform=self.figure.transFigure, **how))


def width_of(text: str, size: float = FONT) -> float:
    """Returns the width of a line in points, in a font that is wider than most."""
    return float(text_to_path.get_text_width_height_descent(text, FontProperties(size=size), ismath=False)[0])


def fitted(text: str, width: float, size: float = FONT) -> str:
    """Returns the text, or as much of its beginning as there is room for, and an ellipsis."""
    text = " ".join(text.split())
    if width_of(text, size) <= width:
        return text
    kept = next((n for n in range(len(text) - 1, 0, -1) if width_of(f"{text[:n]}…", size) <= width), 1)
    return f"{text[:kept].rstrip()}…"


def percent(part: float, digits: int = 1) -> str:
    """Returns `97.5 %` for 0.975."""
    return f"{100 * part:.{digits}f} %"
