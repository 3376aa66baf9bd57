"""JSON that carries the sha256 of itself, so that it is noticed when a byte of it changes."""

import hashlib

SEALED = "stillhouse-sealed"
"""the name of the serializer that stores results of stages like this"""
_HEAD, _MIDDLE, _END = b'{"sha256": "', b'", "content": ', b"}"
_START = len(_HEAD) + hashlib.sha256().digest_size * 2 + len(_MIDDLE)


def sealed(content: bytes) -> bytes:
    """Returns a JSON object with a JSON text as `content` and its digest."""
    return b"".join((_HEAD, hashlib.sha256(content).hexdigest().encode(), _MIDDLE, content, _END))


def unsealed(blob: bytes) -> bytes:
    """Returns the JSON text in what `sealed` made.

    Raises:
        ValueError: it is not as it was made.
    """
    content = blob[_START : -len(_END)]
    if sealed(content) != blob:
        raise ValueError("expected JSON with the sha256 of itself, got other bytes")
    return content
