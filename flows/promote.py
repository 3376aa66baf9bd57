"""A release in front of a gate: compare it with the champion, judge it, record the verdict, move the alias."""

from collections.abc import Iterable, Iterator, Sequence

from prefect import flow
from prefect.runtime import flow_run

from params.evaluate import Evaluate
from params.promote import ENVIRONMENTS, Gate
from tasks.contracts.raw_columns import same_inputs
from tasks.contracts.releases import Promotion, Release, Verdict
from tasks.contracts.scores import Challenge
from tasks.core.errors import InputError, mismatch
from tasks.core.fingerprint import Ingredients
from tasks.core.locks import shared
from tasks.core.record import Artefact
from tasks.core.workspace import project_root
from tasks.data.versions.versions_store import CACHE, at_hand
from tasks.evaluate.report.task import publish_report
from tasks.evaluate.task import challenge_champion
from tasks.registry.gate.gate_inputs import gate_inputs
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.history import History
from tasks.registry.lineage.project import ancestry_of
from tasks.registry.removal import refuse_removed
from tasks.registry.task import approve_release, judge_release, move_release
from tasks.tracking.job_runs import job_run


@flow(name="promote", flow_run_name="promote {release.model} to {environment}")
def promote(release: Release, environment: str, gate: Gate, measuring: Evaluate, reason: str) -> Promotion:
    """Promotes a release if the gate lets it, and records the verdict either way."""
    with shared(), job_run(release.model, f"promote.{environment}", release, flow_run.id) as run:
        history = History.load(release.model)
        champion = challenge(release, environment, measuring, history)
        inputs = gate_inputs(release, environment, gate, history)
        verdict = judge_release(release, environment, gate, champion, inputs)
        promotion = move_release(release, verdict, reason)
        run.made(promotion if promotion.moved else None)
    return promotion


@flow(name="approve", flow_run_name="approve {release.model} for {environment}")
def approve(release: Release, environment: str, gate: Gate, measuring: Evaluate, reason: str) -> Promotion:
    """Records that a person lets a release into an environment, then promotes it if the gate lets it, too.

    The approval stays on record where the gate refuses for another reason: a later promotion finds it.
    """
    with shared():
        approve_release(release, environment, reason)
        return promote(release, environment, gate, measuring, reason)


@flow(name="report", flow_run_name="report on {release.model} version {release.version}")
def report(release: Release, measuring: Evaluate | None, ingredients: Ingredients | None = None) -> Artefact:
    """Writes the page of a release again: with the verdicts there are by now, and where it leads.

    Args:
        release: the release.
        measuring: how it is compared with the champions of now; None where it need not be.
        ingredients: of the run that goes on, which is not on record yet.
    """
    history = History.load(release.model)
    recorded = history.verdicts_on(release.model, release.version)
    verdicts, decided = tuple(verdict for verdict, _ in recorded), tuple(time for _, time in recorded)
    ancestors = ancestry_of(release, history, ingredients)
    with shared():
        challenges = tuple(_challenges(release, verdicts, measuring, history))
        return publish_report(release, ledger.evaluation_of(release), verdicts, challenges, decided, ancestors)


def report_on_moved(model: str, versions: Iterable[int | None]) -> None:
    """Writes the pages of releases again between which an environment moved; nothing is measured for it."""
    history = History.load(model)
    for version in versions:
        release = None if version is None else ledger.release_of(model, version)
        if release is not None and history.removal_of(release) is None:
            report(release, None)


def _challenges(
    release: Release, verdicts: Sequence[Verdict], measuring: Evaluate | None, history: History
) -> Iterator[Challenge]:
    """Yields how a release did in front of gates, and how it does against champions it was not compared with."""
    met = {verdict.environment: verdict.challenge for verdict in verdicts}
    for environment in ENVIRONMENTS:
        if environment in met:
            found = met[environment]
        else:
            found = challenge(release, environment, measuring, history) if measuring else None
        if found is not None:
            yield found


def challenge(release: Release, environment: str, measuring: Evaluate, history: History) -> Challenge | None:
    """Returns how a release does against the champion of an environment, on the release's own test data.

    None if there is no champion, if it is the release itself, or if the champion was made for other targets or inputs.
    Rows of a table with other categories are no other inputs.
    """
    version = history.champion(release.model, environment)
    champion = None if version in (None, release.version) else ledger.release_of(release.model, version)
    if champion is None:
        return None
    earlier, now = ledger.evaluation_of(champion), ledger.evaluation_of(release)
    if earlier.data.targets != now.data.targets or not same_inputs(earlier.data, now.data):
        return None
    with at_hand(now.data, project_root() / CACHE) as data:
        meant = now.model_copy(update={"data": data})
        return challenge_champion(meant, environment, champion.version, earlier, measuring)


def release_for(model: str, gate: Gate, version: int | None) -> Release:
    """Returns the release that is meant: the version asked for, else the champion of the required environment.

    Raises:
        InputError: there is no such version, it was removed, or nothing was promoted to the required environment yet.
    """
    history = History.load(model)
    if version is None and gate.requires:
        version = history.champion(model, gate.requires)
        if version is None:
            do = f"promote one to {gate.requires} first, with `stillhouse run params/{model}.yaml`"
            raise InputError(mismatch(model, gate.requires, "a champion", "none", do))
    release = ledger.latest_release(model, history) if version is None else ledger.release_of(model, version)
    if release is None:
        got = "no release" if version is None else f"no version {version}"
        raise InputError(mismatch(model, "version", "a release", got, f"make one: stillhouse run params/{model}.yaml"))
    refuse_removed(release, history)
    return release
