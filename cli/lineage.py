"""`stillhouse lineage`: what a release is made of, and what a piece of data or a teacher reached."""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence

from cli.console import console
from params.promote import ENVIRONMENTS
from tasks.contracts.ancestors import Ancestor
from tasks.contracts.releases import Release
from tasks.contracts.scores import EvaluationRecord
from tasks.core.errors import InputError, IntegrityError, mismatch
from tasks.core.fingerprint import Ingredients
from tasks.core.workspace import prepare_environment, project_root, state_dir
from tasks.registry.gate.verdict_file import verdict_files
from tasks.registry.ledger import decisions
from tasks.registry.ledger import entries as ledger
from tasks.registry.lineage.ancestry import LOCK, ancestry, project_of
from tasks.registry.lineage.reach import SHORTEST, digests_of, holds
from tasks.registry.lineage.soft_labels import soft_labels
from tasks.registry.lineage.verify import Finding, verify
from tasks.registry.removal import removed_in_words


def show_lineage(environment: str, model: str | None, version: int | None, checked: bool, as_json: bool) -> None:
    """Prints what the champions of an environment, or one version, are made of; `checked` hashes all of it again.

    Raises:
        InputError: nobody leads the environment, or there is no such version.
        IntegrityError: something is missing or has other bytes; of a removed version that is no surprise.
    """
    prepare_environment()
    if checked:
        _require_ledger()
    releases = list(_meant(environment, model, version))
    lineages = {release: ancestry_of(release) for release in releases}
    findings = (
        {release: verify(ancestors, project_root()) for release, ancestors in lineages.items()} if checked else {}
    )
    if as_json:
        sys.stdout.write(_json(lineages, findings))
    else:
        for release, ancestors in lineages.items():
            _print(release, ancestors, findings.get(release, ()))
    bad = damage(one for release, found in findings.items() if not _end_of(release) for one in found)
    if bad:
        raise IntegrityError("\n".join([*bad, "`stillhouse run` makes again what is missing or changed"]))


def findings_of_ledger() -> tuple[Finding, ...]:
    """Returns what became of the rows of the ledger, by the digests that they hold of themselves and of each other."""
    rows = tuple(Finding(f"ledger: {name}", state) for name, state in ledger.rows())
    broken = dict.fromkeys(line.partition(": expected")[0] for line in decisions.broken_links())
    return (*rows, *(Finding(place, "changed") for place in broken))


def findings_of(ancestors: Sequence[Ancestor]) -> tuple[Finding, ...]:
    """Returns what became of every file that a release is made of."""
    return verify(ancestors, project_root())


def damage(findings: Iterable[Finding]) -> tuple[str, ...]:
    """Returns in words what is missing or changed."""
    return tuple(f"{one.file} is {one.state}" for one in findings if one.state in ("missing", "changed"))


def _require_ledger() -> None:
    """Refuses a changed ledger before anything is read from it: what files should be stands there."""
    if bad := damage(findings_of_ledger()):
        raise IntegrityError("\n".join([*bad, "put the ledger back from a copy of before; no command mends its rows"]))


def show_reach(said: str, teacher: bool) -> None:
    """Prints every release that has a digest, a file or a teacher's version among its ancestors, and where it leads.

    Raises:
        InputError: it is too short to mean one thing, or reached nothing.
    """
    prepare_environment()
    digests = () if teacher else digests_of(said)
    if not teacher and any(len(digest) < SHORTEST for digest in digests):
        do = "give the md5 of `dvc.lock`, the sha256 of an artefact, or a file"
        raise InputError(mismatch("stillhouse lineage", "--data", f"{SHORTEST} characters or more", said, do))
    reached = [
        (release, kinds)
        for release in ledger.releases()
        for kinds in [_reached_by_teacher(release, said) if teacher else holds(ancestry_of(release), digests)]
        if kinds
    ]
    if not reached:
        do = "see `stillhouse history` for the releases there are"
        raise InputError(mismatch("stillhouse lineage", said, "an ancestor of some release", "none", do))
    for release, kinds in reached:
        console.print(_reached(release, kinds), soft_wrap=True)


def _meant(environment: str, model: str | None, version: int | None) -> Iterator[Release]:
    models = [model] if model else sorted({release.model for release in ledger.releases()})
    found = False
    for name in models:
        wanted = version if version is not None else decisions.champion(name, environment)
        release = None if wanted is None else ledger.release_of(name, wanted)
        if release is not None:
            found = True
            yield release
    if not found:
        expected = f"version {version}" if version is not None else f"a champion of {environment}"
        do = "`stillhouse status` says who leads where"
        raise InputError(mismatch("stillhouse lineage", model or environment, expected, "none", do))


def _end_of(release: Release) -> str:
    """Returns when and why a release was removed; empty for one that is there."""
    row = decisions.removals(release.model).get((release.model, release.version))
    return removed_in_words(row) if row is not None else ""


def ancestry_of(release: Release, made_of: Ingredients | None = None) -> tuple[Ancestor, ...]:
    """Returns all that a release is made of, from the records of this project.

    Args:
        release: the release.
        made_of: ingredients of the run that goes on, which is not on record yet.
    """
    entries = {
        environment: decisions.entry_of(release.model, environment, release.version)
        for environment in ENVIRONMENTS
        if decisions.champion(release.model, environment) == release.version
    }
    made_of = made_of or ledger.ingredients_of(release)
    evaluation = ledger.evaluation_of(release)
    taught = soft_labels(evaluation, state_dir() / "soft-labels")
    verdicts = verdict_files(release)
    return ancestry(release, evaluation, entries, made_of, _locks(release, evaluation), taught, verdicts)


def _locks(release: Release, evaluation: EvaluationRecord) -> Iterator[str]:
    """Yields `dvc.lock` as it is beside the data, and as it was in the commit that made a release."""
    beside = project_of(evaluation) / LOCK
    if beside.is_file():
        yield beside.read_text(encoding="utf-8")
    commit = release.git_commit.removesuffix("-dirty")
    if commit and commit != "none":
        asked = ["git", "-C", str(project_root()), "show", f"{commit}:./{LOCK}"]
        shown = subprocess.run(asked, capture_output=True, text=True, check=False)
        if shown.returncode == 0:
            yield shown.stdout
    yield from _committed_later(evaluation.data.version)


def _committed_later(version: str) -> Iterator[str]:
    """Yields `dvc.lock` as it was committed with a data version, which is mostly after the run that made it."""
    git = ["git", "-C", str(project_root())]
    asked = [*git, "log", "--format=%H", "--reverse", f"-S{version}", "--", f"./{LOCK}"]
    found = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()
    for commit in found[:1]:
        yield subprocess.run([*git, "show", f"{commit}:./{LOCK}"], capture_output=True, text=True, check=False).stdout


def _json(lineages: dict[Release, tuple[Ancestor, ...]], findings: dict[Release, tuple[Finding, ...]]) -> str:
    content = [
        {
            "model": release.model,
            "version": release.version,
            **({"removed": end} if (end := _end_of(release)) else {}),
            "ancestors": [ancestor.as_json() for ancestor in ancestors],
            **({"files": {one.file: one.state for one in findings[release]}} if release in findings else {}),
        }
        for release, ancestors in lineages.items()
    ]
    return json.dumps(content, indent=2) + "\n"


def _print(release: Release, ancestors: tuple[Ancestor, ...], findings: tuple[Finding, ...]) -> None:
    end = _end_of(release)
    console.print(f"[bold]{release.model} version {release.version}[/]{end and f', {end}'}", soft_wrap=True)
    for ancestor in ancestors:
        console.print(f"  [bold]{ancestor.kind}[/]")
        for name, value in ancestor.facts.items():
            console.print(f"    {name}: {value}", soft_wrap=True, markup=False)
    if findings:
        good = sum(finding.state == "ok" for finding in findings)
        console.print(f"  {good} of {len(findings)} files are there with the bytes on record")


def _reached_by_teacher(release: Release, version: str) -> tuple[str, ...]:
    return ("teacher",) if str(release.teacher_version) == version else ()


def _reached(release: Release, kinds: tuple[str, ...]) -> str:
    led = {
        environment: "leads" if decisions.champion(release.model, environment) == release.version else "has led"
        for environment in ENVIRONMENTS
        if any(
            row.event in decisions.MOVED and row.version == release.version
            for row in decisions.decisions(release.model, environment)
        )
    }
    where = "; ".join(f"{word} {environment}" for environment, word in led.items()) or "in no environment"
    where = f"{where}; {end}" if (end := _end_of(release)) else where
    name = f"{release.model} version {release.version}, of teacher version {release.teacher_version}"
    return f"{name}, by its {', '.join(kinds)}: {where}"
