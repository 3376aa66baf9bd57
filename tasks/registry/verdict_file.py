"""A verdict as a file among the artifacts of the release that it is about."""

import tempfile
from pathlib import Path

from tasks.records import Artefact
from tasks.registry.chain import sha256
from tasks.releases import Release, Verdict
from tasks.tracking import StageRun

FOLDER = "verdicts"


def keep_verdict(release: Release, verdict: Verdict) -> Artefact:
    """Writes a verdict into the run that registered the release; returns its record.

    The bytes are those that the ledger keeps: their sha256 is the `verdict_sha256` of its rows. It is in the name, too,
    so that no verdict is ever written over.
    """
    content = verdict.model_dump_json()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"{verdict.environment}-{sha256(content)[:12]}.json")
        path.write_text(content, encoding="utf-8")
        return StageRun(release.run_id, Path(folder)).keep(path, FOLDER)
