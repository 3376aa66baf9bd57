"""Reads the fields of a JSON object one by one, without any library, and says which one is wrong."""

import json
from dataclasses import dataclass
from math import isfinite
from typing import Any

from ..errors import ManifestError, RuntimeBundleError

Json = dict[str, Any] | list[Any] | str | int | float | bool | None


@dataclass(frozen=True)
class JsonSource:
    """The file that is read: its name, what to do where it is wrong, and the error to raise then."""

    name: str
    cure: str
    error: type[RuntimeBundleError]

    def wrong(self, place: str, expected: str, got: object) -> RuntimeBundleError:
        """Returns the error to raise; `place` is a dotted field, empty for the whole."""
        where = f"`{self.name}`: `{place}`" if place else f"`{self.name}`"
        return self.error(f"{where}: expected {expected}, got {got}; {self.cure}")


MANIFEST_FILE = JsonSource("manifest.json", "fetch it again", ManifestError)


def parse(content: bytes, document: JsonSource) -> Json:
    """Returns what a JSON text holds; refuses doubled keys and numbers that are not finite.

    Raises:
        RuntimeBundleError: the document's own error, where it is no such text.
    """
    try:
        parsed: Json = json.loads(content, object_pairs_hook=no_doubles, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise document.wrong("", "JSON", error) from None
    return parsed


def no_doubles(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    """Is an `object_pairs_hook` for `json.loads` that refuses a key given twice."""
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError(f"a doubled key among {sorted(key for key, _ in pairs)}")
    return content


class Fields:
    """The fields of one JSON object at `place` (dotted, empty for the outermost)."""

    def __init__(self, content: Json, place: str, document: JsonSource = MANIFEST_FILE) -> None:
        self.place = place
        self.document = document
        if not isinstance(content, dict):
            raise self.wrong("", "an object", content)
        self.content = content
        self.taken: set[str] = set()

    def has(self, key: str) -> bool:
        """Says whether there is such a field."""
        return key in self.content

    def text(self, key: str) -> str:
        """Returns a string."""
        value = self._take(key)
        if not isinstance(value, str):
            raise self.wrong(key, "a text", value)
        return value

    def optional(self, key: str) -> str | None:
        """Returns a string or null."""
        return None if self._take(key) is None else self.text(key)

    def boolean(self, key: str) -> bool:
        """Returns true or false."""
        value = self._take(key)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false", value)
        return value

    def integer(self, key: str) -> int:
        """Returns a whole number of at least 0."""
        value = self._take(key)
        if not _is_count(value):
            raise self.wrong(key, "a whole number of at least 0", value)
        return int(value)

    def number(self, key: str) -> float:
        """Returns a finite number of at least 0."""
        value = self._take(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value < 0:
            raise self.wrong(key, "a number of at least 0", value)
        return float(value)

    def optional_number(self, key: str) -> float | None:
        """Returns a finite number of at least 0, or None for null."""
        return None if self._take(key) is None else self.number(key)

    def texts(self, key: str) -> tuple[str, ...]:
        """Returns a list of strings."""
        values = self._list(key)
        if not all(isinstance(value, str) for value in values):
            raise self.wrong(key, "a list of texts", values)
        return tuple(values)

    def shape(self, key: str) -> tuple[int | None, ...]:
        """Returns a list of whole numbers or nulls."""
        values = self._list(key)
        if not all(value is None or _is_count(value) for value in values):
            raise self.wrong(key, "a list of whole numbers or nulls", values)
        return tuple(values)

    def object(self, key: str) -> "Fields":
        """Returns the fields of an object within."""
        return Fields(self._take(key), self._path(key), self.document)

    def optional_object(self, key: str) -> "Fields | None":
        """Returns the fields of an object within, or None for null."""
        return None if self._take(key) is None else self.object(key)

    def objects(self, key: str) -> list["Fields"]:
        """Returns the fields of each object in a list."""
        places = enumerate(self._list(key))
        return [Fields(value, f"{self._path(key)}.{place}", self.document) for place, value in places]

    def finish(self) -> None:
        """Refuses fields that nobody asked for."""
        unknown = self.content.keys() - self.taken
        if unknown:
            raise self.wrong(min(unknown), "no such field", self.content[min(unknown)])

    def wrong(self, key: str, expected: str, got: Json) -> RuntimeBundleError:
        """Returns the error to raise for a field."""
        return self.document.wrong(self._path(key), expected, repr(got)[:80])

    def _path(self, key: str) -> str:
        return f"{self.place}.{key}".strip(".") or "the whole"

    def _take(self, key: str) -> Any:
        if key not in self.content:
            raise self.document.wrong(self._path(key), "a value", "none")
        self.taken.add(key)
        return self.content[key]

    def _list(self, key: str) -> list[Any]:
        value = self._take(key)
        if not isinstance(value, list):
            raise self.wrong(key, "a list", value)
        return value


def _is_count(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _refuse_constant(name: str) -> None:
    raise ValueError(f"the number {name}")
