"""The move of an environment from one release to another: written down before it happens and after."""

from tasks.errors import IntegrityError
from tasks.registry import ledger
from tasks.registry.versions import alias_target, move_alias, registry_lock
from tasks.releases import Promotion, Release, Verdict


def carry_out(release: Release, verdict: Verdict, reason: str) -> Promotion:
    """Moves the alias of the verdict's environment to the release if the verdict allows it; records it either way.

    `<environment>-previous` keeps pointing to the release that was there before.

    Raises:
        IntegrityError: MLflow does not show the alias where it was put.
    """
    environment = verdict.environment
    with registry_lock():
        previous = ledger.champion(release.model, environment)
        if not verdict.passed:
            ledger.add_promotion("refused", release, verdict, previous, reason)
            return _promotion(release, verdict, previous, moved=False)
        in_place = alias_target(release.model, environment) == release.version
        if previous == release.version and in_place:
            return _promotion(release, verdict, previous, moved=False)
        ledger.add_promotion("intended", release, verdict, previous, reason)
        if previous is not None and previous != release.version:
            move_alias(release.model, f"{environment}-previous", previous)
        move_alias(release.model, environment, release.version)
        if (found := alias_target(release.model, environment)) != release.version:
            raise IntegrityError(
                f"MLflow alias `{environment}` of `{release.model}`: expected version {release.version}, got {found};"
                " somebody else moved it, promote again"
            )
        ledger.add_promotion("promoted", release, verdict, previous, reason)
    return _promotion(release, verdict, previous, moved=True)


def _promotion(release: Release, verdict: Verdict, previous: int | None, *, moved: bool) -> Promotion:
    return Promotion(
        model=release.model,
        environment=verdict.environment,
        version=release.version,
        previous=previous,
        verdict=verdict,
        moved=moved,
    )
