"""Is all that a release is made of still there, with the bytes it had?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.contracts.ancestors import Ancestor
from tasks.contracts.records import DatasetCard
from tasks.core.files import local_path, sha256_of
from tasks.core.record import Artefact
from tasks.registry.lineage.folders import folder_states
from tasks.registry.lineage.prepared import prepared_at


@dataclass(frozen=True)
class Finding:
    """What became of one file: `ok`, `missing`, `changed`, or `elsewhere` where it is not on this machine."""

    file: str
    state: str


def verify(ancestors: Sequence[Ancestor], project: Path) -> tuple[Finding, ...]:
    """Hashes every file of a release's ancestors again, and nothing but files of this machine.

    Prepared data is every file that its `dataset.json` lists, in DVC's cache where newer data is in its place; raw data
    is what DVC's md5 stands for, where it is here.

    Args:
        ancestors: of the release.
        project: where DVC's cache is.
    """
    return tuple(finding for ancestor in ancestors for finding in _of(ancestor, project))


def _of(ancestor: Ancestor, project: Path) -> Iterator[Finding]:
    for name, artefact in ancestor.files.items():
        if ancestor.kind == "data":
            yield from _prepared(ancestor, artefact, project)
        else:
            yield Finding(f"{ancestor.kind}: {name}", _state(artefact))
    for folder, md5 in ancestor.folders.items():
        for name, state in folder_states(project, Path(folder), md5):
            yield Finding(f"{ancestor.kind}: {name}", state)


def _prepared(data: Ancestor, recorded: Artefact, project: Path) -> Iterator[Finding]:
    path = Path(recorded.uri)
    locate = prepared_at(path.parent, data.facts["version"], project)
    card = locate(path.name)
    state = _state(recorded.model_copy(update={"uri": str(card)}))
    yield Finding(f"data: {path.name}", state)
    listed = DatasetCard.model_validate_json(card.read_bytes()).files if state == "ok" else ()
    for file in listed:
        artefact = Artefact(uri=str(locate(file.name)), sha256=file.sha256, size=file.size)
        yield Finding(f"data: {file.name}", _state(artefact))


def _state(artefact: Artefact) -> str:
    here = local_path(artefact.uri)
    if here is None:
        return "elsewhere"
    if not here.is_file():
        return "missing"
    return "ok" if sha256_of(here) == artefact.sha256 else "changed"
