"""Models in MLflow that no release is: of removed versions, and what a killed registration has left."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tasks.core.files import local_path
from tasks.registry.versions import KEY
from tasks.tracking.artifacts import remove_artifacts
from tasks.tracking.runs import client
from tasks.upkeep.garbage import Garbage, discard, size_of
from tasks.upkeep.needs import Needs


def unneeded_models(kept: Needs) -> Iterator[Garbage]:
    """Yields the models of our making that have no file of a release that stays."""
    held = {uri.rpartition("/")[0].rpartition("/")[0] for uri in kept.uris}
    for model in _all_models():
        if KEY in model.tags and model.artifact_location not in held:
            folder = local_path(model.artifact_location)
            size = size_of(folder) if folder else 0
            yield Garbage(f"{model.name} {model.model_id}", size, partial(_remove, model, folder), folder)


def _all_models() -> Iterator[Any]:
    experiments = [experiment.experiment_id for experiment in client().search_experiments()]
    page = client().search_logged_models(experiments)
    yield from page
    while page.token:
        page = client().search_logged_models(experiments, page_token=page.token)
        yield from page


def _remove(model: Any, folder: Path | None) -> None:
    """Removes the files first: a model without them is found again by the next clean-up."""
    if folder is None:
        remove_artifacts(model.artifact_location)
    else:
        discard(folder)
    client().delete_logged_model(model.model_id)
