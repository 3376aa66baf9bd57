"""The order of classes: position in it is the label that the networks learn."""

import math
from collections.abc import Iterable


def in_order(labels: Iterable[str]) -> tuple[str, ...]:
    """Returns the different labels in order: by value where all are numbers, else as text."""
    different = sorted(set(labels))
    numbers = [_number(label) for label in different]
    if all(number is not None for number in numbers):
        return tuple(sorted(different, key=lambda label: (float(label), label)))
    return tuple(different)


def _number(label: str) -> float | None:
    try:
        number = float(label)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
