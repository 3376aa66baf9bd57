"""The move of an environment from one release to another: written down before it happens and after.

What was interrupted in between is finished by the next process that decides: the gate had let it pass, and moving an
alias to where it is already, or publishing what a channel holds already, changes nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tasks.contracts.proofs import Proof
from tasks.contracts.releases import Promotion, Release, Verdict
from tasks.core.errors import InputError, IntegrityError, mismatch
from tasks.registry.channel.inspection import inspect
from tasks.registry.channel.paths import channels
from tasks.registry.channel.publication import prepare, publish
from tasks.registry.ledger.chain import append, broken_links
from tasks.registry.ledger.history import DONE, Decision, Event, History
from tasks.registry.removal import refuse_removed
from tasks.registry.versions import alias_target, move_alias, registry_lock
from tasks.registry.whole import (
    copies,
    damaged,
    in_words,
    put_back,
    reachable,
    require_whole,
    require_whole_version,
)

BEFORE = "-previous"
"""an environment's name with it is the alias of the release that led it before"""


@dataclass(frozen=True)
class AuditFinding:
    """One thing that is not as the ledger says, in words, and whether the audit has put it right."""

    text: str
    repaired: bool = False

    def __str__(self) -> str:
        return self.text


def carry_out(release: Release, verdict: Verdict, reason: str) -> Promotion:
    """Moves the alias of the verdict's environment to the release if the verdict allows it; records it either way.

    `<environment>-previous` keeps pointing to the release that was there before. The release channel of the
    environment, where there is one, holds the release before the move is recorded as done.

    Raises:
        InputError: the release was removed.
        BusyError: another process recorded a decision at the same moment.
        IntegrityError: MLflow does not show the alias where it was put, or a file of the release is not what it was.
        InputError: a key to publish with is not there.
    """
    model, environment = release.model, verdict.environment
    with registry_lock():
        history = History.load()
        refuse_removed(release, history)
        history, _ = _finish_all(history, model)
        previous = history.champion(model, environment)
        if not verdict.passed:
            append(history, "refused", model, environment, release.version, reason, verdict)
        moved = verdict.passed and (previous, alias_target(model, environment)) != (release.version,) * 2
        if verdict.passed:
            require_whole(release)
        if moved:
            prepare(model, release.version, verdict)
            _move(history, "intended", model, release.version, reason, verdict)
    return _promotion(model, release.version, verdict, previous, moved=moved)


def prove(release: Release, proof: Proof, reason: str) -> None:
    """Records what a release answered on another processor; a gate with `proven_on` reads it.

    Raises:
        InputError: the release was removed.
        BusyError: another process recorded a decision at the same moment.
    """
    with registry_lock():
        history = History.load()
        refuse_removed(release, history)
        append(history, "proven", release.model, "", release.version, reason, proof)


def approve(release: Release, environment: str, reason: str) -> None:
    """Records that a release may enter an environment, as far as a person is asked; moves nothing.

    Raises:
        InputError: the release was removed.
        BusyError: another process recorded a decision at the same moment.
        IntegrityError: a file of the release is not what it was.
    """
    with registry_lock():
        history = History.load()
        refuse_removed(release, history)
        history, _ = _finish_all(history, release.model)
        require_whole(release)
        append(history, "approved", release.model, environment, release.version, reason)


def roll_back(model: str, environment: str, reason: str) -> Promotion:
    """Moves an environment back to the release that led it before, with the verdict by which that came in.

    Raises:
        InputError: there was none before.
        BusyError, IntegrityError: as for a promotion.
    """
    with registry_lock():
        history, _ = _finish_all(History.load(), model)
        current, earlier = history.champion(model, environment), history.champions_before(model, environment)
        if not earlier:
            do = f"see `stillhouse history {model}`; a release comes in with `stillhouse promote`"
            got = "none" if current is None else f"version {current} and none before it"
            raise InputError(mismatch(model, environment, "a champion and one before it", got, do))
        verdict = history.entry_verdict(model, environment, earlier[0])
        require_whole_version(model, earlier[0])
        prepare(model, earlier[0], verdict)
        _move(history, "rolling back", model, earlier[0], reason, verdict)
    return _promotion(model, earlier[0], verdict, current, moved=True)


def reconcile(model: str | None = None) -> tuple[str, ...]:
    """Finishes what was interrupted between its intention and its end; returns in words what that was."""
    with registry_lock():
        return _finish_all(History.load(), model)[1]


def audit(*, repair: bool) -> tuple[AuditFinding, ...]:
    """Returns what is wrong: with the chain of decisions, with aliases that were moved by hand, with channels.

    With `repair`, aliases are put right and channels are published again; a broken chain stays as it is.
    """
    with registry_lock():
        history = History.load()
        aliases = [finding for place in history.places() for finding in _alias_drift(history, *place, repair=repair)]
        served = [finding for place in channels() for finding in _channel_drift(history, place, repair=repair)]
    return (*(AuditFinding(str(link)) for link in broken_links(history)), *aliases, *served)


def audit_bundles(*, repair: bool) -> tuple[AuditFinding, ...]:
    """Returns what is damaged of the bundles of releases that lead, led before, were approved or are being moved to.

    With `repair`, a file is put back of which there is another copy.
    """
    with registry_lock():
        releases = reachable(History.load())
        return tuple(finding for release in releases for finding in _damaged_files(release, repair=repair))


def _move(history: History, intent: Event, model: str, version: int, reason: str, verdict: Verdict) -> None:
    """Records an intention and carries it out."""
    history = append(history, intent, model, verdict.environment, version, reason, verdict)
    _finish(history, history.decisions[-1])


def _finish_all(history: History, model: str | None) -> tuple[History, tuple[str, ...]]:
    """Finishes every interrupted move; returns the history with what that added, and in words what it was."""
    unfinished = history.unfinished(model)
    for row in unfinished:
        history = _finish(history, row)
    words = (
        f"{r.model}: version {r.version} is {DONE[r.event]} in {r.environment}, as was intended" for r in unfinished
    )
    return history, tuple(words)


def _finish(history: History, row: Decision) -> History:
    """Moves the aliases to where an intention wants them, publishes, and records that both are done.

    Raises:
        IntegrityError: a file of the release is not what it was; nothing has moved then.
    """
    require_whole_version(row.model, row.version)
    aliases = {row.environment: row.version, f"{row.environment}{BEFORE}": _behind(history, row)}
    for alias, version in aliases.items():
        move_alias(row.model, alias, version)
        if (found := alias_target(row.model, alias)) != version:
            raise IntegrityError(
                f"MLflow alias `{alias}` of `{row.model}`: expected version {version}, got {found};"
                " another process moved it, promote again"
            )
    if row.environment in channels():
        publish(row.environment, history)
    return append(history, DONE[row.event], row.model, row.environment, row.version, row.reason, row.parsed_verdict)


def _behind(history: History, intent: Decision) -> int | None:
    """Returns which version will have led an environment before the one that an intention brings in."""
    if intent.event == "intended" and intent.previous != intent.version:
        return intent.previous
    stack = (intent.previous, *history.champions_before(intent.model, intent.environment))
    return next(iter(stack[stack.index(intent.version) + 1 :]), None)


def _damaged_files(release: Release, *, repair: bool) -> Iterator[AuditFinding]:
    for artefact, got in damaged(release).items():
        text, copy = in_words(release, artefact, got), next(copies(release, artefact), None)
        repaired = repair and copy is not None and put_back(artefact, copy)
        yield AuditFinding(f"{text}; put back" if repaired else text, repaired)


def _alias_drift(history: History, model: str, environment: str, *, repair: bool) -> Iterator[AuditFinding]:
    """Yields the aliases of MLflow that are not where the ledger says."""
    earlier = history.champions_before(model, environment)
    meant = {environment: history.champion(model, environment), f"{environment}{BEFORE}": next(iter(earlier), None)}
    for alias, version in meant.items():
        found = alias_target(model, alias)
        if found != version:
            text = f"MLflow alias `{alias}` of `{model}`: expected version {version}, got {found}"
            if repair:
                move_alias(model, alias, version)
            yield AuditFinding(f"{text}; put back" if repair else text, repaired=repair)


def _channel_drift(history: History, environment: str, *, repair: bool) -> Iterator[AuditFinding]:
    """Yields what is wrong with a channel, and whether a new publication has put it right."""
    wrong = tuple(inspect(environment, history))
    if wrong and repair:
        publish(environment, history)
    left = tuple(inspect(environment, history)) if wrong and repair else wrong
    for text in wrong:
        repaired = text not in left
        yield AuditFinding(f"{text}; published again" if repaired else text, repaired)


def _promotion(model: str, version: int, verdict: Verdict, previous: int | None, *, moved: bool) -> Promotion:
    return Promotion(
        model=model,
        environment=verdict.environment,
        version=version,
        previous=previous,
        verdict=verdict,
        moved=moved,
    )
