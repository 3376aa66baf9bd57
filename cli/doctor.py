"""`stillhouse doctor`: what may be wrong here, each finding in one line with the command that mends it."""

from typing import Annotated

import typer

from cli.console import console
from tasks.core.errors import RefusedError
from tasks.core.workspace import prepare_environment, project_root, state_dir
from tasks.upkeep.doctor import checks


def doctor(
    deep: Annotated[bool, typer.Option("--deep", help="Hash all of DVC's cache, not only a sample.")] = False,
) -> None:
    """Look for what may be wrong on this machine, and say what mends it."""
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
