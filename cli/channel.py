"""`stillhouse channel`: the signed channels that devices update from."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Optional

import typer

from cli.options import AsJson, require_environment
from cli.output.console import say, say_json, say_list, warn
from tasks.core.environment import prepare_environment
from tasks.registry.channel.creation import create
from tasks.registry.channel.keys import PASSPHRASE
from tasks.registry.channel.paths import channels, metadata_dir, require_channel
from tasks.registry.channel.roots import anchor
from tasks.registry.channel.rotation import refresh as sign_again
from tasks.registry.channel.rotation import rotate as rotate_key
from tasks.registry.channel.settings import Days
from tasks.registry.channel.status import Signature, holdings, signatures
from tasks.registry.channel.view import view

HOW = "stillhouse channel init ENVIRONMENT --root-keys DIR"
Environment = Annotated[str, typer.Argument(help="staging or edge.")]
Lifetime = Annotated[int, typer.Option(min=1, max=36_500, metavar="DAYS", help="How long its signature is good.")]
RootKeys = Annotated[Path, typer.Option("--root-keys", metavar="DIR", help="The folder of the root keys.")]
channel = typer.Typer(
    help="Keep the signed channels that devices update from.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@channel.command()
def init(
    environment: Environment,
    root_keys: RootKeys,
    keys: Annotated[int, typer.Option(min=1, metavar="N", help="How many root keys.")] = 1,
    threshold: Annotated[int, typer.Option(min=1, metavar="N", help="How many of them must sign.")] = 1,
    timestamp_days: Lifetime = 14,
    snapshot_days: Lifetime = 30,
    targets_days: Lifetime = 90,
    root_days: Lifetime = 365,
) -> None:
    """Make the channel of an environment, and publish what leads it."""
    require_environment(environment, "channel", "ENVIRONMENT")
    prepare_environment()
    days = Days(timestamp=timestamp_days, snapshot=snapshot_days, targets=targets_days, root=root_days)
    made = create(environment, root_keys, keys, threshold, days)
    say_published(environment)
    say(f"trust anchor: {_anchor(environment)}")
    say_list("Next:", [_offline(made), _serving(environment)])


@channel.command()
def rotate(
    environment: Environment,
    role: Annotated[Literal["timestamp", "snapshot", "targets", "root"], typer.Option(help="Whose key.")],
    root_keys: RootKeys,
) -> None:
    """Give a role a new key, and revoke the old one."""
    require_environment(environment, "channel", "ENVIRONMENT")
    require_channel(environment)
    prepare_environment()
    made = rotate_key(environment, role, root_keys)
    say(("rotated", "green"), f" {role} of {environment}: the old key is revoked")
    if made:
        say_list("Next:", [_offline(made), "destroy the root keys from before"])


@channel.command()
def refresh(
    environment: Annotated[Optional[str], typer.Argument(help="Default: every channel.")] = None,  # noqa: UP045
    root_keys: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--root-keys", metavar="DIR", help="For a root that is near its expiry."),
    ] = None,
) -> None:
    """Sign again what is near its expiry; for a daily timer."""
    if environment is not None:
        require_environment(environment, "channel", "ENVIRONMENT")
        require_channel(environment)
    prepare_environment()
    for place in [environment] if environment else channels():
        _refresh(place, root_keys)
    if not channels():
        say(f"no channel yet; {HOW} makes one")


@channel.command()
def status(as_json: AsJson = False) -> None:
    """Say what each channel holds, and until when its signatures are good."""
    prepare_environment()
    if as_json:
        say_json([_facts(environment) for environment in channels()])
        return
    for environment in channels():
        say_published(environment)
        seen = view(environment)
        say(f"  trust anchor: {_anchor(environment)}")
        for signature in signatures(environment, seen):
            say(f"  {_in_a_line(signature)}")
        if seen.problem:
            say("  ", ("refused by devices", "red"), f" {seen.problem}")
    if not channels():
        say(f"no channel yet; {HOW} makes one")


def say_published(environment: str) -> None:
    """Prints what devices find in the channel of an environment, where there is one."""
    if environment not in channels():
        return
    held = ", ".join(f"{model} version {version}" for model, version in holdings(view(environment)).items())
    where = os.path.relpath(metadata_dir(environment).parent)
    say(f"channel {environment}: {held or 'no release yet'} ({where})")


def _facts(environment: str) -> dict[str, Any]:
    """Returns what `status` says of a channel, for machines."""
    seen = view(environment)
    signed = {
        one.role: {
            "version": one.version,
            "keys": one.keys,
            "threshold": one.threshold,
            "expires": one.expires.isoformat(),
        }
        for one in signatures(environment, seen)
    }
    held = dict(holdings(seen).items())
    trusted = {"path": str(metadata_dir(environment) / "1.root.json"), "sha256": anchor(environment)}
    facts = {"environment": environment, "releases": held, "trust_anchor": trusted, "signatures": signed}
    return {**facts, "refused_by_devices": str(seen.problem) if seen.problem else None}


def _refresh(environment: str, root_keys: Path | None) -> None:
    signed = sign_again(environment, root_keys)
    said = f"signed {', '.join(signed)}" if signed else "nothing is near its expiry; nothing to do"
    say(f"{environment}: {said}")
    root = next(signatures(environment, view(environment)))
    if root.near:
        do = f"stillhouse channel refresh {environment} --root-keys DIR"
        warn(f"{environment}: root is good until {root.expires:%Y-%m-%d}; {do}")


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
