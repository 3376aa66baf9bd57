"""Samples that cannot be used: told by name, or left out and named in a file beside the prepared data."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from params.pipeline import Recipe
from tasks.contracts.records import Quarantine, counted
from tasks.core.errors import DataError, mismatch
from tasks.data.prepared.shards import file_record
from tasks.data.versions.versions_store import QUARANTINE

CORRUPT = "corrupt"
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Bad:
    """A sample that cannot be used: its name in the source, why in a word, and what was expected and got."""

    id: str
    reason: str
    message: str


def leaves_out(recipe: Recipe) -> bool:
    """Says whether the recipe would rather go on without bad samples."""
    return recipe.data.arrivals.bad == "quarantine"


def judge(recipe: Recipe, bad: Sequence[Bad], read: int) -> None:
    """Refuses bad samples, or, where the recipe leaves them out, more of them than it allows.

    Args:
        recipe: `arrivals` is in its `data` section.
        bad: all that are known by now.
        read: how many samples the source has, bad ones too.

    Raises:
        DataError: naming a few of them and counting the others.
    """
    if bad and not leaves_out(recipe):
        first = f"data of `{recipe.name}`: expected only samples that can be used, got {len(bad)} that cannot:"
        last = "repair or remove them in the source, then run again; `data.arrivals: {bad: quarantine}` leaves them out"
        raise DataError("\n".join([first, *_shown(bad), last]))
    most = recipe.data.arrivals.at_most
    if len(bad) > most * read:
        expected = f"at most {most:g} of {read:,} samples to be bad"
        got = f"{len(bad):,} ({counted(reasons_of(bad))})"
        do = "the source is broken, not a few samples: correct it, then run again"
        first = mismatch(f"params/{recipe.name}.yaml", "data.arrivals.at_most", expected, got, do)
        raise DataError("\n".join([first, *_shown(bad)]))


def write_quarantine(bad: Sequence[Bad], folder: Path) -> Quarantine | None:
    """Writes which samples are in quarantine and why, a line each; nothing where there are none."""
    if not bad:
        return None
    lines = [json.dumps(asdict(one), ensure_ascii=False) for one in sorted(bad, key=lambda one: one.id)]
    (folder / QUARANTINE).write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
    return Quarantine(reasons=reasons_of(bad), file=file_record(folder / QUARANTINE))


def reasons_of(bad: Sequence[Bad]) -> dict[str, int]:
    """Returns reason -> how many samples, in the order of the alphabet."""
    return dict(sorted(Counter(one.reason for one in bad).items()))


def _shown(bad: Sequence[Bad]) -> Iterator[str]:
    """Words a few in full and counts the others."""
    yield from (f"  `{one.id}`: {one.message}" for one in bad[:SHOWN])
    if len(bad) > SHOWN:
        yield f"  and {len(bad) - SHOWN} more"
