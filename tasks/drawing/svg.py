"""A figure as a clean SVG: equal bytes for equal data, and at home in a light or dark page beside others."""

import io
import re
from dataclasses import dataclass
from xml.etree import ElementTree

from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from tasks.drawing.sheet import DPI, INK

_SVG, _XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
_FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"
_UNSIGNED = {"Date": None, "Creator": None, "Format": None, "Type": None}
_REFERENCE = re.compile(r"#([^)\"']+)")


@dataclass(frozen=True)
class Drawing:
    """One picture: an SVG document of its own, and what it shows in words."""

    name: str
    title: str
    caption: str
    svg: bytes


def drawing(figure: Figure, name: str, title: str, caption: str) -> Drawing:
    """Returns the figure as it is now, without empty space above and below; screen readers read title and caption."""
    return Drawing(name, title, caption, _as_svg(figure, name, f"{title}. {caption}"))


def _as_svg(figure: Figure, name: str, label: str) -> bytes:
    """Returns an SVG without date, style sheet or address; ids begin with `name`, so that several fit in one page."""
    stream = io.BytesIO()
    for _ in range(2):  # labels move the axes, and these move other labels
        figure.draw_without_rendering()
    figure.set_layout_engine("none")
    drawn, width = figure.get_tightbbox(), figure.get_figwidth()
    across = Bbox.from_extents(0, drawn.y0 - 4 / DPI, width, drawn.y1 + 4 / DPI)
    figure.savefig(stream, format="svg", transparent=True, metadata=_UNSIGNED, bbox_inches=across)
    root = ElementTree.fromstring(stream.getvalue())
    _drop_styles(root)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
    _rename_ids(root, name)
    for element in root.iter():
        _restyle(element)
    text = ElementTree.tostring(_headed(root, label), encoding="unicode")
    return f"{text}\n".encode()


def _drop_styles(root: ElementTree.Element) -> None:
    """Takes out matplotlib's style sheet: within a page it would be the whole page's."""
    for parent in list(root.iter()):
        for child in [c for c in parent if c.find(f"{_SVG}style") is not None]:
            parent.remove(child)


def _rename_ids(root: ElementTree.Element, name: str) -> None:
    """Puts `name` in front of ids that something refers to, and takes the others away."""
    for element in root.iter():
        if target := element.attrib.pop(f"{_XLINK}href", None):
            element.set("href", target)
    used = {found for e in root.iter() for value in e.attrib.values() for found in _referred(value)}
    for element in root.iter():
        own = element.attrib.pop("id", None)
        for key, value in element.attrib.items():
            element.set(key, _REFERENCE.sub(rf"#{name}-\1", value) if _referred(value) else value)
        if own in used:
            element.set("id", f"{name}-{own}")


def _referred(value: str) -> list[str]:
    return _REFERENCE.findall(value) if value.startswith(("#", "url(#")) else []


def _restyle(element: ElementTree.Element) -> None:
    """Ink takes the colour of the text around the picture, and letters its font."""
    if style := element.get("style"):
        style = style.replace(INK, "currentColor")
        element.set("style", re.sub(r"font-family: [^;]*;?\s*", "", style))
    if path := element.get("d"):
        element.set("d", " ".join(path.split()))
    for text in ("text", "tail"):
        if not (getattr(element, text) or "").strip():
            setattr(element, text, None)


def _headed(root: ElementTree.Element, label: str) -> ElementTree.Element:
    """Puts size, colours and fonts, and for screen readers what it shows, into the head of the document."""
    _, _, width, height = root.attrib["viewBox"].split()
    head = {
        "xmlns": "http://www.w3.org/2000/svg",
        "viewBox": root.attrib["viewBox"],
        "width": width,
        "height": height,
        "role": "img",
        "aria-label": label,
        "color": "#1c2128",
        "fill": "currentColor",
        "font-family": _FONTS,
        "stroke-linejoin": "round",
    }
    root.attrib.clear()
    root.attrib.update(head)
    return root
