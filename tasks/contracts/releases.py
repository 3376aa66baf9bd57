"""The records of the registry: what a gate said, what became a release, and what was promoted where."""

from datetime import datetime
from typing import Any

from tasks.contracts.scores import Challenge
from tasks.core.record import Artefact, Record

APPROVAL = "approval"
"""the limit that only a person can keep"""


class Check(Record):
    """One limit of a gate: what was asked, what was found."""

    limit: str
    expected: str
    got: str
    passed: bool


class Verdict(Record):
    """What a gate said about one release, and why."""

    environment: str
    passed: bool
    checks: tuple[Check, ...]
    challenge: Challenge | None = None
    """how it did against the champion; none where nobody was there"""

    @property
    def refusals(self) -> tuple[str, ...]:
        """Every limit that broke, in words."""
        return tuple(f"`{c.limit}`: expected {c.expected}, got {c.got}" for c in self.checks if not c.passed)

    @property
    def lacks_only_approval(self) -> bool:
        """Whether a person's word is all that is missing."""
        return [check.limit for check in self.checks if not check.passed] == [APPROVAL]


class Release(Record):
    """A registered student: a version of the MLflow model `model`, made once per fingerprint."""

    model: str
    version: int
    fingerprint: str
    bundle: tuple[Artefact, ...]
    """every file of it, the manifest among them"""
    teacher_version: int
    data_version: str
    git_commit: str
    """of the code that made it"""
    library_lock: str = ""
    """sha256 of `requirements.lock` as it was then; empty where there was none"""
    run_id: str
    created: datetime

    def content(self) -> dict[str, Any]:
        """The name, the version and what it is made of."""
        return {"model": self.model, "version": self.version, "fingerprint": self.fingerprint}


class Promotion(Record):
    """One decision about one environment: the gate's verdict and, where it passed, the move of the alias."""

    model: str
    environment: str
    version: int
    previous: int | None
    verdict: Verdict
    moved: bool
