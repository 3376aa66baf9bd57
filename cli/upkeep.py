"""`stillhouse doctor` and `gc`: what may be wrong on this machine, and what it need not keep."""

from typing import Annotated

import typer

from cli.audit import finish_promotions
from cli.console import console
from infra.services.prefect_server import results_folder
from tasks.contracts.releases import Release
from tasks.core.errors import InputError, RefusedError, mismatch
from tasks.core.locks import exclusive
from tasks.core.workspace import prepare_environment, project_root, state_dir
from tasks.registry import removal
from tasks.registry.ledger.history import History
from tasks.registry.versions import registry_lock
from tasks.upkeep.doctor import checks
from tasks.upkeep.gc import chosen_versions, found
from tasks.upkeep.needs import Version


def doctor(
    deep: Annotated[bool, typer.Option("--deep", help="Hash all of DVC's cache, not only a sample.")] = False,
) -> None:
    """Look for what may be wrong on this machine, and say what repairs it."""
    prepare_environment()
    found = 0
    for name, check in checks(project_root(), state_dir(), deep).items():
        findings = [*check()]
        found += len(findings)
        console.print(f"[{'red]wrong[/]' if findings else 'green]well[/] '}  {name}", soft_wrap=True)
        for finding in findings:
            console.print(f"         {finding}", soft_wrap=True, markup=False)
    if found:
        raise RefusedError(f"{found} finding{'s' if found > 1 else ''}; type what stands behind each, then ask again")


def gc(
    keep: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Remove all but the newest N versions, too.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="With --version: remove this version, too.")] = None,
    version: Annotated[int | None, typer.Option(help="Of the model.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go; remove nothing.")] = False,
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
        for release in chosen:
            _part_with(release, reason, dry_run)
        _sweep({(release.model, release.version) for release in chosen}, dry_run)


def _part_with(release: Release, reason: str, dry_run: bool) -> None:
    """Records that a version is removed, which a dry run only says."""
    if not dry_run:
        removal.remove(release, reason)
    words = "would be removed" if dry_run else "removed"
    console.print(f"{words}: {release.model} version {release.version}, made {release.created:%Y-%m-%d}")


def _sweep(about_to_go: set[Version], dry_run: bool) -> None:
    """Removes what is found, kind by kind, and prints how much that was."""
    garbage = dict(found({*History.load().removals(), *about_to_go}, results_folder()))
    for things in () if dry_run else garbage.values():
        for thing in things:
            thing.remove()
    console.print("would be removed:" if dry_run else "removed:")
    for kind, things in garbage.items():
        size = sum(thing.bytes for thing in things)
        console.print(f"  {kind:<30} {len(things):>7,} {size:>16,} bytes", soft_wrap=True)
