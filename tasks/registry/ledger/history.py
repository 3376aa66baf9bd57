"""What was decided about environments, read once: who leads where, who led before, what gates and people decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import select

from tasks.contracts.proofs import Proof
from tasks.contracts.releases import Release, Verdict
from tasks.registry.ledger.database import engine
from tasks.registry.ledger.tables import DECISIONS

Event = Literal["refused", "intended", "promoted", "rolling back", "rolled back", "approved", "removed", "proven"]
DONE: Mapping[Event, Event] = {"intended": "promoted", "rolling back": "rolled back"}
"""what is recorded before aliases move -> what is recorded after"""
LEADS: Sequence[Event] = ("promoted", "rolled back")
"""events after which the version of the row leads its environment"""
LEAVES: Sequence[Event] = ("rolling back", "rolled back")
"""events by which the previous version leaves its environment for a fault of its own"""
BY_PEOPLE: Sequence[Event] = ("approved", "removed", "proven")
"""events without a verdict, because no gate was asked"""
NO_DECISION = "0" * 64
"""the digest that the first row has before it"""
SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True)
class Decision:
    """One row of the ledger about an environment; `environment` is empty where the row is about all of them."""

    id: int
    model: str
    environment: str
    event: Event
    version: int
    previous: int | None
    who: str
    reason: str
    verdict: str
    """as JSON; that of a proof where the release was proven; empty where a person decided"""
    verdict_sha256: str
    time: datetime
    before: str
    """digest of the row before"""
    digest: str
    release_seal: str | None

    @property
    def parsed_verdict(self) -> Verdict:
        """The verdict of the gate."""
        return Verdict.model_validate_json(self.verdict)


@dataclass(frozen=True)
class History:
    """The decisions about one model, or about all where `model` is None, oldest first, as they were when read."""

    decisions: tuple[Decision, ...]
    model: str | None = None

    @classmethod
    def load(cls, model: str | None = None) -> "History":
        """Reads the decisions about one model, or about all of them, in one query."""
        query = select(DECISIONS).order_by(DECISIONS.c.id)
        if model is not None:
            query = query.where(DECISIONS.c.model == model)
        with engine().connect() as connection:
            return cls(tuple(Decision(**row) for row in connection.execute(query).mappings()), model)

    def followed_by(self, decision: Decision) -> "History":
        """Returns the history with one more decision."""
        return History((*self.decisions, decision), self.model)

    @property
    def head(self) -> str:
        """The digest of the last decision, on which the next one is chained."""
        return self.decisions[-1].digest if self.decisions else NO_DECISION

    def of(self, model: str, environment: str | None = None) -> tuple[Decision, ...]:
        """Returns the decisions about a model, in one environment or in all.

        Raises:
            ValueError: this history is that of another model, so it knows nothing of this one.
        """
        if self.model not in (None, model):
            raise ValueError(
                f"history of `{self.model}`: expected a question about that model, got one about `{model}`"
            )
        return tuple(row for row in self.decisions if row.model == model and environment in (None, row.environment))

    def places(self) -> tuple[tuple[str, str], ...]:
        """Returns every model and environment that there is a decision about, in order."""
        return tuple(sorted({(row.model, row.environment) for row in self.decisions if row.environment}))

    def entry(self, model: str, environment: str) -> Decision | None:
        """Returns the decision that made the champion of an environment."""
        return next((row for row in reversed(self.of(model, environment)) if row.event in LEADS), None)

    def champion(self, model: str, environment: str) -> int | None:
        """Returns the version that leads an environment."""
        entry = self.entry(model, environment)
        return entry.version if entry else None

    def champions_before(self, model: str, environment: str) -> tuple[int, ...]:
        """Returns the versions that led an environment before the champion, the last one first; each of them once.

        A version that was rolled back is not among them: the next rollback goes further back. Nor is one that was
        removed: there is no way back to it.
        """
        stack: list[int] = []
        for row in self.of(model, environment):
            if row.event == "promoted":
                stack = [version for version in stack if version != row.version] + [row.version]
            elif row.event == "rolled back" and row.version in stack:
                stack = stack[: stack.index(row.version) + 1]
        removed = self.removals()
        return tuple(version for version in reversed(stack[:-1]) if (model, version) not in removed)

    def has_led(self, model: str, environment: str, version: int) -> bool:
        """Says whether a version leads an environment or led it before."""
        return any(row.event in LEADS and row.version == version for row in self.of(model, environment))

    def hours_led(self, model: str, environment: str, version: int, now: datetime | None = None) -> float:
        """Returns for how many hours a version has led an environment without interruption; 0 where it does not lead.

        A version that is promoted once more while it leads goes on leading.
        """
        leader, since = None, datetime.now(UTC)
        for row in self.of(model, environment):
            if row.event in LEADS and row.version != leader:
                leader, since = row.version, row.time
        hours = ((now or datetime.now(UTC)) - since).total_seconds() / SECONDS_PER_HOUR
        return max(hours, 0.0) if leader == version else 0.0

    def entry_verdict(self, model: str, environment: str, version: int) -> Verdict:
        """Returns the verdict by which a version that has led an environment was promoted last."""
        rows = [row for row in self.of(model, environment) if row.version == version and row.event == "promoted"]
        return rows[-1].parsed_verdict

    def verdicts_on(self, model: str, version: int) -> tuple[tuple[Verdict, datetime], ...]:
        """Returns the verdict of each gate on a release and its time, oldest first; of several, the last one."""
        rows = [row for row in self.of(model) if row.version == version and row.event not in (*DONE, *BY_PEOPLE)]
        return tuple({row.environment: (row.parsed_verdict, row.time) for row in rows}.values())

    def approval(self, model: str, environment: str, version: int) -> Decision | None:
        """Returns the last approval of a version in an environment that holds: a rollback from it ends it."""
        found = None
        for row in self.of(model, environment):
            if row.event == "approved" and row.version == version:
                found = row
            elif row.event in LEAVES and row.previous == version:
                found = None
        return found

    def approvals(self, model: str, environment: str) -> tuple[Decision, ...]:
        """Returns the approvals in an environment that hold, by version."""
        versions = sorted({row.version for row in self.of(model, environment) if row.event == "approved"})
        return tuple(row for row in (self.approval(model, environment, version) for version in versions) if row)

    def proof(self, model: str, version: int, isa: str) -> Proof | None:
        """Returns the last proof of a release on a processor: that of a device, where there is one."""
        rows = [row for row in self.of(model) if row.version == version and row.event == "proven"]
        found = [one for one in (Proof.model_validate_json(row.verdict) for row in rows) if one.isa == isa]
        of_devices = [one for one in found if one.by == "device"]
        return next(reversed(of_devices or found), None)

    def removals(self) -> Mapping[tuple[str, int], Decision]:
        """Returns model and version -> when and why it was removed, for each release that was removed."""
        return {(row.model, row.version): row for row in self.decisions if row.event == "removed"}

    def removal_of(self, release: Release) -> Decision | None:
        """Returns when and why a release was removed; None where it was not."""
        rows = (row for row in self.of(release.model) if row.version == release.version)
        return next((row for row in rows if row.event == "removed"), None)

    def unfinished(self, model: str | None = None) -> tuple[Decision, ...]:
        """Returns the intentions that no end follows, because a process was interrupted."""
        rows = self.decisions if model is None else self.of(model)
        last = {(row.model, row.environment): row for row in rows if row.event not in BY_PEOPLE}
        return tuple(row for row in last.values() if row.event in DONE)
