"""Many students of one teacher, and which of them is best.

data -> teacher -> students, as many at once as there are workers -> compare on validation -> the best on test
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from prefect import flow
from prefect.artifacts import create_table_artifact
from prefect.runtime import flow_run

from flows.reconcile import owned_runs
from flows.retrain import alone, parent_run, train_teachers
from flows.sweep.ranking import Ranked, ranked
from flows.sweep.report import keep_front, sheet
from flows.sweep.runner import Failed, Given, Made, fan_out
from flows.sweep.search_space import Space
from flows.sweep.task_runners import task_runner
from tasks.contracts.scores import ComparisonRecord, EvaluationRecord
from tasks.core.errors import StageError
from tasks.core.locks import at_work
from tasks.core.record import Artefact
from tasks.data.task import prepare_data
from tasks.distill.task import distill_assistant, train_baseline
from tasks.evaluate.task import compare_students, evaluate_candidates
from tasks.tracking import job_runs
from tasks.tracking.runs import StageRun


@dataclass(frozen=True)
class Swept:
    """What a sweep came to.

    Attributes:
        ranking: the students from the best to the worst.
        failed: those of which nothing came.
        evaluation: of the best, on the test split.
        front: the picture of all.
        seconds: that the students took, without what they have in common.
    """

    ranking: tuple[Ranked, ...]
    failed: tuple[Failed, ...]
    evaluation: EvaluationRecord
    front: Artefact
    seconds: float


def run_sweep(space: Space, ready: Callable[[], None]) -> Swept:
    """Runs the flow with the task runner that its recipe names; `ready` returns when Prefect's API answers.

    Raises:
        StoppedError: a person pressed Ctrl-C.
    """
    runner = task_runner(space.sweep)
    ready()
    with owned_runs("the same command goes on behind the last finished student"):
        return sweep.with_options(task_runner=runner)(space)


@flow(name="sweep", flow_run_name="sweep {space.recipe.name}", validate_parameters=False)
def sweep(space: Space) -> Swept:
    """Makes all students of a sweep, reusing whatever was made before, and finds the best.

    Raises:
        StageError: every student failed.
    """
    recipe = space.recipe
    with job_runs.job_run(recipe.name, "sweep", run_id=flow_run.id), at_work(), parent_run(recipe, sweep="1") as run:
        given = _given(space)
        started = time.perf_counter()
        tried = [*fan_out(given)]
        seconds = time.perf_counter() - started
        made = _made(tried)
        compared = _compared(given, made)
        ranking = ranked([one.variant for one in made], [one.candidates for one in made], compared, space.sweep.prefer)
        evaluation = _on_test(given, next(one for one in made if one.variant is ranking[0].variant))
        front = _kept(run, ranking, compared, evaluation)
    return Swept(ranking, tuple(one for one in tried if isinstance(one, Failed)), evaluation, front, seconds)


def _given(space: Space) -> Given:
    """Makes what all students have in common, once; soft labels are made by the first who asks for them."""
    recipe = space.recipe
    data = prepare_data(recipe)
    teachers = train_teachers(recipe, data)
    if recipe.assistant:
        distill_assistant(recipe.assistant, teachers, data, recipe.seed)
    return Given(space, teachers, data)


def _made(tried: Sequence[Made | Failed]) -> list[Made]:
    made = [one for one in tried if isinstance(one, Made)]
    if not made:
        reasons = dict.fromkeys(one.reason for one in tried if isinstance(one, Failed))
        raise StageError("\n".join(["`sweep`: expected a student, got none; every one failed:", *reasons]))
    return made


def _compared(given: Given, made: Sequence[Made]) -> ComparisonRecord:
    recipe, teacher = given.space.recipe, given.teachers[0].model
    names = tuple(f"{place}: {one.variant.label}" for place, one in enumerate(made, start=1))
    return compare_students(
        recipe.evaluate, names, tuple(one.candidates for one in made), teacher, given.data, recipe.seed
    )


def _on_test(given: Given, best: Made) -> EvaluationRecord:
    """Shows the best student to the test split, and nobody else: what is picked on it says nothing any more."""
    recipe, teacher = best.variant.recipe, given.teachers[0].model
    baseline = train_baseline(alone(recipe.student), given.data, recipe.seed)
    return evaluate_candidates(
        recipe.name, recipe.evaluate, best.candidates, teacher, baseline, best.student, given.data, recipe.seed
    )


def _kept(
    run: StageRun, ranking: Sequence[Ranked], compared: ComparisonRecord, evaluation: EvaluationRecord
) -> Artefact:
    """Puts picture and best on the run of the sweep, and a table on Prefect's page of it; returns the picture."""
    run.uses(evaluation.data)
    run.tags({"data_version": evaluation.data.version, "best": " ".join(ranking[0].variant.settings)})
    run.metrics(0, {"best.accuracy": evaluation.shipped.accuracy.value, "best.bytes": float(evaluation.shipped.size)})
    front = keep_front(run, ranking, compared.teacher)
    create_table_artifact(sheet(ranking), f"{evaluation.name}-sweep", f"Students, best first; picture: {front.uri}")
    return front
