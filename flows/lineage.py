"""What a release is made of, from the records of this project, and whether all of it is there with its bytes."""

import subprocess
from collections.abc import Iterable, Iterator, Sequence

from params.promote import ENVIRONMENTS
from tasks.contracts.ancestors import Ancestor
from tasks.contracts.releases import Release
from tasks.contracts.scores import EvaluationRecord
from tasks.core.fingerprint import Ingredients
from tasks.core.workspace import project_root, state_dir
from tasks.registry.gate.verdict_file import verdict_files
from tasks.registry.ledger import decisions
from tasks.registry.ledger import entries as ledger
from tasks.registry.lineage.ancestry import LOCK, ancestry, project_of
from tasks.registry.lineage.soft_labels import soft_labels
from tasks.registry.lineage.verify import Finding, verify


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
