"""XML without what makes it dangerous: a file with a document type, which may define entities, is refused."""

from xml.etree.ElementTree import Element, ParseError, TreeBuilder
from xml.parsers import expat

from tasks.data.readers.boxes.annotations import BadAnnotationError

DEEPEST = 32
"""elements inside of each other"""


class _Guard:
    """Builds a tree and refuses a document type before anything in it is expanded."""

    def __init__(self) -> None:
        self.tree, self.depth = TreeBuilder(), 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Takes the beginning of an element."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise BadAnnotationError(f"expected at most {DEEPEST} elements inside of each other, got more")
        self.tree.start(tag, attributes)

    def end(self, tag: str) -> None:
        """Takes the end of an element."""
        self.depth -= 1
        self.tree.end(tag)

    def refuse(self, *_: object) -> None:
        """Refuses a document type."""
        raise BadAnnotationError("expected XML without a document type, got `<!DOCTYPE`; remove it")


def parsed(content: bytes) -> Element:
    """Returns the outermost element.

    Raises:
        BadAnnotationError: it is no XML, has a document type, or is nested too deeply.
    """
    guard, parser = _Guard(), expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = guard.start, guard.end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = guard.tree.data, guard.refuse
    try:
        parser.Parse(content, True)
        return guard.tree.close()
    except (expat.ExpatError, ParseError, ValueError, LookupError) as error:
        if isinstance(error, BadAnnotationError):
            raise
        raise BadAnnotationError(f"expected XML, got {error}") from None
