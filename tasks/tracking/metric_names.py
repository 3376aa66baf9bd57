"""Names of metrics as MLflow takes them: a label may have any sign in it, and some metrics are of one label."""

import posixpath
import re

STRANGE = re.compile(r"[^\w.\- :/]")
LONGEST = 250


def metric_name(name: str) -> str:
    """Returns a name with `_` for what MLflow refuses: other signs, and slashes and dots that lead somewhere else.

    Two names may become one; both values are then on the page, under it.
    """
    plain = STRANGE.sub("_", name)[:LONGEST]
    if posixpath.normpath(plain) == plain and not plain.startswith(("/", ".")):
        return plain
    return plain.replace("/", "_").replace(".", "_") or "_"
