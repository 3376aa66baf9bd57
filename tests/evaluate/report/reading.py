"""What a reader finds on a page: the text of its elements, and its tables as rows of cells."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "br", "link"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    children: list["Element | str"] = field(default_factory=list)

    @property
    def text(self) -> str:
        parts = (child if isinstance(child, str) else f" {child.text} " for child in self.children)
        return " ".join("".join(parts).split())

    def all(self, tag: str) -> list["Element"]:
        found = [self] if self.tag == tag else []
        return found + [e for child in self.children if isinstance(child, Element) for e in child.all(tag)]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("document", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def read(html: str) -> Element:
    """Returns the document; fails where an element is closed in the wrong place or not at all."""
    reader = _Reader()
    reader.feed(html)
    assert len(reader.open) == 1, f"{reader.open[-1].tag} is never closed"
    return reader.open[0]


def table(document: Element, caption: str) -> list[list[str]]:
    """Returns the rows of the table whose caption begins so, the headings first."""
    found = [t for t in document.all("table") if t.all("caption")[0].text.startswith(caption)]
    assert len(found) == 1
    return [[cell.text for cell in row.all("th") + row.all("td")] for row in found[0].all("tr")]
