"""What did this reach? From a digest, a file or a version forward to every release that has it among its ancestors."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from tasks.contracts.ancestors import Ancestor

SHORTEST = 8
"""characters of a digest that are enough"""


def digests_of(said: str) -> tuple[str, ...]:
    """Returns the digests that a person means: md5 and sha256 of a file of that name, else what was said itself."""
    path = Path(said)
    if not path.is_file():
        return (said,)
    with path.open("rb") as stream:
        md5 = hashlib.file_digest(stream, "md5").hexdigest()
        stream.seek(0)
        return md5, hashlib.file_digest(stream, "sha256").hexdigest()


def holds(ancestors: Sequence[Ancestor], digests: Sequence[str]) -> tuple[str, ...]:
    """Returns the kinds of ancestors that have one of the digests, or begin one with it, in a fact or a file."""
    long = [digest for digest in digests if len(digest) >= SHORTEST]
    return tuple(
        ancestor.kind
        for ancestor in ancestors
        if any(_named(value, digest) for digest in long for value in _values(ancestor))
    )


def _values(ancestor: Ancestor) -> list[str]:
    return [*ancestor.facts.values(), *(artefact.sha256 for artefact in ancestor.files.values())]


def _named(value: str, digest: str) -> bool:
    return any(word.strip(",").startswith(digest) for word in value.split())
