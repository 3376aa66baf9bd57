"""What must stay: everything that the records of the remaining releases name."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tasks.contracts.releases import Release
from tasks.contracts.scores import EvaluationRecord
from tasks.core.files import artefacts_in

Version = tuple[str, int]
"""model and version"""
Made = tuple[Release, EvaluationRecord]


@dataclass(frozen=True)
class Needs:
    """What the records of some releases name.

    Attributes:
        versions: the releases themselves.
        runs: of MLflow, that made them.
        uris: of their files.
        folders: of prepared data.
        data_versions: as DVC names them.
        data: digests of prepared data.
        teachers: digests of networks.
    """

    versions: frozenset[Version]
    runs: frozenset[str]
    uris: frozenset[str]
    folders: frozenset[Path]
    data_versions: frozenset[str]
    data: frozenset[str]
    teachers: frozenset[str]


def needs_of(made: Iterable[Made], begun_with: Iterable[EvaluationRecord] = ()) -> Needs:
    """Returns what some releases need, each given with the evaluation that it was made from.

    Of the releases that they began with, whose evaluations are `begun_with`, they need the networks: the same data
    trains the same model only from there.
    """
    made = tuple(made)
    networks = tuple((one.teacher, one.baseline, one.student) for one in begun_with)
    evaluations = [evaluation for _, evaluation in made]
    return Needs(
        versions=frozenset((release.model, release.version) for release, _ in made),
        runs=frozenset(run for pair in made for run in _runs(*pair)),
        uris=frozenset(artefact.uri for thing in (*made, *networks) for artefact in artefacts_in(thing)),
        folders=frozenset(Path(evaluation.data.directory) for evaluation in evaluations),
        data_versions=frozenset(evaluation.data.version for evaluation in evaluations),
        data=frozenset(evaluation.data.digest for evaluation in evaluations),
        teachers=frozenset(evaluation.teacher.digest for evaluation in evaluations),
    )


def _runs(release: Release, evaluation: EvaluationRecord) -> tuple[str, ...]:
    return release.run_id, evaluation.run_id, evaluation.student.run_id, evaluation.teacher.run_id
