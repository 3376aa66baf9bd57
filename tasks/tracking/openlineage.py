"""The one module that imports OpenLineage: what an event looks like, and where events go.

They go to where OpenLineage's own variables or its `openlineage.yml` point, else to a file in the state folder.
"""

import os
from collections.abc import Iterable
from functools import cache, partial
from urllib.parse import unquote, urlparse

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState, set_producer
from openlineage.client.facet_v2 import (
    DatasetFacet,
    RunFacet,
    dataset_type_dataset,
    dataset_version_dataset,
    error_message_run,
    input_statistics_input_dataset,
    job_type_job,
    output_statistics_output_dataset,
    parent_run,
    schema_dataset,
    source_code_location_job,
    symlinks_dataset,
    tags_run,
)
from openlineage.client.transport.file import FileConfig, FileTransport
from openlineage.client.transport.http import HttpTransport
from openlineage.client.transport.http_common import DEFAULT_RETRY_CONFIG
from openlineage.client.transport.noop import NoopConfig, NoopTransport

from tasks.core.workspace import git_commit, git_remote, project_root, state_dir
from tasks.tracking.datasets import Dataset
from tasks.tracking.job_events import JobEvent, JobRun, Sink

FILE = "openlineage.jsonl"
NAMESPACE, DEFAULT_NAMESPACE = "OPENLINEAGE_NAMESPACE", "stillhouse"
set_producer("urn:stillhouse:pipeline")


def configured_sink() -> Sink:
    """Returns what sends events to where the user wants them; to the file by default.

    Raises:
        Exception: whatever OpenLineage's client has to say about its settings.
    """
    settings = OpenLineageClient(transport=NoopTransport(NoopConfig())).config.transport or {}
    if not settings.get("type") and not os.environ.get("OPENLINEAGE_URL"):
        return file_sink()
    client = OpenLineageClient()
    if isinstance(client.transport, HttpTransport) and client.transport.config.retry == DEFAULT_RETRY_CONFIG:
        # By default it would try for ten seconds, with a line of warning for each try.
        client.transport.config.retry = {**DEFAULT_RETRY_CONFIG, "total": 0}
    return partial(_emit, client)


def file_sink() -> Sink:
    """Returns what appends events to the file, one line each."""
    config = FileConfig(log_file_path=str(state_dir() / FILE), append=True)
    return partial(_emit, OpenLineageClient(transport=FileTransport(config)))


def _emit(client: OpenLineageClient, event: JobEvent) -> None:
    client.emit(event_of(event))


def event_of(event: JobEvent) -> RunEvent:
    """Returns the event; outputs are named when they are there."""
    run = event.run
    return RunEvent(
        eventType=RunState[event.state],
        eventTime=event.time.isoformat(),
        run=Run(run.id, facets=_run_facets(event)),
        job=_job(run),
        inputs=[_input(dataset) for dataset in run.inputs],
        outputs=[_output(dataset) for dataset in run.outputs],
    )


def _job(run: JobRun) -> Job:
    kind = job_type_job.JobTypeJobFacet("BATCH", "STILLHOUSE", "TASK" if run.parent else "FLOW")
    return Job(_namespace(), run.job, facets={"jobType": kind, "sourceCodeLocation": _source_code()})


@cache
def _source_code() -> source_code_location_job.SourceCodeLocationJobFacet:
    root = project_root()
    remote = git_remote(root)
    return source_code_location_job.SourceCodeLocationJobFacet(
        type="git",
        url=remote if "://" in remote else root.as_uri(),
        repoUrl=remote or None,
        version=git_commit(root),
    )


def _run_facets(event: JobEvent) -> dict[str, RunFacet]:
    run = event.run
    facets: dict[str, RunFacet] = {}
    if run.parent:
        facets["parent"] = _parent(run.parent)
    if run.mlflow_run:
        tag = tags_run.TagsRunFacetFields("mlflow_run", run.mlflow_run, "STILLHOUSE")
        facets["tags"] = tags_run.TagsRunFacet([tag])
    if event.error:
        facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(event.error, "PYTHON")
    return facets


def _parent(run: JobRun) -> parent_run.ParentRunFacet:
    root = run
    while root.parent:
        root = root.parent
    return parent_run.ParentRunFacet(
        run=parent_run.Run(run.id),
        job=parent_run.Job(_namespace(), run.job),
        root=parent_run.Root(
            run=parent_run.RootRun(root.id),
            job=parent_run.RootJob(_namespace(), root.job),
        ),
    )


def _input(dataset: Dataset) -> InputDataset:
    statistics = input_statistics_input_dataset.InputStatisticsInputDatasetFacet(
        dataset.rows, dataset.size, dataset.files
    )
    facets = {"inputStatistics": statistics} if _measured(dataset) else {}
    return InputDataset(_namespace(dataset), dataset.name, inputFacets={**facets}, facets=_dataset_facets(dataset))


def _output(dataset: Dataset) -> OutputDataset:
    statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
        dataset.rows, dataset.size, dataset.files
    )
    facets = {"outputStatistics": statistics} if _measured(dataset) else {}
    return OutputDataset(_namespace(dataset), dataset.name, outputFacets={**facets}, facets=_dataset_facets(dataset))


def _measured(dataset: Dataset) -> bool:
    return any(number is not None for number in (dataset.rows, dataset.size, dataset.files))


def _dataset_facets(dataset: Dataset) -> dict[str, DatasetFacet]:
    facets: dict[str, DatasetFacet] = {"datasetType": dataset_type_dataset.DatasetTypeDatasetFacet(dataset.kind)}
    if dataset.version:
        facets["version"] = dataset_version_dataset.DatasetVersionDatasetFacet(dataset.version)
    if dataset.fields:
        facets["schema"] = schema_dataset.SchemaDatasetFacet(_fields(dataset.fields))
    if dataset.uri:
        facets["symlinks"] = symlinks_dataset.SymlinksDatasetFacet([_place(dataset.uri)])
    return facets


def _fields(fields: Iterable[tuple[str, str]]) -> list[schema_dataset.SchemaDatasetFacetFields]:
    return [
        schema_dataset.SchemaDatasetFacetFields(name, kind, ordinal_position=place)
        for place, (name, kind) in enumerate(fields, 1)
    ]


def _place(uri: str) -> symlinks_dataset.Identifier:
    """Names where it lies as OpenLineage does: who serves it, and the path there."""
    parsed = urlparse(uri)
    served = f"{parsed.scheme}://{parsed.netloc}" if parsed.netloc else parsed.scheme or "file"
    return symlinks_dataset.Identifier(served, unquote(parsed.path), "LOCATION")


def _namespace(dataset: Dataset | None = None) -> str:
    return (dataset and dataset.namespace) or os.environ.get(NAMESPACE) or DEFAULT_NAMESPACE
