"""A release in front of a gate: judge it, write down what was said, and move the alias where it passed."""

from prefect import flow

from params.promote import Gate
from tasks.errors import InputError, mismatch
from tasks.records import Promotion, Release
from tasks.registry import ledger
from tasks.registry.task import judge_release, move_release


@flow(name="promote", flow_run_name="promote {release.model} to {environment}")
def promote(release: Release, environment: str, gate: Gate, reason: str) -> Promotion:
    """Promotes a release if the gate lets it, and records what the gate said either way."""
    verdict = judge_release(release, environment, gate)
    return move_release(release, verdict, reason)


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
