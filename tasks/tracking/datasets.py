"""What goes into a stage and comes out of it, under the names by which a data catalogue joins runs.

A name stays the same from week to week, so that a catalogue sees one thing that changes: `digits/data`,
`digits/teacher`, `digits/fp32.onnx`, `digits/model`. Which one it was is the version: DVC's md5 of data, the sha256 of
a file, the number of a model version. What others own goes by its own name: a package, a web address, a path.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlparse

from params.pipeline import Recipe
from params.sources import (
    DownloadSource,
    FileSource,
    FolderSource,
    GitSource,
    InstalledSource,
    NpmSource,
    Source,
    WheelSource,
)
from tasks.contracts.records import CandidatesRecord, DataRecord, ModelRecord, PairRecord, TeacherRecord
from tasks.contracts.releases import Promotion, Release
from tasks.contracts.scores import EvaluationRecord
from tasks.core.record import Artefact
from tasks.core.workspace import project_root


@dataclass(frozen=True)
class Dataset:
    """Something that is read or written.

    Attributes:
        name: the same for every version.
        version: which one it is; empty where nothing says it.
        kind: `FILE`, `MODEL` or `JOB_OUTPUT`.
        uri: where it lies; empty where it has no place of its own.
        size: in bytes; None where that would have to be measured.
        files: how many.
        rows: number of samples.
        fields: (name, type) of each field of a sample.
        namespace: of somebody else's; empty for our own.
    """

    name: str
    version: str = ""
    kind: str = "FILE"
    uri: str = ""
    size: int | None = None
    files: int | None = None
    rows: int | None = None
    fields: tuple[tuple[str, str], ...] = ()
    namespace: str = ""


def read_from(product: str, value: object) -> Iterator[Dataset]:
    """Yields what a stage reads that is given `value`: a record, a recipe, or a tuple of them; others are nothing."""
    match value:
        case Recipe():
            for source in value.data.sources.values():
                yield from _source(source)
        case EvaluationRecord():
            yield from written_as(product, value)
            yield _model_file(f"{product}/{value.chosen}.onnx", value.onnx)
        case TeacherRecord():
            yield from read_from(product, value.model)
        case tuple():
            for item in value:
                yield from read_from(product, item)
        case _:
            yield from written_as(product, value)


def written_as(product: str, value: object) -> Iterator[Dataset]:
    """Yields what a stage has written that returns `value`."""
    match value:
        case DataRecord():
            yield _data(value)
        case ModelRecord():
            yield _model_file(f"{product}/{value.role}", value.weights)
        case PairRecord():
            yield from written_as(product, value.student)
            yield from written_as(product, value.peer)
        case CandidatesRecord():
            yield from (_model_file(f"{product}/{one.name}.onnx", one.onnx) for one in value.candidates)
        case EvaluationRecord():
            yield Dataset(f"{product}/evaluation", value.digest, "JOB_OUTPUT")
        case Release():
            yield _release(value)
        case Promotion():
            yield Dataset(f"{product}/{value.environment}", str(value.version), "MODEL")


def _data(record: DataRecord) -> Dataset:
    sample = f"{record.input.dtype}[{', '.join(map(str, record.input.shape))}]"
    targets = [(column.name, column.dtype) for column in record.columns]
    return Dataset(
        f"{record.name}/data",
        record.version,
        uri=Path(record.directory).as_uri(),
        rows=sum(record.samples.values()),
        fields=((record.input.layout, sample), *targets),
    )


def _model_file(name: str, artefact: Artefact) -> Dataset:
    return Dataset(name, artefact.sha256, "MODEL", artefact.uri, artefact.size, 1)


def _release(release: Release) -> Dataset:
    return Dataset(
        f"{release.model}/model",
        str(release.version),
        "MODEL",
        f"models:/{release.model}/{release.version}",
        sum(artefact.size for artefact in release.bundle),
        len(release.bundle),
    )


def _source(source: Source) -> Iterator[Dataset]:
    match source:
        case InstalledSource():
            yield Dataset(source.package, namespace="pypi")
        case WheelSource():
            yield Dataset(source.package, source.version, namespace="pypi")
        case DownloadSource():
            place = (*source.urls, *source.folders)[0]
            yield from (_placed(f"{place.rstrip('/')}/{name}", sha256) for name, sha256 in source.files.items())
        case NpmSource():
            yield Dataset(source.package, source.version, namespace="npm")
        case GitSource():
            yield _placed(source.url, source.commit)
        case FolderSource() | FileSource():
            yield _placed(str((project_root() / source.path).resolve()), "")


def _placed(place: str, version: str) -> Dataset:
    """Names a file as OpenLineage does: the namespace is the scheme and who serves it, the name is the path."""
    parsed = urlparse(place)
    served = f"{parsed.scheme}://{parsed.netloc.rpartition('@')[2]}" if parsed.scheme else "file"
    return Dataset(unquote(parsed.path), version, namespace=served)
