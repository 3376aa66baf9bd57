"""The digests of the files that stages keep as artifacts of their runs, as tags of those runs.

A record may name a file with its digest, or none may: a page, a figure, a candidate that does not ship. So whoever asks
whether all files are as they were made finds it with the run, wherever MLflow keeps its files.
"""

import json
from collections.abc import Mapping

TAG = "stillhouse.sha256."
"""and a number; a tag holds so many files that it stays below MLflow's limit of 8,000 characters"""
FILES_IN_A_TAG = 40


def digests_in(tags: Mapping[str, str]) -> dict[str, str]:
    """Returns path among the artifacts -> sha256, of every file that a run with these tags kept."""
    found: dict[str, str] = {}
    for name in sorted(name for name in tags if name.startswith(TAG)):
        found |= json.loads(tags[name])
    return found


def tag_with(tags: Mapping[str, str], path: str, sha256: str) -> tuple[str, str]:
    """Returns name and value of the tag to set when a run with these tags has kept a file, again or for the first time.

    Args:
        tags: of the run.
        path: of the file among the artifacts.
        sha256: of its bytes.
    """
    known = digests_in(tags)
    place = [*known, path].index(path) // FILES_IN_A_TAG
    name = f"{TAG}{place:03d}"
    return name, json.dumps(json.loads(tags.get(name, "{}")) | {path: sha256}, separators=(",", ":"))
