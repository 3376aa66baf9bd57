"""Which output of a teacher counts for which name of the data, for kinds of task with an output for each name."""

from collections.abc import Mapping, Sequence

from tasks.contracts.targets import TargetCard
from tasks.core.errors import DataError, mismatch
from tasks.kinds.contract import Correspondence

WHERE, SAID = "recipe", "teacher.classes"
MOST_LISTED = 12


def refused_number(outputs: int, wanted: int) -> tuple[str, str] | None:
    """Returns what is expected in place of so many outputs, and what to do; None where they are as many as wanted."""
    do = "say in `teacher.classes` which output is which: the data's name for each in turn, null for none of them"
    return None if outputs == wanted else (f"{wanted} outputs, one for each name of the data", do)


def names_of_outputs(
    said: Correspondence, lacks: Sequence[str], own: Sequence[str] | None, card: TargetCard
) -> tuple[str | None, ...]:
    """Returns the name of the data that each output of a teacher counts for; none where they are the data's.

    Args:
        said: what the recipe says of them.
        lacks: names of the data that the recipe says no output counts for.
        own: the names that the teacher brings along, if any.
        card: of the data.

    Raises:
        DataError: a name is not of the data, or an output is not there; or a name of the data is left without one.
    """
    names = _in_turn(said, own) if said is not None else tuple(own or card.names)
    _require_known(names, card)
    _require_whole(names, lacks, card)
    return () if names == card.names else names


def _in_turn(said: Correspondence, own: Sequence[str] | None) -> tuple[str | None, ...]:
    """Returns what the recipe says as a name for each output in turn."""
    if not isinstance(said, Mapping):
        return tuple(said or ())
    places = {}
    for output, name in said.items():
        if isinstance(output, str) and output not in (own or ()):
            expected = f"an output of the teacher: {_listed(own)}" if own else "the place of an output, from 0"
            raise DataError(mismatch(WHERE, SAID, expected, f"`{output}`", "correct it"))
        places[own.index(output) if own and isinstance(output, str) else int(output)] = name
    if min(places, default=0) < 0 or (own and max(places, default=0) >= len(own)):
        raise DataError(mismatch(WHERE, SAID, "places of outputs, from 0", [*said], "correct them"))
    return tuple(places.get(place) for place in range(len(own) if own else max(places, default=-1) + 1))


def _require_known(names: Sequence[str | None], card: TargetCard) -> None:
    unknown = [name for name in names if name is not None and name not in card.names]
    if unknown:
        do = "map the outputs in `teacher.classes`: the data's name for each, null for one that is none of them"
        raise DataError(mismatch(WHERE, SAID, f"classes of the data: {_listed(card.names)}", _listed(unknown), do))


def _require_whole(names: Sequence[str | None], lacks: Sequence[str], card: TargetCard) -> None:
    missing = [name for name in card.names if name not in names and name not in lacks]
    if missing:
        do = "map an output to each in `teacher.classes`, or list them in `teacher.lacks`"
        raise DataError(mismatch(WHERE, SAID, f"an output for {_listed(missing)}", "none", do))
    idle = [name for name in lacks if name in names or name not in card.names]
    if idle:
        expected = "classes of the data that no output counts for"
        raise DataError(mismatch(WHERE, "teacher.lacks", expected, _listed(idle), "take them out"))


def _listed(names: Sequence[str | None] | None) -> str:
    shown = [f"`{name}`" for name in names or ()]
    more = f" and {len(shown) - MOST_LISTED} more" if len(shown) > MOST_LISTED else ""
    return ", ".join(shown[:MOST_LISTED]) + more
