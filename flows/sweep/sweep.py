"""Many students of one teacher, and which of them is best.

data -> teacher -> students, as many at once as there are workers -> compare on validation -> the best on test
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from prefect import flow
from prefect.artifacts import create_table_artifact
from prefect.runtime import flow_run

from flows.logs import follow
from flows.reconcile import owned_runs
from flows.retrain import parent_run, train_teachers, train_without_teacher
from flows.sweep.ranking import RankedTrial, ranked
from flows.sweep.report import log_front, rows
from flows.sweep.runner import FailedTrial, FinishedTrial, SharedInputs, run_trials
from flows.sweep.search_space import SearchSpace
from flows.sweep.task_runners import task_runner
from tasks.contracts.scores import ComparisonRecord, EvaluationRecord
from tasks.core.errors import StageError
from tasks.core.locks import shared
from tasks.core.record import Artefact
from tasks.data.task import prepare_data
from tasks.distill.task import distill_assistant
from tasks.evaluate.task import compare_students, evaluate_candidates
from tasks.kinds.limits import deciding
from tasks.tracking import job_runs
from tasks.tracking.runs import StageRun


@dataclass(frozen=True)
class SweepResult:
    """What a sweep came to.

    Attributes:
        ranking: the students from the best to the worst.
        failed: those of which nothing came.
        evaluation: of the best, on the test split.
        front: the picture of all.
        seconds: that the students took, without what they have in common.
    """

    ranking: tuple[RankedTrial, ...]
    failed: tuple[FailedTrial, ...]
    evaluation: EvaluationRecord
    front: Artefact
    seconds: float


def run_sweep(space: SearchSpace, ready: Callable[[], None]) -> SweepResult:
    """Runs the flow with the task runner that its recipe names; `ready` returns when Prefect's API answers.

    Raises:
        StoppedError: a person pressed Ctrl-C.
    """
    runner = task_runner(space.sweep)
    ready()
    with owned_runs("the same command goes on behind the last finished student"):
        result: SweepResult = sweep.with_options(task_runner=runner)(space)
        return result


@flow(name="sweep", flow_run_name="sweep {space.recipe.name}", validate_parameters=False)
def sweep(space: SearchSpace) -> SweepResult:
    """Makes all students of a sweep, reusing whatever was made before, and finds the best.

    Raises:
        StageError: every student failed.
    """
    recipe = space.recipe
    follow()
    with job_runs.job_run(recipe.name, "sweep", run_id=flow_run.id), shared(), parent_run(recipe, sweep="1") as run:
        inputs = _shared_inputs(space)
        started = time.perf_counter()
        tried = [*run_trials(inputs)]
        seconds = time.perf_counter() - started
        made = _made(tried)
        compared = _compared(inputs, made)
        ranking = ranked([one.variant for one in made], [one.candidates for one in made], compared, space.sweep.prefer)
        evaluation = _on_test(inputs, next(one for one in made if one.variant is ranking[0].variant))
        front = _log_outcome(run, ranking, compared, evaluation)
    return SweepResult(ranking, tuple(one for one in tried if isinstance(one, FailedTrial)), evaluation, front, seconds)


def _shared_inputs(space: SearchSpace) -> SharedInputs:
    """Makes what all students have in common, once; soft labels are made by the first who asks for them."""
    recipe = space.recipe
    data = prepare_data(recipe)
    teachers = train_teachers(recipe, data)
    if recipe.assistant:
        distill_assistant(recipe.assistant, teachers, data, recipe.seed)
    return SharedInputs(space, teachers, data)


def _made(tried: Sequence[FinishedTrial | FailedTrial]) -> list[FinishedTrial]:
    made = [one for one in tried if isinstance(one, FinishedTrial)]
    if not made:
        reasons = dict.fromkeys(one.reason for one in tried if isinstance(one, FailedTrial))
        raise StageError("\n".join(["`sweep`: expected a student, got none; every one failed:", *reasons]))
    return made


def _compared(shared: SharedInputs, made: Sequence[FinishedTrial]) -> ComparisonRecord:
    recipe, teacher = shared.space.recipe, shared.teachers[0].model
    names = tuple(f"{place}: {one.variant.label}" for place, one in enumerate(made, start=1))
    return compare_students(
        recipe.evaluate, names, tuple(one.candidates for one in made), teacher, shared.data, recipe.seed
    )


def _on_test(shared: SharedInputs, best: FinishedTrial) -> EvaluationRecord:
    """Measures the best student alone on the test split: a choice made on it would spoil it."""
    recipe, teacher = best.variant.recipe, shared.teachers[0].model
    baseline, _ = train_without_teacher(recipe, shared.data)
    return evaluate_candidates(
        recipe.name, recipe.evaluate, best.candidates, teacher, baseline, best.student, shared.data, recipe.seed
    )


def _log_outcome(
    run: StageRun, ranking: Sequence[RankedTrial], compared: ComparisonRecord, evaluation: EvaluationRecord
) -> Artefact:
    """Puts picture and best on the run of the sweep, and a table on Prefect's page of it; returns the picture."""
    run.uses(evaluation.data)
    run.tags({"data_version": evaluation.data.version, "best": " ".join(ranking[0].variant.settings)})
    metric, shipped = deciding(evaluation.data.task), evaluation.shipped
    run.metrics(0, {f"best.{metric.name}": shipped.metrics[metric.name].value, "best.bytes": float(shipped.size)})
    front = log_front(run, metric, ranking, compared.teacher)
    create_table_artifact(
        rows(metric, ranking), f"{evaluation.name}-sweep", f"Students, best first; picture: {front.uri}"
    )
    return front
