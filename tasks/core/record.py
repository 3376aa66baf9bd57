"""The base of every record: frozen, and with a digest of what the next stage's numbers depend on."""

import hashlib
import json
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict

from tasks.core.environment import here


def canonical_digest(value: Any) -> str:
    """Returns the sha256 of a JSON value, independent of the order of keys."""
    return sha256_of_text(json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False))


def sha256_of_text(text: str) -> str:
    """Returns the sha256 of a text in UTF-8, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def essential(value: Any) -> Any:
    """Returns a JSON value without fields that are null, false or empty: an optional field that is off is not there.

    So a section or a record may get a new field without a change of older digests, if null, false or empty means that
    all is as before. Where a number is the default of a new field, declare it null and compute the number.
    """
    if isinstance(value, dict):
        return {name: essential(item) for name, item in value.items() if not _is_off(item)}
    if isinstance(value, list):
        return [essential(item) for item in value]
    return value


def _is_off(value: Any) -> bool:
    return value is None or value is False or value in ("", [], {})


class Record(BaseModel):
    """Frozen; equal content gives an equal digest."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True, ser_json_inf_nan="strings")

    def content(self) -> dict[str, Any]:
        """Returns the part of the record that the next stage's numbers depend on."""
        return self.model_dump(mode="json")

    @property
    def digest(self) -> str:
        """The sha256 of `content`."""
        return canonical_digest(essential(self.content()))


Place = Annotated[str, AfterValidator(here)]
"""a path or a URI: read from a record that was made where the state was before, it is where the file is now"""


class Artefact(Record):
    """One file: where it lies (a `file://` or remote URI), the sha256 of its bytes, its size in bytes."""

    uri: Place
    sha256: str
    size: int

    def content(self) -> dict[str, Any]:
        """Only the bytes count, not where they lie."""
        return {"sha256": self.sha256}
