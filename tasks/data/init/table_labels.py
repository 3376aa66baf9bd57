"""Whether a column can be the label: which one, and whether its values are classes or measurements."""

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tasks.core.errors import DataError, mismatch
from tasks.data.init.templates import quoted
from tasks.data.prepared.near_equal import near_equal
from tasks.runtime.preprocess.cells import NumberFormat

LABELS = ("label", "target", "class", "y")
JOINTS = (";", "|", ",")
"""what people write between several labels of one cell"""
MANY = 10
"""different numbers, from which on a column of them may be a measurement"""
FEW_EACH = 10
"""rows per number; with fewer, a column of many different ones is a measurement"""
LEAST = 3
"""rows of a class, one per split"""


def label_column(path: Path, columns: Sequence[str], label: str | None) -> str:
    """Returns the column with the label: the one that was asked for, else the one with a usual name.

    Raises:
        DataError: there is none, or more than one.
    """
    shown = ", ".join(f"`{column}`" for column in columns)
    if label is None:
        found = [column for column in columns if column.lower() in LABELS]
        if len(found) == 1:
            return found[0]
        got = "none of those names" if not found else " and ".join(found)
        do = "name the column with the class: `--label COLUMN`"
        raise DataError(mismatch(str(path), "", f"a column {', '.join(LABELS)} among {shown}", got, do))
    if label in columns:
        return label
    close = difflib.get_close_matches(label, columns, n=1)
    do = f"did you mean `{close[0]}`?" if close else "choose one of them"
    raise DataError(mismatch(str(path), "--label", f"one of the columns {shown}", f"`{label}`", do))


def are_measurements(values: Sequence[str], written: NumberFormat) -> bool:
    """Says whether a label is a number that was measured, and not one of a few classes."""
    counts = Counter(values)
    numbers = [number for value in counts if (number := written.number(value)) is not None]
    return 2 * len(numbers) > len(counts) > MANY and not _codes(numbers, counts)


def check_label(path: Path, label: str, values: Sequence[str], written: NumberFormat) -> None:
    """Refuses a column that holds no classes.

    Raises:
        DataError: fewer than two classes, measurements, several labels in a cell, or free text.
    """
    counts = Counter(values)
    do = "choose another `--label`"
    if len(counts) < 2:
        raise DataError(mismatch(str(path), label, "at least two classes", f"{len(counts)}", do))
    numbers = [number for value in counts if (number := written.number(value)) is not None]
    of_numbers = 2 * len(numbers) > len(counts)
    if are_measurements(values, written):
        got = f"{len(numbers):,} different numbers in {len(values):,} rows: a regression"
        more = "make classes of the numbers, or say `task: regression` in a recipe that `init` wrote for classes"
        raise DataError(mismatch(str(path), label, "classes", got, f"{do}, {more}"))
    if not of_numbers and (joint := _joint(counts)):
        example = next(value for value in counts if joint in value)
        got = f"several in one cell, such as `{example}`"
        raise DataError(mismatch(str(path), label, "one class per row", got, f"{do}, or a row per class"))
    if len(counts) > MANY and len(values) < 2 * len(counts):
        got = f"{len(counts):,} different texts in {len(values):,} rows"
        raise DataError(mismatch(str(path), label, "classes, each with several rows", got, do))


def label_notes(counts: Mapping[str, int]) -> Iterator[str]:
    """Yields what a person should know of the classes before the recipe is written."""
    for group in near_equal(counts):
        first, *others = sorted(group, key=lambda name: (name != name.strip(), -counts[name], name))
        told = " and ".join(f"`{name}` ({counts[name]:,})" for name in (first, *others))
        merge = f"merge: {{{quoted(first)}: {quoted(others)}}}"
        yield f"the labels {told} are told apart; if they are one, write `{merge}` below `data.reader`"
    few = [f"`{name}` {count}" for name, count in counts.items() if count < LEAST]
    if few:
        yield f"fewer than {LEAST} rows of a class stop the run: {', '.join(few[:20])}; add rows, or remove them"


def _codes(numbers: Sequence[float], counts: Mapping[str, int]) -> bool:
    """Says whether whole numbers look like the codes of classes: each in many rows, or counted up from 0 or 1."""
    if not all(number.is_integer() for number in numbers):
        return False
    first = min(numbers)
    in_a_row = first in (0, 1) and max(numbers) - first + 1 == len({*numbers})
    return sum(counts.values()) >= FEW_EACH * len(counts) or (in_a_row and min(counts.values()) >= LEAST)


def _joint(counts: Mapping[str, int]) -> str:
    """Returns what stands between several labels of one cell; empty where each cell has one."""
    for joint in JOINTS:
        several = [{part.strip() for part in value.split(joint)} for value in counts if joint in value]
        alone = {value.strip() for value in counts if joint not in value}
        parts = Counter(part for some in several for part in some)
        again = [part for part, count in parts.items() if part in alone or count > 1]
        # People write a comma within one label, too.
        least = len(parts) if joint == "," else len(parts) / 2
        if len(again) > 1 and len(again) >= least:
            return joint
    return ""
