"""The bill of materials of a release, as CycloneDX 1.6 has it for machine learning (an ML-BOM), from its lineage.

The library for CycloneDX knows no model cards yet, so that this writes the JSON itself; a test holds it against the
published schema.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from tasks.contracts.ancestors import Ancestor
from tasks.contracts.records import DataRecord, ModelRecord
from tasks.contracts.releases import Release
from tasks.contracts.scores import EvaluationRecord
from tasks.core.record import Artefact
from tasks.kinds.limits import metrics_of

SPECIFICATION = "1.6"
MODEL, DATA = "machine-learning-model", "data"
Json = dict[str, Any]


def bill_of_materials(
    release: Release, evaluation: EvaluationRecord, ancestors: tuple[Ancestor, ...], libraries: Mapping[str, str]
) -> Json:
    """Returns the bill of a release: itself, what it was distilled from, its data and the libraries that made it.

    Args:
        release: the release.
        evaluation: which it was made from.
        ancestors: all that it is made of.
        libraries: name -> version.
    """
    trained = {role: _trained(role, model) for role, model in _models(evaluation).items()}
    raw = [*_raw(ancestors)]
    used = [_library(name, version) for name, version in sorted(libraries.items())]
    shipped, data = _shipped(release, evaluation), _data(evaluation.data)
    return {
        "$schema": f"http://cyclonedx.org/schema/bom-{SPECIFICATION}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPECIFICATION,
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, release.fingerprint)}",
        "version": 1,
        "metadata": {"timestamp": release.created.isoformat(), "component": shipped},
        "components": [*trained.values(), data, *raw, *used],
        "dependencies": [
            _depends(shipped, [*trained.values(), data, *used]),
            _depends(trained["student"], [trained["teacher"], data]),
            _depends(trained["teacher"], [data]),
            _depends(data, raw),
        ],
    }


def _models(evaluation: EvaluationRecord) -> dict[str, ModelRecord]:
    return {"student": evaluation.student, "teacher": evaluation.teacher}


def _shipped(release: Release, evaluation: EvaluationRecord) -> Json:
    student = evaluation.student
    return {
        "type": MODEL,
        "bom-ref": f"{release.model}@{release.version}",
        "name": release.model,
        "version": str(release.version),
        "hashes": _hashes(evaluation.onnx),
        "components": [_file(release, artefact) for artefact in release.bundle],
        "modelCard": {
            "modelParameters": {
                "approach": {"type": "supervised"},
                "task": evaluation.data.task,
                "modelArchitecture": student.architecture.kind,
                "datasets": [{"ref": _data_ref(evaluation.data)}],
            },
            "quantitativeAnalysis": {"performanceMetrics": [*_measured(evaluation)]},
        },
        "properties": _properties(
            candidate=evaluation.chosen,
            target=evaluation.target.isa,
            fingerprint=release.fingerprint,
            git_commit=release.git_commit,
            stillhouse_version=release.product_version,
            mlflow_run=release.run_id,
        ),
    }


def _file(release: Release, artefact: Artefact) -> Json:
    name = artefact.uri.rpartition("/")[2]
    ref = f"{release.model}@{release.version}/{name}"
    return {"type": "file", "bom-ref": ref, "name": name, "hashes": _hashes(artefact)}


def _measured(evaluation: EvaluationRecord) -> Iterator[Json]:
    """Yields the metrics of the file that ships, on test samples, with their intervals."""
    for metric in metrics_of(evaluation.data.task):
        for name in metric.names_in(evaluation.shipped.metrics):
            found = evaluation.shipped.metrics[name]
            ends = {"lowerBound": str(found.low), "upperBound": str(found.high)}
            yield {"type": name, "value": str(found.value), "slice": "test", "confidenceInterval": ends}


def _trained(role: str, model: ModelRecord) -> Json:
    return {
        "type": MODEL,
        "bom-ref": f"{role}@{model.weights.sha256}",
        "name": role,
        "version": model.weights.sha256[:12],
        "hashes": _hashes(model.weights),
        "modelCard": {"modelParameters": {"task": model.task, "modelArchitecture": model.architecture.kind}},
        "properties": _properties(
            parameters=str(model.parameters), data_version=model.data_version, mlflow_run=model.run_id
        ),
    }


def _data(data: DataRecord) -> Json:
    licence = {"licenses": [{"license": {"name": data.licence}}]} if data.licence else {}
    counts = {f"samples.{split}": str(count) for split, count in data.samples.items()}
    return {
        "type": DATA,
        "bom-ref": _data_ref(data),
        "name": data.name,
        "version": data.version,
        "data": [{"type": "dataset", "name": data.name}],
        "hashes": [{"alg": "SHA-256", "content": data.card_sha256}],
        "properties": _properties(**counts),
        **licence,
    }


def _data_ref(data: DataRecord) -> str:
    return f"data@{data.version}"


def _raw(ancestors: tuple[Ancestor, ...]) -> Iterator[Json]:
    """Yields the folders that the data were prepared from."""
    for ancestor in ancestors:
        if ancestor.kind == "raw data":
            facts = dict(ancestor.facts)
            name, md5 = facts.pop("folder"), facts.pop("md5")
            yield {
                "type": DATA,
                "bom-ref": f"raw@{md5}",
                "name": name,
                "version": md5,
                "data": [{"type": "dataset", "name": name}],
                "properties": _properties(**facts),
            }


def _library(name: str, version: str) -> Json:
    purl = f"pkg:pypi/{name.lower().replace('_', '-')}@{version}"
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def _depends(one: Json, on: list[Json]) -> Json:
    return {"ref": one["bom-ref"], "dependsOn": [other["bom-ref"] for other in on]}


def _hashes(artefact: Artefact) -> list[Json]:
    return [{"alg": "SHA-256", "content": artefact.sha256}]


def _properties(**values: str) -> list[Json]:
    return [{"name": f"stillhouse:{name}", "value": value} for name, value in values.items()]
