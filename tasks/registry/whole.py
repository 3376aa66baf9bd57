"""Is the bundle of a release whole before anything leads to it, and where is another copy of what is not?

Only whole bytes are promoted, rolled back to, or published: every decision hashes the files again, whatever was true
when they were written.
"""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tasks.contracts.releases import Release
from tasks.core.errors import IntegrityError, mismatch
from tasks.core.files import artefacts_in, local_path, sha256_of
from tasks.core.record import Artefact
from tasks.core.workspace import state_dir
from tasks.registry.channel.contents import served_copies
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.history import History
from tasks.registry.lineage.project import damage_of, verified
from tasks.tracking.artifacts import keep_at
from tasks.tracking.runs import DOWNLOADS, fetch

OF_BUNDLE = "release: "
"""how the names of the files of a bundle begin"""


def require_whole(release: Release) -> None:
    """Hashes every file of a release's bundle where MLflow keeps it.

    Raises:
        IntegrityError: at least one is gone or has other bytes; the message names each, and the copy that is left.
    """
    if bad := damaged(release):
        raise IntegrityError("\n".join(in_words(release, artefact, got) for artefact, got in bad.items()))


def require_whole_version(model: str, version: int) -> None:
    """Does the same for a version; one without a record, which the audit of the ledger's rows reports, passes."""
    release = ledger.release_of(model, version)
    if release is not None:
        require_whole(release)


def damaged(release: Release) -> Mapping[Artefact, str]:
    """Returns each file of a bundle that is not what the ledger says, and in words what it is."""
    found = ((artefact, _found(artefact)) for artefact in release.bundle)
    return {artefact: got for artefact, got in found if got != artefact.sha256}


def in_words(release: Release, artefact: Artefact, got: str) -> str:
    """Says what is wrong with a file of a bundle, and how it comes back."""
    copy = next(copies(release, artefact), None)
    if copy is None:
        do = (
            f"make it again: `stillhouse run params/{release.model}.yaml`, with the code of commit {release.git_commit}"
        )
    else:
        do = f"`stillhouse audit --repair` puts it back from `{copy}`"
    what = f"{release.model} version {release.version}"
    return mismatch(what, name_of(artefact), f"sha256 {artefact.sha256}", got, do)


def copies(release: Release, artefact: Artefact) -> Iterator[Path]:
    """Yields the other files on this machine with the bytes that a file of a bundle should have."""
    measured = artefacts_in(ledger.evaluation_of(release)) if ledger.release_of(*_id(release)) else ()
    same = [local_path(one.uri) for one in measured if one.sha256 == artefact.sha256]
    own = local_path(artefact.uri)
    for path in (*same, *served_copies(release.model, artefact), state_dir() / DOWNLOADS / artefact.sha256):
        if path is not None and path != own and path.is_file() and sha256_of(path) == artefact.sha256:
            yield path


def put_back(artefact: Artefact, copy: Path) -> bool:
    """Writes a file of a bundle again where MLflow keeps it; says whether it is whole by now."""
    with tempfile.TemporaryDirectory() as folder:
        named = Path(folder, name_of(artefact))
        shutil.copyfile(copy, named)
        keep_at(named, artefact.uri.rpartition("/")[0])
    return _found(artefact) == artefact.sha256


def reachable(history: History) -> tuple[Release, ...]:
    """Returns of each model what leads an environment, led it before, was approved for it, or is being moved to."""
    wanted = {
        (model, version): None
        for model, environment in history.places()
        for version in (
            history.champion(model, environment),
            *history.champions_before(model, environment),
            *(row.version for row in history.approvals(model, environment)),
        )
        if version is not None and (model, version) not in history.removals()
    }
    begun = {(row.model, row.version): None for row in history.unfinished()}
    found = (ledger.release_of(model, version) for model, version in wanted | begun)
    return tuple(release for release in found if release is not None)


def damage_behind(history: History) -> tuple[str, ...]:
    """Returns in words what is damaged of all that those releases were made of, as `lineage --verify` finds it."""
    states = verified(reachable(history), history)
    behind = {release: [one for one in of if not one.file.startswith(OF_BUNDLE)] for release, of in states.items()}
    return damage_of(behind)


def name_of(artefact: Artefact) -> str:
    """Returns the name of a file in its bundle."""
    return artefact.uri.rpartition("/")[2]


def _id(release: Release) -> tuple[str, int]:
    return release.model, release.version


def _found(artefact: Artefact) -> str:
    """Returns the sha256 that a file has, or in words why it has none."""
    here = local_path(artefact.uri)
    if here is not None:
        return sha256_of(here) if here.is_file() else "no file"
    from mlflow.exceptions import MlflowException

    try:
        return sha256_of(fetch(artefact))
    except IntegrityError:
        return "other bytes"
    except (MlflowException, OSError) as error:
        return f"no file ({type(error).__name__})"
