"""The records of the registry: what a gate said, what became a release, and what was promoted where."""

from datetime import datetime
from typing import Any

from pydantic import Field

from tasks.contracts.metrics import Check
from tasks.contracts.proofs import ProofCheck
from tasks.contracts.scores import Challenge
from tasks.core.record import Artefact, Record

APPROVAL, REQUIRES, SELF_TEST, LICENCES = "approval", "requires", "loads_in_runtime", "licences"
PROVEN_ON = "proven_on"
"""the limits of a gate that are no numbers"""


class Approval(Record):
    """A person's word that a version may enter an environment; empty while nobody gave it."""

    by: str | None = None
    at: datetime | None = None


class Lead(Record):
    """Whether a version leads the environment that a gate requires."""

    environment: str
    leads: bool


class LicenceCheck(Record):
    """The licences that a gate lets through, and which of what a version was made of are under others."""

    allowed: tuple[str, ...]
    refused: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """data or teacher -> its licences"""


class Verdict(Record):
    """What a gate said about one release, and why.

    Attributes:
        environment: behind the gate.
        checks: every number that it has a limit for.
        failure: why the bundle does not pass its self-test in the runtime; empty where it does.
        requires: None where the gate requires no environment.
        approval: None where the gate asks nobody.
        challenge: how it did against the champion; None where there was none.
        licences: None where the gate asks for none.
        proofs: of each processor that the gate names.
    """

    environment: str
    checks: tuple[Check, ...] = ()
    failure: str = ""
    requires: Lead | None = None
    approval: Approval | None = None
    challenge: Challenge | None = None
    licences: LicenceCheck | None = None
    proofs: tuple[ProofCheck, ...] = ()

    @property
    def broken(self) -> tuple[str, ...]:
        """The names of the limits that are not kept."""
        others = {
            SELF_TEST: bool(self.failure),
            REQUIRES: self.requires is not None and not self.requires.leads,
            PROVEN_ON: not all(check.passed for check in self.proofs),
            LICENCES: self.licences is not None and bool(self.licences.refused),
            APPROVAL: self.approval is not None and self.approval.by is None,
        }
        numbers = [check.limit for check in self.checks if not check.passed]
        return (*numbers, *(name for name, wrong in others.items() if wrong))

    @property
    def passed(self) -> bool:
        """Whether every limit is kept."""
        return not self.broken

    @property
    def lacks_only_approval(self) -> bool:
        """Whether a person's word is all that is missing."""
        return self.broken == (APPROVAL,)

    def threshold(self, limit: str) -> float | None:
        """Returns the number that a limit asks for; None where the gate has no such limit."""
        return next((check.threshold for check in self.checks if check.limit == limit), None)


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
    """of the project that made it"""
    product_version: str = ""
    """of Stillhouse, which made it; empty where an older one did"""
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
