"""Numbers that a seed and a name or a content decide, the same on every machine."""

import hashlib
from collections.abc import Iterable, Mapping


def draw(seed: int, content: bytes) -> float:
    """Returns a number from 0 to 1 that depends on these two alone."""
    return int.from_bytes(hashlib.sha256(b"%d:%b" % (seed, content)).digest()[:6], "big") / 2**48


def drawn_parts(seed: int, groups: Iterable[str], fractions: Mapping[str, float]) -> dict[str, str]:
    """Returns group -> part; of more groups than parts each part has at least one, and one at least has none.

    The name of a group alone says where it belongs, so it stays there as others come, but for the few that fill a part.

    Args:
        seed: draws them.
        groups: their names.
        fractions: part -> about how much of the groups, in the order in which they are served; together below 1.
    """
    ordered = sorted(groups, key=lambda group: draw(seed, group.encode()))
    part_of: dict[str, str] = {}
    end, start = 0.0, 0
    for number, (part, fraction) in enumerate(fractions.items(), start=1):
        end += fraction
        count = sum(draw(seed, group.encode()) < end for group in ordered) - start
        count = min(max(1, count), len(ordered) - start - (len(fractions) - number) - 1)
        part_of |= dict.fromkeys(ordered[start : start + count], part)
        start += count
    return part_of
