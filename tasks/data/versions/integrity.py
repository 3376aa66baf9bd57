"""Whether prepared files are what they were when they were made: DVC hands out a damaged cache object as it is."""

import hashlib
import shutil
from pathlib import Path

from tasks.contracts.records import DataFile, DatasetCard
from tasks.core.errors import IntegrityError
from tasks.core.files import sha256_of
from tasks.data.versions.repro import Outcome
from tasks.data.versions.versions_store import CARD


def intact_card(prepared: Path, outcome: Outcome) -> DatasetCard:
    """Returns `dataset.json` after hashing it and every file it lists.

    Raises:
        IntegrityError: a file is missing or has other bytes. The folder and the damaged objects in DVC's cache are
            removed by then, so that the next run makes them again instead of checking them out again.
    """
    damaged = [CARD] if _md5_of(prepared / CARD) != outcome.files[CARD] else []
    if not damaged:
        card = DatasetCard.model_validate_json((prepared / CARD).read_bytes())
        damaged = [file.name for file in card.files if not _is_intact(prepared, file)]
        if not damaged:
            return card
    _forget(prepared, damaged, outcome)
    raise IntegrityError(
        f"`{prepared}`: expected the bytes that version {outcome.version} was made with, got others in"
        f" {', '.join(f'`{name}`' for name in damaged)}; the damaged files were removed from there and from DVC's"
        " cache, run again to make them"
    )


def _is_intact(prepared: Path, file: DataFile) -> bool:
    path = prepared / file.name
    return path.is_file() and sha256_of(path) == file.sha256


def _forget(prepared: Path, names: list[str], outcome: Outcome) -> None:
    shutil.rmtree(prepared)
    for name in names:
        md5 = outcome.files[name]
        Path(outcome.cache, md5[:2], md5[2:]).unlink(missing_ok=True)


def _md5_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
