"""A verdict as a file beside the bundle of the release that it is about."""

import tempfile
from pathlib import Path

from tasks.contracts.releases import Release, Verdict
from tasks.core.record import Artefact, sha256_of_text
from tasks.registry.ledger.history import History
from tasks.tracking.artifacts import keep_at

FOLDER = "verdicts"


def keep_verdict(release: Release, verdict: Verdict) -> Artefact:
    """Writes a verdict to where the bundle of the release lies; returns its record.

    The bytes are those that the ledger keeps: their sha256 is the `verdict_sha256` of its rows. It is in the name, too,
    so that no verdict is ever written over.
    """
    content = verdict.model_dump_json()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, _name(verdict.environment, sha256_of_text(content)))
        path.write_text(content, encoding="utf-8")
        return keep_at(path, _place(release))


def verdict_files(release: Release, history: History) -> dict[str, Artefact]:
    """Returns by name the files of all verdicts on a release."""
    rows = [row for row in history.of(release.model) if row.version == release.version and row.verdict]
    return {
        name: Artefact(uri=f"{_place(release)}/{name}", sha256=row.verdict_sha256, size=len(row.verdict.encode()))
        for row in rows
        for name in [_name(row.environment, row.verdict_sha256)]
    }


def _place(release: Release) -> str:
    """Returns the folder beside the bundle."""
    return f"{release.bundle[0].uri.rpartition('/')[0].rpartition('/')[0]}/{FOLDER}"


def _name(environment: str, digest: str) -> str:
    return f"{environment}-{digest[:12]}.json"
