"""Numbers that a seed and a name decide, and the names of the parts of a split."""

import hashlib


def drawn(seed: int, name: str) -> float:
    """Returns a number from 0 to 1 that depends on these two alone."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:6], "big") / 2**48
