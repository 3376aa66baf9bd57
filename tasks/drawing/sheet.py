"""The sheet of all pictures: as wide as a phone, in one style, with colours for light and dark pages.

matplotlib places everything (constrained layout). Ink is black while it draws and becomes the colour of the page's text
in the SVG; data colours have a contrast of 3:1 or more on white and on near-black and stay apart for colour-blind
readers (after Okabe and Ito 2008). One point of text is one pixel on a phone.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

WIDTH, DPI, FONT = 340.0, 72, 12.5
INK = "#000000"
BLUE, ORANGE, GREEN, GREY, PURPLE = "#1f7fc4", "#d5621a", "#0f9a72", "#7d8691", "#b0609a"

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: small, selectable, in the reader's own font
    "svg.hashsalt": "stillhouse",
    "text.parse_math": False,  # a class may be called `$a$`
    "font.size": FONT,
    **dict.fromkeys(("axes.labelsize", "axes.titlesize", "xtick.labelsize", "ytick.labelsize"), FONT),
    **dict.fromkeys(("legend.fontsize", "figure.titlesize"), FONT),
    "axes.titlelocation": "left",
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "grid.color": INK,
    "grid.alpha": 0.14,
    "legend.frameon": False,
    "legend.borderpad": 0,
    "legend.borderaxespad": 0.2,
    "legend.handlelength": 1,
    "legend.labelspacing": 0.3,
    "lines.solid_capstyle": "round",
    "image.composite_image": False,
}


@contextmanager
def styled() -> Iterator[None]:
    """Draws in this style, whatever the machine's own settings are; decorates what draws."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        # Letters that the measuring font lacks are in the reader's.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        yield


def sheet(height: float, width: float = WIDTH) -> Figure:
    """Returns an empty figure of so many points; it places what is added to it, and its key outside the axes."""
    return Figure(figsize=(width / DPI, height / DPI), dpi=DPI, layout="constrained")


def width_of(text: str) -> float:
    """Returns the width of a line in points, in a font that is wider than most."""
    return float(text_to_path.get_text_width_height_descent(text, FontProperties(size=FONT), ismath=False)[0])


def fitted(text: str, width: float) -> str:
    """Returns the text, or as much of its beginning as fits into so many points, and an ellipsis."""
    text = " ".join(text.split())
    if width_of(text) <= width:
        return text
    kept = next((n for n in range(len(text) - 1, 0, -1) if width_of(f"{text[:n]}…") <= width), 1)
    return f"{text[:kept].rstrip()}…"
