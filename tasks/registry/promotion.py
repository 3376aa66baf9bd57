"""The move of an environment from one release to another: written down before it happens and after.

What was interrupted in between is finished by whoever comes next: the gate had let it pass, and moving an alias to
where it is already, or publishing what a channel holds already, changes nothing.
"""

from collections.abc import Iterator

from tasks.contracts.releases import Promotion, Release, Verdict
from tasks.core.errors import InputError, IntegrityError, mismatch
from tasks.registry.channel.inspection import inspect
from tasks.registry.channel.paths import channels
from tasks.registry.channel.publication import prepare, publish
from tasks.registry.ledger import decisions
from tasks.registry.ledger.decisions import DONE, Decision, Event
from tasks.registry.removal import refuse_removed
from tasks.registry.versions import alias_target, move_alias, registry_lock

BEFORE = "-previous"
"""an environment's name with it is the alias of the release that led it before"""
REPAIRED = ("; put back", "; published anew")
"""how a line of the audit ends that is no longer so"""


def carry_out(release: Release, verdict: Verdict, reason: str) -> Promotion:
    """Moves the alias of the verdict's environment to the release if the verdict allows it; records it either way.

    `<environment>-previous` keeps pointing to the release that was there before. The release channel of the
    environment, where there is one, holds the release before the move is recorded as done.

    Raises:
        InputError: the release was removed.
        BusyError: somebody else recorded a decision at the same moment.
        IntegrityError: MLflow does not show the alias where it was put, or a file to publish is not what it was.
        InputError: a key to publish with is not there.
    """
    model, environment = release.model, verdict.environment
    with registry_lock():
        refuse_removed(release)
        reconcile(model)
        previous = decisions.champion(model, environment)
        if not verdict.passed:
            decisions.add("refused", model, release.version, verdict, previous, reason)
        moved = verdict.passed and (previous, alias_target(model, environment)) != (release.version,) * 2
        if moved:
            prepare(model, release.version, verdict)
            _change("intended", model, release.version, verdict, previous, reason)
    return _promotion(model, release.version, verdict, previous, moved=moved)


def approve(release: Release, environment: str, reason: str) -> None:
    """Records that a release may enter an environment, as far as a person is asked; moves nothing.

    Raises:
        InputError: the release was removed.
        BusyError: somebody else recorded a decision at the same moment.
    """
    with registry_lock():
        refuse_removed(release)
        reconcile(release.model)
        decisions.note("approved", release.model, environment, release.version, reason)


def roll_back(model: str, environment: str, reason: str) -> Promotion:
    """Moves an environment back to the release that led it before, with the verdict by which that came in.

    Raises:
        InputError: there was none before.
        BusyError, IntegrityError: as for a promotion.
    """
    with registry_lock():
        reconcile(model)
        current, earlier = decisions.champion(model, environment), decisions.champions_before(model, environment)
        if not earlier:
            do = f"see `stillhouse history {model}`; a release comes in with `stillhouse promote`"
            got = "none" if current is None else f"version {current} and none before it"
            raise InputError(mismatch(model, environment, "a champion and one before it", got, do))
        verdict = decisions.entry_of(model, environment, earlier[0])
        prepare(model, earlier[0], verdict)
        _change("rolling back", model, earlier[0], verdict, current, reason)
    return _promotion(model, earlier[0], verdict, current, moved=True)


def reconcile(model: str | None = None) -> tuple[str, ...]:
    """Finishes what was interrupted between its intention and its end; returns in words what that was."""
    with registry_lock():
        return tuple(_finish(row) for row in decisions.unfinished(model))


def audit(*, repair: bool) -> tuple[str, ...]:
    """Returns in words what is wrong: with the chain of decisions, with aliases that somebody moved, with channels.

    Where `repair` says so, aliases are put right and channels are published anew; a broken chain stays as it is.
    """
    with registry_lock():
        strayed = [line for place in decisions.places() for line in _strayed(*place, repair=repair)]
        served = [line for environment in channels() for line in _wrongly_served(environment, repair=repair)]
    return (*decisions.broken_links(), *strayed, *served)


def _change(intent: Event, model: str, version: int, verdict: Verdict, previous: int | None, reason: str) -> None:
    decisions.add(intent, model, version, verdict, previous, reason)
    _finish(next(row for row in decisions.unfinished(model) if row.environment == verdict.environment))


def _finish(row: Decision) -> str:
    """Moves the aliases to where an intention wants them, publishes, and records that both are done."""
    verdict = Verdict.model_validate_json(row.verdict)
    aliases = {row.environment: row.version, f"{row.environment}{BEFORE}": _behind(row)}
    for alias, version in aliases.items():
        move_alias(row.model, alias, version)
        if (found := alias_target(row.model, alias)) != version:
            raise IntegrityError(
                f"MLflow alias `{alias}` of `{row.model}`: expected version {version}, got {found};"
                " somebody else moved it, promote again"
            )
    if row.environment in channels():
        publish(row.environment)
    decisions.add(DONE[row.event], row.model, row.version, verdict, row.previous, row.reason)
    return f"{row.model}: version {row.version} is {DONE[row.event]} in {row.environment}, as was intended"


def _behind(intent: Decision) -> int | None:
    """Returns which version will have led an environment before the one that an intention brings in."""
    if intent.event == "intended" and intent.previous != intent.version:
        return None if intent.previous is None else int(intent.previous)
    stack = (intent.previous, *decisions.champions_before(intent.model, intent.environment))
    behind = stack[stack.index(intent.version) + 1 :]
    return int(behind[0]) if behind else None


def _strayed(model: str, environment: str, *, repair: bool) -> list[str]:
    earlier = decisions.champions_before(model, environment)
    meant = {environment: decisions.champion(model, environment), f"{environment}{BEFORE}": next(iter(earlier), None)}
    said = []
    for alias, version in meant.items():
        found = alias_target(model, alias)
        if found != version:
            said.append(f"MLflow alias `{alias}` of `{model}`: expected version {version}, got {found}")
            if repair:
                move_alias(model, alias, version)
                said[-1] += REPAIRED[0]
    return said


def _wrongly_served(environment: str, *, repair: bool) -> Iterator[str]:
    """Yields what is wrong with a channel; what is so no longer after a publication says so."""
    wrong = tuple(inspect(environment))
    if wrong and repair:
        publish(environment)
    left = tuple(inspect(environment)) if wrong and repair else wrong
    yield from (line if line in left else f"{line}{REPAIRED[1]}" for line in wrong)


def _promotion(model: str, version: int, verdict: Verdict, previous: int | None, *, moved: bool) -> Promotion:
    return Promotion(
        model=model,
        environment=verdict.environment,
        version=version,
        previous=previous,
        verdict=verdict,
        moved=moved,
    )
