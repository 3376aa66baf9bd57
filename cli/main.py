"""The `stillhouse` command: a thin layer over the flows.

The file of a command is imported when that command is asked for, so that `--help` answers at once.
"""

import atexit
import sys
from gc import freeze
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from cli.output.exit_code import forget_ctrl_c
from tasks.core.errors import InputError, StillhouseError, mismatch, printable
from tasks.core.progress import listen
from tasks.core.servers import named_servers, unreachable, without_login
from tasks.runtime.errors import RuntimeBundleError

COMMANDS = {
    "run": ("run", "Make a student: data, teacher, student, compression, evaluation, registry, gate."),
    "sweep": ("sweep", "Make many students of one teacher, and say which of them is best."),
    "schedule": ("schedule", "Retrain by the clock where anything changed, until Ctrl-C."),
    "check": ("recipe", "Say whether a recipe is valid, and what in it is unwise; run nothing."),
    "teacher": ("teacher", "Ask the teacher about validation samples: how good it is, and what it will cost."),
    "promote": ("promote", "Show a release to the gate of an environment, and move the alias if it passes."),
    "approve": (
        "promote",
        "Say that a release may enter an environment whose gate asks a person, and show it to that gate.",
    ),
    "prove": (
        "release",
        "Compare what a release answers on another processor, emulated or real, with here.",
    ),
    "rollback": ("promote", "Move an environment back to the release that led it before."),
    "history": ("status", "Print every decision about a model: when, who, what, and why."),
    "status": ("status", "Say which version leads each environment of each model."),
    "audit": (
        "audit",
        "Verify the chain of decisions, and that every file, every alias in MLflow and every channel agrees with it.",
    ),
    "reconcile": (
        "audit",
        "Close what a killed process left open in MLflow and Prefect, and finish promotions that it began.",
    ),
    "doctor": ("upkeep", "Look for what may be wrong on this machine, and say what repairs it."),
    "gc": ("upkeep", "Remove what no alias, no decision and no lineage needs, and say how much of what that was."),
    "report": ("release", "Open the report of a release, and say where it is."),
    "lineage": ("lineage", "Say what the model in an environment is made of, or what a piece of data reached."),
    "bom": ("release", "Print what a release is made of as a CycloneDX ML-BOM."),
    "new": ("recipe", "Write a project of your own with one example: params/, dvc.yaml, git and DVC ready."),
    "schema": ("recipe", "Print the JSON schema of a recipe, which editors check and complete with."),
    "init": ("recipe", "Write a recipe for data of your own, and its entry in dvc.yaml."),
    "ui": ("servers", "Serve MLflow's and Prefect's own pages on the state of this project, until Ctrl-C."),
    "team": ("servers", "Serve a team's stack on this machine (PostgreSQL, MLflow, Prefect, workers), until Ctrl-C."),
    "channel": ("channel", "Keep the signed channels that devices update from."),
}
"""name -> the file of the command, and what it does in one line"""
_debug = False


class LazyGroup(TyperGroup):
    """Imports the file of a command when that command is asked for; its list is written without any of them."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Returns the names."""
        return [*COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """Returns a command, or None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        found = getattr(import_module(f"cli.{COMMANDS[cmd_name][0]}"), cmd_name)
        if isinstance(found, typer.Typer):
            return get_command(found)
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
        alone.command(cmd_name)(found)
        return get_command(alone)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Writes the list of `--help`."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


app = typer.Typer(
    cls=LazyGroup,
    help="Distill large networks into small ones for the edge, and keep doing so.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def options(
    context: typer.Context, debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False
) -> None:
    """Takes the options that stand before the command, and listens while it works."""
    global _debug
    _debug = debug
    from cli.output.console import say_notice  # the list of commands needs no console
    from cli.output.log import listen_as_asked

    context.call_on_close(listen(say_notice))
    listen_as_asked()


def main() -> None:
    """Runs the command; one message and an exit code for whatever goes wrong."""
    named = named_servers()  # before a server of our own is put there
    atexit.register(freeze)  # else Python looks through a million objects for cycles, only to throw all of them away
    try:
        _require_text(sys.argv[1:])
        app()
    except StillhouseError as error:
        _end(str(error), error.exit_code, error)
    except RuntimeBundleError as error:
        _end(str(error), 1, error)
    except Exception as error:
        _end_if_no_room(error)
        if silent := unreachable(named):
            _end(str(silent), silent.exit_code, error)
        said = f"{type(error).__name__}: {error}".strip()
        _end(f"unexpected error: {said}\n`stillhouse --debug ...` shows where it came from", 1, error)


def _require_text(arguments: list[str]) -> None:
    """Refuses what is no text: neither a recipe nor the ledger could hold it."""
    for one in arguments:
        if not one.isascii() and one.encode(errors="ignore").decode() != one:
            raise InputError(mismatch("stillhouse", "", "arguments in UTF-8", f"`{one}`", "rename what it names"))


def _end_if_no_room(error: Exception) -> None:
    """Ends where the disk is full, or the folder is not ours to write to."""
    from tasks.core.files import disk_full
    from tasks.core.workspace import state_dir, unwritable

    if found := disk_full(error, state_dir()) or unwritable(error):
        _end(str(found), found.exit_code, error)


def _end(message: str, code: int, error: BaseException) -> None:
    if _debug:
        raise error
    shown = "\n".join(map(printable, without_login(message).split("\n")))
    sys.stderr.write(f"stillhouse: {shown}\n")
    forget_ctrl_c()
    sys.exit(code)


if __name__ == "__main__":
    main()
