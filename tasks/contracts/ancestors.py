"""What the lineage of a release is told in: the lineage room finds ancestors, the report draws them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.core.record import Artefact


@dataclass(frozen=True)
class Ancestor:
    """One thing that a release is made of.

    Attributes:
        kind: gate, verdicts, release, artefact, student, soft labels, teacher, data, raw data, recipe or code.
        facts: what identifies it, by name.
        files: its files by name; what they are called and which bytes they had.
        folders: path -> md5 of folders that DVC versions.
    """

    kind: str
    facts: Mapping[str, str]
    files: Mapping[str, Artefact] = field(default_factory=dict)
    folders: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Returns it for machines."""
        files = {name: artefact.model_dump(mode="json") for name, artefact in self.files.items()}
        return {"kind": self.kind, **self.facts, **({"files": files} if files else {})}
