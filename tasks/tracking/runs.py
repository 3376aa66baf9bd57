"""The one door to MLflow logging: a parent run per flow run, a child run per stage.

Metrics are sent in batches and from a thread: one `log_metric` costs 18 ms, and minutes where MLflow is away. An
artifact is known by the sha256 of its bytes, so that one half uploaded counts for nothing.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from tasks.contracts.records import DataRecord
from tasks.core.errors import StageError
from tasks.core.files import artefact_of, local_path, verified
from tasks.core.process_lease import owner
from tasks.core.record import Artefact
from tasks.core.workspace import state_dir
from tasks.tracking.artifacts import clear_away
from tasks.tracking.database import make_database
from tasks.tracking.kept import tag_with
from tasks.tracking.metric_names import metric_name
from tasks.tracking.run_tags import NOTE, TRAINING, inherited
from tasks.tracking.spool import Measured, Spool, spooled

if TYPE_CHECKING:
    from mlflow import MlflowClient

FLUSH_SECONDS = 5.0
GONE = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""what MLflow says of a run that is not there, or not active"""
MOST_METRICS, MOST_PARAMS = 1_000, 100
"""in one request of MLflow's"""
DOWNLOADS = "downloads"
"""folder of files that lie elsewhere, by their sha256"""
OWNER = "stillhouse.owner"
"""the process that works on a run"""
FLOW_RUN, STAGE, PARENT = "stillhouse.flow_run", "stillhouse.stage", "mlflow.parentRunId"
RECIPE, USES = "stillhouse.recipe", "stillhouse.uses."
"""on a parent run: what was retrained; and, followed by the id of a run, the digest of the record that is used of it"""


@cache
def client() -> "MlflowClient":
    """Returns the client, its database made first.

    Several processes that make a new SQLite database at once crash each other: one does it, under a lock.
    """
    from mlflow import MlflowClient

    with FileLock(state_dir() / "mlflow.lock"):
        make_database()
        made = MlflowClient()
        made.search_experiments(max_results=1)
    return made


class StageRun:
    """One child run, open: what a stage logs, and a scratch folder for what it makes."""

    def __init__(self, run_id: str, scratch: Path) -> None:
        self.id = run_id
        self.scratch = scratch
        self._spool = _spool(run_id, owner())

    def params(self, values: Mapping[str, Any]) -> None:
        """Logs parameters by dotted name."""
        from mlflow.entities import Param

        entities = [Param(name, str(value)) for name, value in values.items()]
        for start in range(0, len(entities), MOST_PARAMS):
            client().log_batch(self.id, params=entities[start : start + MOST_PARAMS])

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Takes the metrics of one step (an epoch, say); they are sent every few seconds, and nobody waits for that."""
        self._spool.add(step, values)

    def flush(self) -> None:
        """Sends what has not been sent yet."""
        self._spool.deliver()

    def tags(self, values: Mapping[str, str]) -> None:
        """Sets tags on the run."""
        for name, value in values.items():
            client().set_tag(self.id, name, value)

    def note(self, text: str) -> None:
        """Says in Markdown what the run came to, on its page."""
        self.tags({NOTE: text})

    def rename(self, name: str) -> None:
        """Gives the run another name."""
        client().update_run(self.id, name=name)

    def uses(self, data: DataRecord) -> None:
        """Records the data as an input of the run; its digest is DVC's md5, so runs can be searched by it."""
        from mlflow.entities import Dataset, DatasetInput

        source = json.dumps({"uri": f"dvc.lock#prepare@{data.name}"})
        dataset = Dataset(data.name, data.version, "dvc", source)
        client().log_inputs(self.id, datasets=[DatasetInput(dataset)])

    def keep(self, path: Path, folder: str = "") -> Artefact:
        """Uploads a file to the run's artifacts and returns its record; only this process may upload to the folder."""
        place = "/".join(part for part in (artifacts_of(self.id), folder) if part)
        clear_away(place)
        client().log_artifact(self.id, str(path), folder or None)
        kept = artefact_of(path, f"{place}/{path.name}")
        tags = client().get_run(self.id).data.tags
        client().set_tag(self.id, *tag_with(tags, str(PurePosixPath(folder, path.name)), kept.sha256))
        return kept


@contextmanager
def flow_run(experiment: str, name: str, flow_run_id: str, tags: Mapping[str, str]) -> Iterator[StageRun]:
    """Opens the parent run of a flow run and closes it as FINISHED or FAILED."""
    experiment_id = _experiment(experiment)
    run = client().create_run(experiment_id, tags={FLOW_RUN: flow_run_id, OWNER: owner(), **tags}, run_name=name)
    with _open(run.info.run_id) as opened:
        yield opened


@contextmanager
def stage_run(stage: str, flow_run_id: str) -> Iterator[StageRun]:
    """Opens a child run below the parent run of a flow run."""
    parent = parent_of(flow_run_id)
    labels = {PARENT: parent.info.run_id, STAGE: stage, FLOW_RUN: flow_run_id, OWNER: owner()}
    labels |= inherited(parent.data.tags)
    run = client().create_run(parent.info.experiment_id, tags=labels, run_name=stage)
    with _open(run.info.run_id) as opened:
        yield opened


def note_stage(flow_run_id: str, stage: str, run_id: str, digest: str) -> None:
    """Says on the parent run which run made a stage's result: its own child, or one of an earlier flow run.

    A stage that is called several times, as for the teachers of an ensemble, is named by the last of them; the digest
    of each record is kept by its run.
    """
    parent = parent_of(flow_run_id).info.run_id
    client().set_tag(parent, f"{STAGE}.{stage}", run_id)
    client().set_tag(parent, f"{USES}{run_id}", digest)


@cache
def parent_of(flow_run_id: str) -> Any:
    """Returns the parent run of a flow run, from whichever process or worker asks.

    Raises:
        StageError: there is none.
    """
    everywhere = [e.experiment_id for e in client().search_experiments()]
    wanted = f"tags.`{FLOW_RUN}` = '{flow_run_id}'"
    runs = [r for r in client().search_runs(everywhere, wanted) if PARENT not in r.data.tags]
    if not runs:
        raise StageError(
            f"MLflow: expected a parent run of flow run {flow_run_id}, found none; call a flow, not a task"
        )
    return runs[0]


def deliver_left(owner: str) -> int:
    """Delivers the metrics that an owner which has ended could not; returns of how many runs there were any.

    Those of a run that was removed meanwhile are nobody's any more.
    """
    from mlflow.exceptions import MlflowException

    left = [*spooled(_spools(owner))]
    for path in left:
        try:
            _spool(path.stem, owner).deliver()
        except MlflowException as error:
            if error.error_code not in GONE:
                raise
    shutil.rmtree(_spools(owner), ignore_errors=True)
    return len(left)


def history(run_id: str, metric: str) -> tuple[float, ...]:
    """Returns the values of a metric of a run in the order of their steps; none where there is no record."""
    from mlflow.exceptions import MlflowException

    try:
        found = client().get_metric_history(run_id, metric)
    except MlflowException:
        return ()
    return tuple(one.value for one in sorted(found, key=lambda one: one.step))


def fetch(artefact: Artefact) -> Path:
    """Returns a path on this machine to a file of exactly the recorded bytes, downloaded if it lies elsewhere.

    Raises:
        IntegrityError: the bytes are others, or the file is gone.
    """
    here = local_path(artefact.uri)
    if here is not None:
        return verified(here, artefact)
    kept = state_dir() / DOWNLOADS / artefact.sha256
    if not kept.is_file():
        from mlflow.artifacts import download_artifacts

        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            Path(download_artifacts(artifact_uri=artefact.uri, dst_path=folder)).rename(kept)
    return verified(kept, artefact)


def _spool(run_id: str, owner: str) -> Spool:
    return Spool(_spools(owner) / f"{run_id}.jsonl", partial(_send, run_id), FLUSH_SECONDS)


def _spools(owner: str) -> Path:
    return state_dir() / "spool" / owner


def _send(run_id: str, measured: Sequence[Measured]) -> None:
    from mlflow.entities import Metric

    entities = [Metric(metric_name(one.name), *one[1:]) for one in measured]
    for start in range(0, len(entities), MOST_METRICS):
        client().log_batch(run_id, metrics=entities[start : start + MOST_METRICS])


@contextmanager
def _open(run_id: str) -> Iterator[StageRun]:
    scratch = state_dir() / "work" / run_id
    scratch.mkdir(parents=True)
    run = StageRun(run_id, scratch)
    try:
        yield run
        run.flush()
    except BaseException:
        # Where MLflow is away, that is not what went wrong first; the next start closes the run.
        with suppress(Exception):
            client().set_terminated(run_id, "FAILED")
        raise
    else:
        client().set_terminated(run_id, "FINISHED")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _experiment(name: str) -> str:
    """Returns the id of the experiment, made if it is not there.

    With our own database the artifacts' place is given as an absolute one: MLflow's default follows the working
    directory.
    """
    client()  # which takes the same lock to make the database
    with FileLock(state_dir() / "mlflow.lock"):
        found = client().get_experiment_by_name(name)
        if found:
            _say_kind(found)
            return str(found.experiment_id)
        local = os.environ.get("MLFLOW_TRACKING_URI", "").startswith("sqlite:")
        place = (state_dir() / "artifacts" / name).as_uri() if local else None
        note = f"Runs of the recipe `params/{name}.yaml`: one for each retrain, and below it one for each stage."
        return str(client().create_experiment(name, place, {**TRAINING, NOTE: note}))


def _say_kind(experiment: Any) -> None:
    """Tags an experiment that was made without its kind; what a person chose stays."""
    for name, value in TRAINING.items():
        if name not in experiment.tags:
            client().set_experiment_tag(experiment.experiment_id, name, value)


def artifacts_of(run_id: str) -> str:
    """Returns the address of a run's artifacts."""
    root = str(client().get_run(run_id).info.artifact_uri)
    return Path(root).as_uri() if root.startswith("/") else root
