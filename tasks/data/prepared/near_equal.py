"""Names that differ in spaces, case or the form of their letters alone: they may be meant to be one."""

import unicodedata
from collections.abc import Iterable


def near_equal(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Returns groups of different names that a person would read as one."""
    groups: dict[str, list[str]] = {}
    for name in sorted(set(names)):
        plain = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
        groups.setdefault(plain, []).append(name)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def near_equal_told(names: Iterable[str], what: str = "labels") -> tuple[str, ...]:
    """Returns a sentence for each such group of `what` is told apart."""
    return tuple(
        f"the {what} {' and '.join(f'`{name}`' for name in group)} differ in spaces, case or the form of letters alone,"
        " and are told apart; correct the data if they are one (`data.reader.merge` of a table does that)"
        for group in near_equal(names)
    )
