"""A verdict as a file among the artifacts of the release that it is about."""

import tempfile
from pathlib import Path

from tasks.contracts.releases import Release, Verdict
from tasks.core.files import local_path
from tasks.core.record import Artefact
from tasks.registry.ledger.chain import sha256
from tasks.registry.ledger.decisions import decisions
from tasks.tracking.runs import StageRun

FOLDER = "verdicts"


def keep_verdict(release: Release, verdict: Verdict) -> Artefact:
    """Writes a verdict into the run that registered the release; returns its record.

    The bytes are those that the ledger keeps: their sha256 is the `verdict_sha256` of its rows. It is in the name, too,
    so that no verdict is ever written over.
    """
    content = verdict.model_dump_json()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, _name(verdict.environment, sha256(content)))
        path.write_text(content, encoding="utf-8")
        return StageRun(release.run_id, Path(folder)).keep(path, FOLDER)


def verdict_files(release: Release) -> dict[str, Artefact]:
    """Returns by name the files of all verdicts on a release; of before there were such files, none."""
    place = release.bundle[0].uri.rpartition("/")[0].rpartition("/")[0]
    said = [row for row in decisions(release.model) if row.version == release.version and row.verdict]
    files = {
        name: Artefact(uri=f"{place}/{FOLDER}/{name}", sha256=row.verdict_sha256, size=len(row.verdict.encode()))
        for row in said
        for name in [_name(row.environment, row.verdict_sha256)]
    }
    return {name: artefact for name, artefact in files.items() if _is_there(artefact)}


def _name(environment: str, digest: str) -> str:
    return f"{environment}-{digest[:12]}.json"


def _is_there(artefact: Artefact) -> bool:
    here = local_path(artefact.uri)
    return here is None or here.is_file()
