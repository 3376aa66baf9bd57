"""Places among MLflow's artifacts, given as an address: on this machine, behind its server, or in a bucket."""

from pathlib import Path
from typing import Any

from tasks.core.files import artefact_of, local_path
from tasks.core.record import Artefact


def upload_folder(folder: Path, place: str) -> None:
    """Uploads what is in a folder to a place; only this process may upload there."""
    clear_away(place)
    _repository(place).log_artifacts(str(folder))


def keep_at(path: Path, place: str) -> Artefact:
    """Uploads a file to a place and returns its record; only this process may upload there."""
    clear_away(place)
    _repository(place).log_artifact(str(path))
    return artefact_of(path, f"{place}/{path.name}")


def here(place: str) -> Path:
    """Returns the path of a file on this machine, downloaded into a temporary folder if it lies elsewhere."""
    path = local_path(place)
    if path is not None:
        return path
    from mlflow.artifacts import download_artifacts

    return Path(download_artifacts(artifact_uri=place))


def remove_artifacts(place: str) -> None:
    """Removes all that lies at a place."""
    _repository(place).delete_artifacts()


def clear_away(place: str) -> None:
    """Removes what an upload of MLflow's that was killed has left in a folder of this machine."""
    here = local_path(place)
    for left in here.glob(".artifact.uploading.*") if here else ():
        left.unlink(missing_ok=True)


def _repository(place: str) -> Any:
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    return get_artifact_repository(place)
