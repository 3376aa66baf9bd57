"""Libraries whose versions are not those that are known to work together."""

import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import Requirement

from tasks.upkeep.finding import Finding

REQUIRED, LOCK = "pyproject.toml", "requirements.lock"


def required_versions(project: Path) -> Iterator[Finding]:
    """Yields the libraries that are not there, or of a version that `pyproject.toml` excludes."""
    with (project / REQUIRED).open("rb") as stream:
        wanted = tomllib.load(stream)["project"]["dependencies"]
    for requirement in map(Requirement, wanted):
        got = _installed(requirement.name)
        if not _fits(requirement, got):
            yield Finding(
                f"`{requirement.name}`: expected {requirement.specifier} ({REQUIRED}), got {got or 'none'}",
                f"pip install -c {LOCK} '{requirement.name}{requirement.specifier}'",
            )


def locked_versions(project: Path) -> Iterator[Finding]:
    """Yields one finding where installed libraries have other versions than the lock; those not installed are none."""
    path = project / LOCK
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    locked = [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]
    installed = [(requirement, _installed(requirement.name)) for requirement in locked]
    other = [f"{one.name} {got}" for one, got in installed if got and not _fits(one, got)]
    if other:
        mend = f"pip install -r {LOCK}"
        yield Finding(f"`{LOCK}`: expected its versions, got {', '.join(other)}", mend)


def _fits(requirement: Requirement, got: str | None) -> bool:
    return got is not None and requirement.specifier.contains(got, prereleases=True)


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
