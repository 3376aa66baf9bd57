"""Where prepared data lies: that of now in its folder, earlier versions in DVC's cache, file by file."""

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.contracts.records import DataRecord, DatasetCard
from tasks.core.errors import DataError, mismatch
from tasks.core.files import sha256_of

CARD, QUARANTINE = "dataset.json", "quarantine.json"
CACHE = Path(".dvc/cache/files/md5")
"""of a project; its variants share it"""
Locate = Callable[[str], Path]
"""name of a prepared file -> where its bytes lie"""


def quarantine_file(data: DataRecord) -> Path:
    """Returns where the bad samples that were left out of prepared data are named."""
    return Path(data.directory, QUARANTINE)


def card_of(locate: Locate) -> DatasetCard:
    """Returns what there is to know of a data version."""
    return DatasetCard.model_validate_json(locate(CARD).read_bytes())


def cached(cache: Path, version: str) -> Locate:
    """Returns where the files of an earlier data version lie in DVC's cache.

    Args:
        cache: the folder of md5s, such as `.dvc/cache/files/md5`.
        version: the md5 of the prepared folder, as `dvc.lock` has it.

    Raises:
        DataError: they are no longer there.
    """
    listing = cache / version[:2] / version[2:]
    md5s = _md5s(listing) if listing.is_file() else {}
    lie = {name: cache / md5[:2] / md5[2:] for name, md5 in md5s.items()}
    gone = [path for path in lie.values() if not path.is_file()] if lie else [listing]
    if gone:
        do = f"`dvc fetch` it, or run the recipe by hand: version {version} is what data of now is measured against"
        raise DataError(mismatch(str(gone[0]), "", "the files of an earlier data version", "no such file", do))
    return lambda name: lie[name]


@contextmanager
def at_hand(data: DataRecord, cache: Path) -> Iterator[DataRecord]:
    """Yields a data version in a folder that holds it during the block: its own or, where newer data is there, another.

    Args:
        data: as it was prepared.
        cache: the folder of md5s, such as `.dvc/cache/files/md5`; what is not there either stays as it is on record.
    """
    card, listing = Path(data.directory, CARD), cache / data.version[:2] / data.version[2:]
    if not listing.is_file() or (card.is_file() and sha256_of(card) == data.card_sha256):
        yield data
        return
    locate = cached(cache.absolute(), data.version)
    with tempfile.TemporaryDirectory() as folder:
        for name in _md5s(listing):
            Path(folder, name).symlink_to(locate(name))
        yield data.model_copy(update={"directory": folder})


def _md5s(listing: Path) -> dict[str, str]:
    return {entry["relpath"]: entry["md5"] for entry in json.loads(listing.read_text(encoding="utf-8"))}
