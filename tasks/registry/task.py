"""The doors of the registry: make a release of an evaluation, judge it, move an environment to it."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from params.promote import Gate
from tasks.registry import decisions, ledger
from tasks.registry.gate import judge
from tasks.registry.promotion import carry_out
from tasks.registry.release import ensure_release
from tasks.releases import Promotion, Release, Verdict
from tasks.scores import Challenge, EvaluationRecord
from tasks.task import stage
from tasks.tracking import StageRun


def _summary(release: Release) -> str:
    return f"{release.model} version {release.version}"


@stage("registry", "register", ("onnxruntime", "mlflow"), _summary)
def register_student(run: StageRun, model: str, evaluation: EvaluationRecord) -> Release:
    """Registers the file that ships, and the teacher it learned from, once per fingerprint."""
    return ensure_release(run, model, evaluation)


@task(name="judge", cache_policy=NO_CACHE)
def judge_release(release: Release, environment: str, gate: Gate, champion: Challenge | None) -> Verdict:
    """Returns what the gate of an environment says about a release; `champion` is how it does against who is there."""
    in_required = gate.requires is not None and decisions.champion(release.model, gate.requires) == release.version
    return judge(gate, environment, ledger.evaluation_of(release), champion, in_required)


@task(name="move", cache_policy=NO_CACHE)
def move_release(release: Release, verdict: Verdict, reason: str) -> Promotion:
    """Records a verdict and, where the gate let the release pass, moves the alias to it."""
    return carry_out(release, verdict, reason)
