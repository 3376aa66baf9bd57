"""A verdict as a file among the artifacts of the release that it is about."""

import tempfile
from pathlib import Path

from tasks.contracts.releases import Release, Verdict
from tasks.core.record import Artefact, sha256_of_text
from tasks.registry.ledger.history import History
from tasks.tracking.runs import StageRun

FOLDER = "verdicts"


def keep_verdict(release: Release, verdict: Verdict) -> Artefact:
    """Writes a verdict into the run that registered the release; returns its record.

    The bytes are those that the ledger keeps: their sha256 is the `verdict_sha256` of its rows. It is in the name, too,
    so that no verdict is ever written over.
    """
    content = verdict.model_dump_json()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, _name(verdict.environment, sha256_of_text(content)))
        path.write_text(content, encoding="utf-8")
        return StageRun(release.run_id, Path(folder)).keep(path, FOLDER)


def verdict_files(release: Release, history: History) -> dict[str, Artefact]:
    """Returns by name the files of all verdicts on a release."""
    place = release.bundle[0].uri.rpartition("/")[0].rpartition("/")[0]
    rows = [row for row in history.of(release.model) if row.version == release.version and row.verdict]
    return {
        name: Artefact(uri=f"{place}/{FOLDER}/{name}", sha256=row.verdict_sha256, size=len(row.verdict.encode()))
        for row in rows
        for name in [_name(row.environment, row.verdict_sha256)]
    }


def _name(environment: str, digest: str) -> str:
    return f"{environment}-{digest[:12]}.json"
