"""`stillhouse doctor` and `gc`: what may be wrong on this machine, and what it need not keep."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, NamedTuple

import typer

from cli.audit import finish_promotions
from cli.options import LARGEST, AsJson
from cli.output.console import say, say_json
from infra.services.prefect_server import results_folder
from tasks.contracts.releases import Release
from tasks.core.environment import prepare_environment
from tasks.core.errors import InputError, RefusedError, mismatch
from tasks.core.locks import exclusive
from tasks.core.workspace import project_root, state_dir
from tasks.registry import removal
from tasks.registry.ledger.history import History
from tasks.registry.versions import registry_lock
from tasks.upkeep.doctor import checks
from tasks.upkeep.finding import Finding
from tasks.upkeep.gc import chosen_versions, found
from tasks.upkeep.needs import Version


def doctor(
    deep: Annotated[bool, typer.Option("--deep", help="Hash all of DVC's cache and of all releases.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look for what may be wrong on this machine, and say what repairs it."""
    prepare_environment()
    found: dict[str, list[Finding]] = {}
    for name, check in checks(project_root(), state_dir(), deep, results_folder() if deep else None).items():
        found[name] = [*check()]
        if not as_json:
            _say_check(name, found[name])
    if as_json:
        say_json([{"check": name, "findings": [asdict(one) for one in findings]} for name, findings in found.items()])
    if count := sum(map(len, found.values())):
        raise RefusedError(f"{count} finding{'s' if count > 1 else ''}; type what stands behind each, then ask again")


def _say_check(name: str, findings: list[Finding]) -> None:
    say(("wrong", "red") if findings else ("well ", "green"), f"  {name}")
    for finding in findings:
        say(f"         {finding}")


def gc(
    keep: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Remove all but the newest N versions, too.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="With --version: remove this version, too.")] = None,
    version: Annotated[int | None, typer.Option(min=1, max=LARGEST, help="Of the model.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go; remove nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove what no alias, no decision and no lineage needs, and say how much of what that was."""
    if (model is None) != (version is None) or (keep is not None and model is not None):
        do = "give `--model` and `--version` together, or `--keep` alone"
        raise InputError(mismatch("stillhouse gc", "", "one version, or how many to keep", "something else", do))
    prepare_environment()
    with exclusive(), registry_lock():
        if not dry_run:
            finish_promotions()
        chosen = tuple(chosen_versions(keep, model, version))
        reason = "by hand" if keep is None else f"older than the newest {keep}"
        for release in () if dry_run else chosen:
            removal.remove(release, reason)
        counts = _sweep({(release.model, release.version) for release in chosen}, dry_run)
    if as_json:
        versions = [{"model": release.model, "version": release.version} for release in chosen]
        say_json({"removed": not dry_run, "versions": versions, "things": [one._asdict() for one in counts]})
    else:
        _say_removed(chosen, counts, "would be removed" if dry_run else "removed")


class _Count(NamedTuple):
    """How much there is of one kind of garbage."""

    kind: str
    things: int
    bytes: int


def _sweep(about_to_go: set[Version], dry_run: bool) -> list[_Count]:
    """Removes what is found, kind by kind, and returns how much that is; a dry run removes nothing."""
    garbage = dict(found({*History.load().removals(), *about_to_go}, results_folder()))
    for things in () if dry_run else garbage.values():
        for thing in things:
            thing.remove()
    return [_Count(kind, len(things), sum(thing.bytes for thing in things)) for kind, things in garbage.items()]


def _say_removed(chosen: Sequence[Release], counts: Sequence[_Count], words: str) -> None:
    for release in chosen:
        say(f"{words}: {release.model} version {release.version}, made {release.created:%Y-%m-%d}")
    say(f"{words}:")
    for kind, things, size in counts:
        say(f"  {kind:<30} {things:>7,} {size:>16,} bytes")
