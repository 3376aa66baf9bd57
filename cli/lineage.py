"""`stillhouse lineage`: what a release is made of, and what a piece of data or a teacher reached."""

from collections.abc import Iterator
from typing import Annotated, Any, Optional

import typer

from cli.options import LARGEST, AsJson
from cli.output.console import say, say_json
from params.promote import ENVIRONMENTS
from tasks.contracts.ancestors import Ancestor
from tasks.contracts.releases import Release
from tasks.core.environment import prepare_environment
from tasks.core.errors import InputError, IntegrityError, mismatch
from tasks.registry.ledger import entries as ledger
from tasks.registry.ledger.history import History
from tasks.registry.lineage.project import (
    SHORTEST,
    ancestry_of,
    damage_of,
    digests_of,
    kinds_with,
    verified,
    with_descendants,
)
from tasks.registry.lineage.verify import FileState, damage, verify_ledger
from tasks.registry.removal import removed_in_words


def lineage(
    environment: Annotated[str, typer.Argument(help="staging or edge.")] = "edge",
    model: Annotated[Optional[str], typer.Option(help="Default: every model.")] = None,  # noqa: UP045
    version: Annotated[
        int | None, typer.Option(min=1, max=LARGEST, help="Default: the champion of the environment.")
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Hash all files again.")] = False,
    as_json: AsJson = False,
    data: Annotated[str | None, typer.Option(help="Backward: an md5, a sha256 or a file; what did it reach?")] = None,
    teacher: Annotated[Optional[str], typer.Option(help="A teacher's version: what did it reach?")] = None,  # noqa: UP045
) -> None:
    """Say what the model in an environment is made of, or what a piece of data reached."""
    prepare_environment()
    if data or teacher:
        _show_reach(data or teacher or "", data is None, as_json)
    else:
        _show_lineage(environment, model, version, verify, as_json)


def _show_lineage(environment: str, model: str | None, version: int | None, checked: bool, as_json: bool) -> None:
    """Prints what the champions of an environment, or one version, are made of; `checked` hashes all of it again.

    Raises:
        InputError: no release leads the environment, or there is no such version.
        IntegrityError: something is missing or has other bytes; of a removed version that is no surprise.
    """
    history = History.load()
    if checked:
        _require_ledger(history)
    lineages = {
        release: ancestry_of(release, history) for release in meant(environment, model, version, history, "lineage")
    }
    states = verified(lineages, history) if checked else {}
    if as_json:
        say_json(_facts(lineages, states, history))
    else:
        for release, ancestors in lineages.items():
            _print(release, ancestors, states.get(release, ()), _removal(release, history))
    if bad := damage_of(states):
        raise IntegrityError("\n".join([*bad, "`stillhouse run` makes again what is missing or changed"]))


def _require_ledger(history: History) -> None:
    """Refuses a changed ledger before anything is read from it: it says what the files should be."""
    if bad := damage(verify_ledger(history)):
        raise IntegrityError("\n".join([*bad, "put back a copy of the ledger; no command repairs its rows"]))


def _show_reach(said: str, teacher: bool, as_json: bool) -> None:
    """Prints every release that has a digest, a file or a teacher's version among its ancestors, and where it leads.

    Raises:
        InputError: it is too short to mean one thing, or reached nothing.
    """
    digests = () if teacher else digests_of(said)
    if not teacher and any(len(digest) < SHORTEST for digest in digests):
        do = "give the md5 of `dvc.lock`, the sha256 of an artefact, or a file"
        raise InputError(mismatch("stillhouse lineage", "--data", f"{SHORTEST} characters or more", said, do))
    history = History.load()
    releases = ledger.releases()
    direct = {
        release: kinds
        for release in releases
        for kinds in [
            _reached_by_teacher(release, said) if teacher else kinds_with(ancestry_of(release, history), digests)
        ]
        if kinds
    }
    found = with_descendants(direct, releases)
    reached = [(release, found[release]) for release in releases if release in found]
    if not reached:
        do = "see `stillhouse history` for the releases there are"
        raise InputError(mismatch("stillhouse lineage", said, "an ancestor of some release", "none", do))
    if as_json:
        say_json([_reach(release, kinds, history) for release, kinds in reached])
        return
    for release, kinds in reached:
        say(_reached(release, kinds, history))


def meant(environment: str, model: str | None, version: int | None, history: History, verb: str) -> Iterator[Release]:
    """Yields the champions of an environment, or one version, or what leads of one model.

    Raises:
        InputError: no release leads the environment, or there is no such version; `verb` is the command.
    """
    models = [model] if model else sorted({release.model for release in ledger.releases()})
    found = False
    for name in models:
        wanted = version if version is not None else history.champion(name, environment)
        release = None if wanted is None else ledger.release_of(name, wanted)
        if release is not None:
            found = True
            yield release
    if not found:
        expected = f"version {version}" if version is not None else f"a champion of {environment}"
        do = "`stillhouse status` says who leads where"
        raise InputError(mismatch(f"stillhouse {verb}", model or environment, expected, "none", do))


def _removal(release: Release, history: History) -> str:
    """Returns when and why a release was removed; empty for one that was not."""
    row = history.removal_of(release)
    return removed_in_words(row) if row is not None else ""


def _facts(
    lineages: dict[Release, tuple[Ancestor, ...]], states: dict[Release, tuple[FileState, ...]], history: History
) -> list[dict[str, Any]]:
    return [
        {
            "model": release.model,
            "version": release.version,
            **({"removed": end} if (end := _removal(release, history)) else {}),
            "ancestors": [ancestor.as_json() for ancestor in ancestors],
            **({"files": {one.file: one.state for one in states[release]}} if release in states else {}),
        }
        for release, ancestors in lineages.items()
    ]


def _print(release: Release, ancestors: tuple[Ancestor, ...], states: tuple[FileState, ...], end: str) -> None:
    say((f"{release.model} version {release.version}", "bold"), end and f", {end}")
    for ancestor in ancestors:
        say((f"  {ancestor.kind}", "bold"))
        for name, value in ancestor.facts.items():
            say(f"    {name}: {value}")
    if states:
        good = sum(one.state == "ok" for one in states)
        say(f"  {good} of {len(states)} files are there with the bytes on record")


def _reached_by_teacher(release: Release, version: str) -> tuple[str, ...]:
    return ("teacher",) if str(release.teacher_version) == version else ()


def _led(release: Release, history: History) -> dict[str, str]:
    """Returns environment -> whether a release leads it or has led it."""
    return {
        environment: "leads" if history.champion(release.model, environment) == release.version else "has led"
        for environment in ENVIRONMENTS
        if history.has_led(release.model, environment, release.version)
    }


def _reach(release: Release, kinds: tuple[str, ...], history: History) -> dict[str, Any]:
    ends = {"removed": end} if (end := _removal(release, history)) else {}
    facts = {"model": release.model, "version": release.version, "teacher_version": release.teacher_version}
    return {**facts, "by": list(kinds), "environments": _led(release, history), **ends}


def _reached(release: Release, kinds: tuple[str, ...], history: History) -> str:
    led = _led(release, history)
    where = "; ".join(f"{word} {environment}" for environment, word in led.items()) or "in no environment"
    where = f"{where}; {end}" if (end := _removal(release, history)) else where
    name = f"{release.model} version {release.version}, of teacher version {release.teacher_version}"
    return f"{name}, by its {', '.join(kinds)}: {where}"
