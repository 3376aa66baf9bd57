"""A release in front of a gate: judge it, write down what was said, and move the alias where it passed."""

from prefect import flow

from params.evaluate import Evaluate
from params.promote import Gate
from tasks.errors import InputError, mismatch
from tasks.evaluate.task import score_again
from tasks.registry import ledger
from tasks.registry.task import judge_release, move_release
from tasks.releases import Promotion, Release
from tasks.scores import Score


@flow(name="promote", flow_run_name="promote {release.model} to {environment}")
def promote(release: Release, environment: str, gate: Gate, measuring: Evaluate, reason: str) -> Promotion:
    """Promotes a release if the gate lets it, and records what the gate said either way."""
    champion = champion_score(release, environment, measuring)
    verdict = judge_release(release, environment, gate, champion)
    return move_release(release, verdict, reason)


def champion_score(release: Release, environment: str, measuring: Evaluate) -> Score | None:
    """Returns the score of whoever is in an environment, on the test data that the release was judged on.

    None if nobody is there, if it is the release itself, or if the champion was made for other classes or inputs.
    """
    version = ledger.champion(release.model, environment)
    champion = None if version in (None, release.version) else ledger.release_of(release.model, int(version))
    if champion is None:
        return None
    earlier, now = ledger.evaluation_of(champion), ledger.evaluation_of(release)
    if earlier.data.digest == now.data.digest:
        return earlier.shipped
    if (earlier.data.classes, earlier.data.input) != (now.data.classes, now.data.input):
        return None
    return score_again(earlier, now.data, measuring)


def release_for(model: str, gate: Gate, version: int | None) -> Release:
    """Returns the release that is meant: the version asked for, else the champion of the required environment.

    Raises:
        InputError: there is no such version, or nothing was promoted to the required environment yet.
    """
    if version is None and gate.requires:
        version = ledger.champion(model, gate.requires)
        if version is None:
            do = f"promote one to {gate.requires} first, with `stillhouse run params/{model}.yaml`"
            raise InputError(mismatch(model, gate.requires, "a champion", "none", do))
    release = ledger.latest_release(model) if version is None else ledger.release_of(model, version)
    if release is None:
        got = "no release" if version is None else f"no version {version}"
        raise InputError(mismatch(model, "version", "a release", got, f"make one: stillhouse run params/{model}.yaml"))
    return release
