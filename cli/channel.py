"""The release channels in the terms of a person at a terminal."""

import os
from collections.abc import Sequence
from pathlib import Path

from cli.console import bullet_list, console
from params.promote import ENVIRONMENTS
from tasks.core.errors import InputError, mismatch
from tasks.core.workspace import prepare_environment
from tasks.registry.channel.creation import create
from tasks.registry.channel.keys import PASSPHRASE
from tasks.registry.channel.paths import channels, metadata_dir, require_channel
from tasks.registry.channel.roots import anchor
from tasks.registry.channel.rotation import refresh, rotate
from tasks.registry.channel.settings import Days, Role
from tasks.registry.channel.status import Signature, holdings, signatures
from tasks.registry.channel.view import view

HOW = "stillhouse channel init ENVIRONMENT --root-keys DIR"


def init_channel(environment: str, root_keys: Path, keys: int, threshold: int, days: Days) -> None:
    """Makes a channel, and says what devices are given and what goes offline."""
    _require_environment(environment)
    prepare_environment()
    made = create(environment, root_keys, keys, threshold, days)
    say_published(environment)
    console.print(f"trust anchor: {_anchor(environment)}", soft_wrap=True)
    console.print(bullet_list("Next:", [_offline(made), _serving(environment)]), soft_wrap=True)


def rotate_key(environment: str, role: Role, root_keys: Path) -> None:
    """Gives a role a new key."""
    _require_environment(environment)
    require_channel(environment)
    prepare_environment()
    made = rotate(environment, role, root_keys)
    console.print(f"[green]rotated[/] {role} of {environment}: the old key is revoked", soft_wrap=True)
    if made:
        console.print(bullet_list("Next:", [_offline(made), "destroy the root keys from before"]), soft_wrap=True)


def refresh_channels(environment: str | None, root_keys: Path | None) -> None:
    """Signs anew what is near its expiry in a channel, or in all of them."""
    if environment is not None:
        _require_environment(environment)
        require_channel(environment)
    prepare_environment()
    for place in [environment] if environment else channels():
        _refresh(place, root_keys)
    if not channels():
        console.print(f"no channel yet; {HOW} makes one")


def show_channels() -> None:
    """Prints for each channel what it holds, how long its signatures are good, and what devices trust."""
    prepare_environment()
    for environment in channels():
        say_published(environment)
        seen = view(environment)
        console.print(f"  trust anchor: {_anchor(environment)}", soft_wrap=True)
        for signature in signatures(environment, seen):
            console.print(f"  {_in_a_line(signature)}", soft_wrap=True)
        if seen.problem:
            console.print(f"  [red]refused by devices[/] {seen.problem}", soft_wrap=True)
    if not channels():
        console.print(f"no channel yet; {HOW} makes one")


def say_published(environment: str) -> None:
    """Prints what devices find in the channel of an environment, where there is one."""
    if environment not in channels():
        return
    held = ", ".join(f"{model} version {version}" for model, version in holdings(view(environment)).items())
    where = os.path.relpath(metadata_dir(environment).parent)
    console.print(f"channel {environment}: {held or 'no release yet'} ({where})", soft_wrap=True)


def _refresh(environment: str, root_keys: Path | None) -> None:
    signed = refresh(environment, root_keys)
    said = f"signed {', '.join(signed)}" if signed else "nothing is near its expiry; nothing to do"
    console.print(f"{environment}: {said}", soft_wrap=True)
    root = next(signatures(environment, view(environment)))
    if root.near:
        do = f"stillhouse channel refresh {environment} --root-keys DIR"
        console.print(
            f"[yellow]warning[/] {environment}: root is good until {root.expires:%Y-%m-%d}; {do}", soft_wrap=True
        )


def _require_environment(environment: str) -> None:
    if environment not in ENVIRONMENTS:
        do = "name one of them"
        raise InputError(mismatch("stillhouse channel", "ENVIRONMENT", "staging or edge", environment, do))


def _anchor(environment: str) -> str:
    path = os.path.relpath(metadata_dir(environment) / "1.root.json")
    return f"{path}, sha256 {anchor(environment)}"


def _offline(paths: Sequence[Path]) -> str:
    named = ", ".join(str(path) for path in paths)
    plain = "" if os.environ.get(PASSPHRASE) else f" (not encrypted: `{PASSPHRASE}` was not set)"
    return f"take the root keys offline, each to a place of its own; a rotation needs them again: {named}{plain}"


def _serving(environment: str) -> str:
    where = os.path.relpath(metadata_dir(environment).parent)
    return f"serve {where} with any static web server, and give devices the trust anchor"


def _in_a_line(signature: Signature) -> str:
    state = "EXPIRED" if signature.expired else "near its expiry" if signature.near else ""
    until = f"{signature.expires:%Y-%m-%d %H:%M} UTC"
    keys = f"{signature.threshold} of {signature.keys} keys"
    return f"{signature.role:9} version {signature.version:<4} {keys}, good until {until} {state}".rstrip()
