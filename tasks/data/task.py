"""The data stage as a Prefect task."""

import os

from params.pipeline import Recipe
from tasks.contracts.records import DataRecord
from tasks.core.progress import Notice, Warned, say
from tasks.core.workspace import project_root
from tasks.data.news import news_of
from tasks.data.versions.versioning import versioned_data
from tasks.data.versions.versions_store import quarantine_file
from tasks.tracking.runs import StageRun
from tasks.tracking.task import stage

TITLE = "data"


def _summary(record: DataRecord) -> str:
    told = f"{sum(record.samples.values()):,} samples, version {record.version}"
    if record.left_out:
        told = f"{told}; left out: {record.left_out}"
    if record.news:
        told = f"{told}; new since the latest release: {'; '.join(record.news)}"
    if record.in_quarantine:
        told = f"{told}; in quarantine: {record.in_quarantine}, {os.path.relpath(quarantine_file(record))}"
    if record.learned_from:
        told = f"{told}\nto learn from: {record.learned_from}"
    return f"{told}\nlicence: {record.licence}" if record.licence else told


@stage(TITLE, (), _summary, cached=False)
def prepare_data(run: StageRun, recipe: Recipe, released: DataRecord | None = None) -> DataRecord:
    """Brings the prepared data of a recipe up to date; what is done already, DVC knows.

    Args:
        run: the open MLflow run.
        recipe: whose data it is.
        released: the data of the latest release, if there is one; what is new since then is told.
    """
    data = versioned_data(project_root(), recipe)
    if released is not None:
        data = data.model_copy(update={"news": news_of(released, data)})
    if data.licence and not data.reused:  # named when the data comes, not every time it is used
        say(Notice("licence", data.licence))
    if data.learned_from and not data.reused:
        say(Notice("labels", f"to learn from: {data.learned_from}"))
    run.uses(data)
    for text in data.warnings:
        say(Warned(text))
    run.tags({"data_version": data.version, "dvc_ran": str(not data.reused)})
    counts = {"samples": data.samples, "dropped": data.dropped, "quarantined": data.quarantined}
    run.metrics(0, {name: sum(found.values()) for name, found in counts.items()})
    if data.dropped:
        run.tags({"dropped": data.left_out})
    if data.news:
        run.tags({"new_categories": "; ".join(data.news)})
    if data.quarantined:
        run.tags({"quarantined": data.in_quarantine})
        run.keep(quarantine_file(data))
    return data
