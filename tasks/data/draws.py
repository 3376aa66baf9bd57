"""Numbers that a seed and a name or a content decide, the same on every machine."""

import hashlib


def draw(seed: int, content: bytes) -> float:
    """Returns a number from 0 to 1 that depends on these two alone."""
    return int.from_bytes(hashlib.sha256(b"%d:%b" % (seed, content)).digest()[:6], "big") / 2**48
