"""The lineage as a picture: a box for each thing that the release is made of, from the raw data to where it leads."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tasks.contracts.ancestors import Ancestor
from tasks.evaluate.report.report import Report

CHAIN = {
    "raw data": ("folder", "md5"),
    "data": ("name", "version"),
    "teacher": ("version", "architecture", "run", "weights"),
    "soft labels": ("views kept", "keys"),
    "student": ("architecture", "run", "weights"),
    "artefact": ("candidate", "bytes", "sha256"),
    "release": ("model", "version", "fingerprint"),
    "gate": ("environment", "evidence"),
}
"""kind of ancestor -> which of its facts are in its box; in the order in which things are made"""
GROUND = {"recipe": ("digest",), "code": ("git commit", "Stillhouse", "requirements.lock")}
"""what had a part in every step"""
TITLES = {"artefact": "file that ships", "release": "model version", "gate": "environment"}
SHORT = 12
_DIGEST = re.compile(r"[0-9a-f]{32,64}(\.dir)?(-dirty)?")


@dataclass(frozen=True)
class Detail:
    """A fact in a box; of a digest its beginning, `whole` has all of it."""

    name: str
    value: str
    whole: str = ""


@dataclass(frozen=True)
class Box:
    """One thing, and the facts by which it is known."""

    title: str
    details: tuple[Detail, ...]


@dataclass(frozen=True)
class Picture:
    """What was made of what, first to last; and what had a part in all of it."""

    chain: tuple[Box, ...]
    ground: tuple[Box, ...]


def picture(report: Report) -> Picture | None:
    """Returns the lineage of a release as boxes in their order; None where nobody looked for its ancestors."""
    if not report.ancestors:
        return None
    chain = tuple(_boxes(report, CHAIN))
    if not any(ancestor.kind == "gate" for ancestor in report.ancestors):
        chain += (Box(TITLES["gate"], (Detail("environment", "none now"),)),)
    return Picture(chain, tuple(_boxes(report, GROUND)))


def _boxes(report: Report, kinds: dict[str, tuple[str, ...]]) -> Iterator[Box]:
    for kind, shown in kinds.items():
        for ancestor in report.ancestors:
            if ancestor.kind == kind:
                yield Box(TITLES.get(kind, kind), tuple(_details(ancestor, shown)))


def _details(ancestor: Ancestor, shown: tuple[str, ...]) -> Iterator[Detail]:
    for name in shown:
        value = ancestor.facts.get(name, "")
        first = value.split(" ")[0]
        if _DIGEST.fullmatch(first):
            yield Detail(name, first[:SHORT], value)
        elif value:
            yield Detail(name, value)
