"""The removal of a version: recorded first, then carried out; what it was made of stays on record.

What leads an environment, or led it before, stays, and so does what an alias points to. What is interrupted between the
record and the removal is finished by the next clean-up.
"""

from collections.abc import Iterator, Mapping, Set

from tasks.contracts.releases import Release
from tasks.core.errors import InputError, RefusedError, mismatch
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.chain import append
from tasks.registry.ledger.history import Decision, History
from tasks.registry.versions import aliases_of, delete_version, registry_lock, versions_of


def refuse_removed(release: Release, history: History) -> None:
    """Raises an InputError where a release was removed: nothing can be done with it any more."""
    row = history.removal_of(release)
    if row is not None:
        do = f"name another version; `stillhouse run params/{release.model}.yaml` makes one"
        got = f"one that was {removed_in_words(row)}"
        raise InputError(mismatch(release.model, f"version {release.version}", "a release", got, do))


def removed_in_words(row: Decision) -> str:
    """Returns when a version was removed, by whom and why."""
    return f"removed {row.time.astimezone():%Y-%m-%d %H:%M} by {row.who} ({row.reason})"


def holds(model: str, history: History) -> Mapping[int, str]:
    """Returns version -> in words why it must stay: an alias points to it, or it leads an environment or led before."""
    reasons = {version: f"alias `{alias}`" for alias, version in aliases_of(model).items()}
    for environment in {row.environment for row in history.of(model) if row.environment}:
        now, before = history.champion(model, environment), history.champions_before(model, environment)[:1]
        places = {f"`{environment}`": now, **{f"the place before the champion of `{environment}`": v for v in before}}
        reasons |= {version: place for place, version in places.items() if version is not None}
    return reasons


def removable(model: str, version: int, history: History) -> Release:
    """Returns the release of a version that a person wants removed.

    Raises:
        InputError: there is no such version, or it was removed before.
        RefusedError: it must stay.
    """
    release = ledger.release_of(model, version)
    if release is None:
        do = f"see `stillhouse history {model}`"
        raise InputError(mismatch(model, "version", "a release", f"no version {version}", do))
    refuse_removed(release, history)
    if version in (held := holds(model, history)):
        expected, do = "one that nothing points to", "promote or roll back to another version first"
        raise RefusedError(mismatch(model, f"version {version}", expected, f"one in {held[version]}", do))
    return release


def older(keep: int, last: Set[tuple[str, int]], history: History) -> Iterator[Release]:
    """Yields the releases older than the newest `keep` of their model that may go.

    Args:
        keep: how many of each model stay in any case.
        last: model and version that the last run of each recipe came to, which stay as well.
        history: of all models.
    """
    removed = history.removals()
    present = [release for release in ledger.releases() if (release.model, release.version) not in removed]
    for model in sorted({release.model for release in present}):
        held = holds(model, history)
        for release in [release for release in present if release.model == model][:-keep]:
            if release.version not in held and (model, release.version) not in last:
                yield release


def remove(release: Release, reason: str) -> None:
    """Records that a version is removed; from now on it cannot be promoted, approved or rolled back to.

    Raises:
        InputError, RefusedError: as for `removable`, asked once more under the lock.
        BusyError: another process recorded a decision at the same moment.
    """
    with registry_lock():
        history = History.load()
        removable(release.model, release.version, history)
        append(history, "removed", release.model, "", release.version, reason)


def unfinished(release: Release) -> bool:
    """Says whether a removed version is still in MLflow, or still owns its fingerprint in the ledger."""
    return release.version in versions_of(release.model) or (
        ledger.find_release(release.model, release.fingerprint) == release
    )


def finish(release: Release) -> None:
    """Takes a removed version out of MLflow, and frees its fingerprint; doing it twice changes nothing."""
    with registry_lock():
        if release.version in versions_of(release.model):
            delete_version(release.model, release.version)
        ledger.retire(release)


def teacher_of(model: str) -> str:
    """Returns the name of the model that holds a model's teachers."""
    return f"{model}-teacher"


def idle_teachers(removed: Set[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    """Yields model and version of the teachers in MLflow that only removed versions learned from."""
    releases = ledger.releases()
    for model in sorted({release.model for release in releases}):
        own = [release for release in releases if release.model == model]
        taught = {release.teacher_version for release in own if (model, release.version) not in removed}
        gone = {release.teacher_version for release in own} - taught
        held = set(aliases_of(teacher_of(model)).values()) if gone else set()
        for version in sorted((gone - held) & versions_of(teacher_of(model))):
            yield teacher_of(model), version
