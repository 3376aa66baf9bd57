"""Is all that a release is made of still there, with the bytes it had? And are the rows that say so?"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.contracts.ancestors import Ancestor
from tasks.contracts.records import DatasetCard
from tasks.core.files import local_path, sha256_of
from tasks.core.record import Artefact
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.chain import broken_links
from tasks.registry.ledger.history import History
from tasks.registry.lineage.folders import cached_files, folder_states, is_current

Locate = Callable[[str], Path]
"""name of a prepared file -> where its bytes should lie"""


@dataclass(frozen=True)
class FileState:
    """What became of one file: `ok`, `missing`, `changed`, or `elsewhere` where it is not on this machine."""

    file: str
    state: str


def verify(ancestors: Sequence[Ancestor], project: Path) -> tuple[FileState, ...]:
    """Hashes every file of a release's ancestors again, as far as they are on this machine.

    Prepared data is every file that its `dataset.json` lists, in DVC's cache where newer data is in its place; raw data
    is what DVC's md5 means, where it is here.

    Args:
        ancestors: of the release.
        project: where DVC's cache is.
    """
    return tuple(state for ancestor in ancestors for state in _of(ancestor, project))


def verify_ledger(history: History) -> tuple[FileState, ...]:
    """Returns the state of every row of the ledger, by the digests that rows hold of themselves and of each other.

    Args:
        history: of all models.
    """
    rows = (FileState(f"ledger: {name}", state) for name, state in ledger.rows(history))
    broken = dict.fromkeys(link.row for link in broken_links(history))
    return (*rows, *(FileState(row, "changed") for row in broken))


def damage(states: Iterable[FileState]) -> tuple[str, ...]:
    """Returns in words what is missing or changed."""
    return tuple(f"{one.file} is {one.state}" for one in states if one.state in ("missing", "changed"))


def _of(ancestor: Ancestor, project: Path) -> Iterator[FileState]:
    for name, artefact in ancestor.files.items():
        if ancestor.kind == "data":
            yield from _prepared(ancestor, artefact, project)
        else:
            yield FileState(f"{ancestor.kind}: {name}", _state(artefact))
    for folder, md5 in ancestor.folders.items():
        for name, state in folder_states(project, Path(folder), md5):
            yield FileState(f"{ancestor.kind}: {name}", state)


def _prepared(data: Ancestor, recorded: Artefact, project: Path) -> Iterator[FileState]:
    path = Path(recorded.uri)
    locate = _prepared_at(path.parent, data.facts["version"], project)
    card = locate(path.name)
    state = _state(recorded.model_copy(update={"uri": str(card)}))
    yield FileState(f"data: {path.name}", state)
    listed = DatasetCard.model_validate_json(card.read_bytes()).files if state == "ok" else ()
    for file in listed:
        artefact = Artefact(uri=str(locate(file.name)), sha256=file.sha256, size=file.size)
        yield FileState(f"data: {file.name}", _state(artefact))


def _prepared_at(folder: Path, version: str, project: Path) -> Locate:
    """Returns where the files of a data version are: in its folder, or in DVC's cache once newer data replaced it."""
    files = None if is_current(folder, version) else cached_files(project, version)
    if files is None:
        return lambda file: folder / file
    return lambda file: files.get(file, folder / file)


def _state(artefact: Artefact) -> str:
    here = local_path(artefact.uri)
    if here is None:
        return "elsewhere"
    if not here.is_file():
        return "missing"
    return "ok" if sha256_of(here) == artefact.sha256 else "changed"
