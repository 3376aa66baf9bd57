"""Lineage in a project: from a release back to all that it is made of, and from a digest forward to what has it."""

import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from params.promote import ENVIRONMENTS
from tasks.contracts.ancestors import Ancestor
from tasks.contracts.releases import Release
from tasks.contracts.scores import EvaluationRecord
from tasks.core.files import md5_of, sha256_of
from tasks.core.fingerprint import Ingredients
from tasks.core.workspace import project_root, state_dir
from tasks.registry.gate.verdict_file import verdict_files
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.history import History
from tasks.registry.lineage.ancestry import LOCK, ancestry, project_of
from tasks.registry.lineage.verify import FileState, damage, verify

SHORTEST = 8
"""characters of a digest that are enough"""
KEY = "key.json"


def ancestry_of(release: Release, history: History, ingredients: Ingredients | None = None) -> tuple[Ancestor, ...]:
    """Returns all that a release is made of, from the records of this project.

    Args:
        release: the release.
        history: of its model.
        ingredients: of the run that goes on, which is not on record yet.
    """
    model, version = release.model, release.version
    entries = {
        environment: history.entry_verdict(model, environment, version)
        for environment in ENVIRONMENTS
        if history.champion(model, environment) == version
    }
    ingredients = ingredients or ledger.ingredients_of(release)
    evaluation = ledger.evaluation_of(release)
    learned = soft_labels(evaluation, state_dir() / "soft-labels")
    verdicts = verdict_files(release, history)
    return ancestry(release, evaluation, entries, ingredients, _locks(release, evaluation), learned, verdicts)


def verified(releases: Iterable[Release], history: History) -> dict[Release, tuple[FileState, ...]]:
    """Returns for each release the state of every file that it is made of; what was removed is not looked at.

    `stillhouse lineage --verify` and `stillhouse doctor` both ask here, so they agree.
    """
    return {
        release: verify(ancestry_of(release, history), project_root())
        for release in releases
        if history.removal_of(release) is None
    }


def with_descendants(
    reached: Mapping[Release, tuple[str, ...]], releases: Iterable[Release]
) -> dict[Release, tuple[str, ...]]:
    """Returns what is reached, and each release that began with the weights of one that is, directly or not.

    Args:
        reached: release -> what of it is reached.
        releases: all of them, the oldest of each model first.
    """
    found = dict(reached)
    names = {(release.model, release.version) for release in found}
    for release in releases:
        begun = {one.version for one in ledger.evaluation_of(release).beginnings.values()}
        through = sorted(version for version in begun if version and (release.model, version) in names)
        if through:
            names.add((release.model, release.version))
            found[release] = (*found.get(release, ()), *(f"beginning with version {version}" for version in through))
    return found


def damage_of(states: Mapping[Release, Sequence[FileState]]) -> tuple[str, ...]:
    """Returns in words what of which release is missing or changed."""
    return tuple(
        f"{release.model} version {release.version}: {line}"
        for release, found in states.items()
        for line in damage(found)
    )


def in_use(history: History) -> tuple[Release, ...]:
    """Returns of each model what leads an environment, what a rollback would lead back to, and the newest release."""
    newest = {release.model: release for release in ledger.releases() if history.removal_of(release) is None}
    found = {(release.model, release.version): release for release in newest.values()}
    for model, environment in history.places():
        leads = (history.champion(model, environment), *history.champions_before(model, environment)[:1])
        for version in leads:
            if version is not None and (release := ledger.release_of(model, version)) is not None:
                found[model, version] = release
    return tuple(found.values())


def _locks(release: Release, evaluation: EvaluationRecord) -> Iterator[str]:
    """Yields `dvc.lock` as it is beside the data, in the commit that made a release, and in a later one."""
    beside = project_of(evaluation) / LOCK
    if beside.is_file():
        yield beside.read_text(encoding="utf-8")
    commit = release.git_commit.removesuffix("-dirty")
    if commit and commit != "none":
        yield _git("show", f"{commit}:./{LOCK}")
    # The lock of new data is mostly committed after the run that made it: the first commit that has the version.
    for later in _git("log", "--format=%H", "--reverse", f"-S{evaluation.data.version}", "--", f"./{LOCK}").split()[:1]:
        yield _git("show", f"{later}:./{LOCK}")


def _git(*arguments: str) -> str:
    """Returns what git prints about the project; nothing where it fails."""
    command = ["git", "-C", str(project_root()), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def soft_labels(evaluation: EvaluationRecord, store: Path) -> dict[str, str]:
    """Returns what is on record of the soft labels that a student learned from: teacher, data, the views by their keys.

    They are a cache: a view that is gone is computed again, and each is compared with its teacher before it is used.
    """
    teacher, data = evaluation.teacher.digest, evaluation.data.digest
    keys = [
        path.parent.name
        for path in sorted(store.glob(f"*/{KEY}"))
        for key in [_read(path)]
        if (key.get("teacher"), key.get("data")) == (teacher, data)
    ]
    facts = {"of teacher": teacher, "of data": data, "views kept": f"{len(keys)}"}
    return facts | ({"keys": " ".join(keys)} if keys else {})


def _read(path: Path) -> Mapping[str, Any]:
    try:
        key = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return key if isinstance(key, dict) else {}


def digests_of(name: str) -> tuple[str, ...]:
    """Returns the digests that a person means: md5 and sha256 of a file of that name, else the name itself."""
    path = Path(name)
    with suppress(OSError):  # of a name that no file could have: it is too long
        if path.is_file():
            return md5_of(path), sha256_of(path)
    return (name,)


def kinds_with(ancestors: Sequence[Ancestor], digests: Sequence[str]) -> tuple[str, ...]:
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
