"""`stillhouse teacher`: whether a teacher is worth learning from, before anything does."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cli.options import AsJson, Overrides, RecipePath
from cli.output.console import say, say_json, say_table, warn
from cli.output.stages import shown
from flows.recipe_checks import advice_on
from flows.run import load
from tasks.contracts.words import cell_in_words, interval_in_digits, megabytes, milliseconds
from tasks.core.environment import prepare_environment
from tasks.kinds.limits import metrics_of

if TYPE_CHECKING:
    from flows.teacher_trial import TeacherTrial
    from params.pipeline import Recipe


def teacher(recipe: RecipePath, override: Overrides = None, as_json: AsJson = False) -> None:
    """Ask the teacher about validation samples: how good it is, and what it will cost."""
    project, loaded = load(recipe, override or [])
    for line in advice_on(project, loaded):
        warn(line)
    prepare_environment()
    with shown():
        from flows.teacher_trial import try_teachers

        trials = try_teachers(project, loaded)
    if as_json:
        say_json([_facts(trial) for trial in trials])
        return
    for trial in trials:
        _say(loaded, trial)


def _say(recipe: "Recipe", trial: "TeacherTrial") -> None:
    say((f"teacher ({trial.kind})", "bold"), f" on {trial.samples:,} validation samples")
    titles = {metric.name: metric.title for metric in metrics_of(recipe.data.task)}
    for name, interval in trial.metrics.items():
        say(f"  {titles[name]} {interval_in_digits(interval)}")
    for table in trial.tables:
        say()
        say(table.title)
        rows = [[*map(cell_in_words, row, table.head)] for row in table.rows]
        say_table([heading.title for heading in table.head], rows)
    for line in _costs(trial):
        say(line)
    for line in trial.warnings:
        warn(line)


def _costs(trial: "TeacherTrial") -> Iterator[str]:
    if trial.milliseconds is not None:
        yield f"{milliseconds(trial.milliseconds)} ms per sample"
    views = "one view" if trial.views == 1 else f"{trial.views:,} views"
    seconds = "an unknown time" if trial.seconds is None else f"{trial.seconds:,.1f} s"
    yield f"soft labels for everything ({views} of each training sample): {seconds}, {megabytes(trial.bytes)}"


def _facts(trial: "TeacherTrial") -> dict[str, object]:
    return {
        "kind": trial.kind,
        "samples": trial.samples,
        "metrics": {name: interval.model_dump() for name, interval in trial.metrics.items()},
        "mistakes": [table.model_dump() for table in trial.tables],
        "milliseconds": trial.milliseconds,
        "seconds": trial.seconds,
        "views": trial.views,
        "bytes": trial.bytes,
        "warnings": list(trial.warnings),
    }
