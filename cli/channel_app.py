"""`stillhouse channel`: the commands of the release channels."""

from pathlib import Path
from typing import Annotated, Literal, Optional

import typer

channel_app = typer.Typer(
    help="Keep the signed channels that devices update from.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Environment = Annotated[str, typer.Argument(help="staging or edge.")]
Days = Annotated[int, typer.Option(min=1, metavar="DAYS", help="How long its signature is good.")]
RootKeys = Annotated[Path, typer.Option("--root-keys", metavar="DIR", help="The folder of the root keys.")]


@channel_app.command()
def init(
    environment: Environment,
    root_keys: RootKeys,
    keys: Annotated[int, typer.Option(min=1, metavar="N", help="How many root keys.")] = 1,
    threshold: Annotated[int, typer.Option(min=1, metavar="N", help="How many of them must sign.")] = 1,
    timestamp_days: Days = 14,
    snapshot_days: Days = 30,
    targets_days: Days = 90,
    root_days: Days = 365,
) -> None:
    """Make the channel of an environment, and publish what leads it."""
    from cli.channel import init_channel
    from tasks.registry.channel import settings

    days = settings.Days(timestamp=timestamp_days, snapshot=snapshot_days, targets=targets_days, root=root_days)
    init_channel(environment, root_keys, keys, threshold, days)


@channel_app.command()
def rotate(
    environment: Environment,
    role: Annotated[Literal["timestamp", "snapshot", "targets", "root"], typer.Option(help="Whose key.")],
    root_keys: RootKeys,
) -> None:
    """Give a role a new key, and revoke the old one."""
    from cli.channel import rotate_key

    rotate_key(environment, role, root_keys)


@channel_app.command()
def refresh(
    environment: Annotated[Optional[str], typer.Argument(help="Default: every channel.")] = None,  # noqa: UP045
    root_keys: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--root-keys", metavar="DIR", help="For a root that is near its expiry."),
    ] = None,
) -> None:
    """Sign anew what is near its expiry; for a daily timer."""
    from cli.channel import refresh_channels

    refresh_channels(environment, root_keys)


@channel_app.command()
def status() -> None:
    """Say what each channel holds, and until when its signatures are good."""
    from cli.channel import show_channels

    show_channels()
