"""The tasks of the registry: make a release of an evaluation, judge it, move an environment to it."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from params.promote import Gate
from tasks.contracts.releases import Promotion, Release, Verdict
from tasks.contracts.scores import Challenge, EvaluationRecord
from tasks.core.record import Artefact
from tasks.registry.gate.gate_inputs import GateInputs
from tasks.registry.gate.judge import judge
from tasks.registry.gate.verdict_file import keep_verdict
from tasks.registry.ledger import entries as ledger
from tasks.registry.promotion import approve, carry_out
from tasks.registry.release import ensure_release
from tasks.tracking.runs import StageRun
from tasks.tracking.task import stage


def _summary(release: Release) -> str:
    return f"{release.model} version {release.version}"


@stage("register", ("onnxruntime",), _summary)
def register_student(run: StageRun, model: str, evaluation: EvaluationRecord, card: Artefact) -> Release:
    """Registers the file that ships with its card, and the teacher it learned from, once per fingerprint."""
    return ensure_release(run, model, evaluation, card)


@task(name="judge", cache_policy=NO_CACHE)
def judge_release(
    release: Release, environment: str, gate: Gate, champion: Challenge | None, inputs: GateInputs
) -> Verdict:
    """Returns the verdict of a gate on a release; `champion` is its comparison with the release that is in now."""
    return judge(gate, environment, ledger.evaluation_of(release), champion, inputs)


@task(name="approve", cache_policy=NO_CACHE)
def approve_release(release: Release, environment: str, reason: str) -> None:
    """Records that a person lets a release into an environment, as far as a person is asked."""
    approve(release, environment, reason)


@task(name="move", cache_policy=NO_CACHE)
def move_release(release: Release, verdict: Verdict, reason: str) -> Promotion:
    """Keeps a verdict with the release, records it and, where the gate let it pass, moves the alias to it."""
    keep_verdict(release, verdict)
    return carry_out(release, verdict, reason)
