"""The pages of the reference, made from the schemas, the commands and the errors that they describe."""

import dataclasses
import inspect
import typing
from argparse import HelpFormatter
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from cli.main import COMMANDS, app
from params.pipeline import Recipe
from tasks.core import errors
from tasks.kinds.recipe_schema import attribute_docs
from tasks.runtime import errors as runtime_errors
from tasks.runtime.bundle.manifest import BundleFile, Manifest, Processor, TensorInfo
from tasks.runtime.cli import _parser

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
RECIPES = FOLDER.parents[1] / "params"
MADE = "<!-- Made by `python -m manual`; change the code that it describes. -->\n\n"
VARIABLES: Mapping[str, str] = {
    "STILLHOUSE_HOME": "the state folder; `.stillhouse` of the project where unset",
    "STILLHOUSE_GROUP": "the group that may read and write the state folder; its owner alone where unset",
    "STILLHOUSE_UMASK": "the umask of a person's own files; set by each command for what it starts",
    "STILLHOUSE_LOG": "`json`: a line of JSON per event, on standard error",
    "STILLHOUSE_LEDGER_URI": "the ledger's database, any SQLAlchemy URL; `ledger.db` in the state folder where unset",
    "STILLHOUSE_CHANNEL": "the folder of the release channels, which a web server serves",
    "STILLHOUSE_CHANNEL_KEYS": "the folder of the online keys, which none may serve",
    "STILLHOUSE_ROOT_PASSPHRASE": "encrypts the root keys of a channel",
    "STILLHOUSE_PROJECT": "the project that a worker works for; set by what starts it",
    "STILLHOUSE_IMAGE": "the image of workers in containers (`infra/prefect.yaml`)",
    "STILLHOUSE_EDGE_HOME": "the home of a device; `~/.stillhouse-edge` where unset",
    "ORT_DISABLE_TELEMETRY": "`1`, set before ONNX Runtime is loaded: it looks up and calls no host of its maker's",
    "MLFLOW_TRACKING_URI": "MLflow's server or database; `mlflow.db` in the state folder where unset",
    "MLFLOW_TRACKING_USERNAME": "the login of MLflow's server",
    "MLFLOW_TRACKING_PASSWORD": "its password",
    "PREFECT_API_URL": "a team's Prefect server; each command starts one of its own where unset",
    "OPENLINEAGE_URL": "where events go; see [Tell a data catalogue](../how-to/catalogue.md)",
    "OPENLINEAGE_NAMESPACE": "of jobs and datasets; `stillhouse` where unset",
    "OPENLINEAGE_DISABLED": "`true`: no events",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "a collector of spans; see [Watch runs with OpenTelemetry](../how-to/spans.md)",
    "PGPASSFILE": "libpq's password file, for ledger, MLflow and Prefect alike",
}
"""those of other tools that Stillhouse gives a meaning to are among them"""


def pages() -> dict[str, str]:
    """Returns the name of each page and its text."""
    made = {
        "recipe.md": recipe_page(),
        "commands.md": commands_page(),
        "environment.md": environment_page(),
        "manifest.md": manifest_page(),
        "errors.md": errors_page(),
    }
    return {name: MADE + text for name, text in made.items()}


def recipe_page() -> str:
    """Returns every section of a recipe with its fields."""
    parts = [
        "# Every field of a recipe\n",
        "`stillhouse check RECIPE` says which of them are wrong, and runs nothing.\n",
    ]
    places = _sections(Recipe, "", {})
    for section, place in places.items():
        parts.append(f"## `{place or 'recipe'}`\n\n{_summary(section)}\n\n{_fields(section, places)}")
    return "\n".join(parts)


def commands_page() -> str:
    """Returns every command with its arguments and options."""
    parts = ["# Every command\n", "`stillhouse --help` and `stillhouse COMMAND --help` say the same in the terminal.\n"]
    group = typer.main.get_command(app)
    with typer.Context(group) as context:
        for name in COMMANDS:
            parts += _command(f"stillhouse {name}", group.get_command(context, name))  # type: ignore[attr-defined]
    parts += ["## `stillhouse-edge`\n", "The command of a device.\n", f"```\n{_edge_help()}\n```\n"]
    parts.append("Exit codes: 0 done or nothing to do; 1 refused or failed; 2 something that was given is wrong.\n")
    return "\n".join(parts)


def environment_page() -> str:
    """Returns the variables of the environment."""
    rows = "\n".join(f"| `{name}` | {text} |" for name, text in VARIABLES.items())
    return f"# Environment variables\n\n| variable | what it does |\n| --- | --- |\n{rows}\n"


def manifest_page() -> str:
    """Returns the fields of a bundle's manifest."""
    parts = ["# The manifest\n", f"`manifest.json` of a bundle. {inspect.getdoc(Manifest)}\n"]
    for part in (Manifest, TensorInfo, Processor, BundleFile):
        told, fields = attribute_docs(part), dataclasses.fields(part)
        rows = "\n".join(
            f"| `{one.name}` | {_cell(_words(one.type))} | {_cell(told.get(one.name, ''))} |" for one in fields
        )
        title = "" if part is Manifest else f"## {part.__name__}\n\n{inspect.getdoc(part)}\n\n"
        parts.append(f"{title}| field | type | meaning |\n| --- | --- | --- |\n{rows}\n")
    return "\n".join(parts)


def errors_page() -> str:
    """Returns the trees of errors with what to do."""
    trees = [str(module.__doc__).partition("\n\n")[2].strip() for module in (errors, runtime_errors)]
    return (
        "# Errors and exit codes\n\nA message names file and field, says what was expected, what was found and what to"
        f" do. `--debug` adds the traceback.\n\n## `stillhouse`\n\n```\n{trees[0]}\n```\n\n"
        f"## `stillhouse-edge`\n\n```\n{trees[1]}\n```\n"
    )


def _sections(section: type[BaseModel], place: str, found: dict[type[BaseModel], str]) -> dict[type[BaseModel], str]:
    """Returns section -> where it comes first, dotted, with its `kind` where it is one of several."""
    found[section] = place
    for name, field in section.model_fields.items():
        for member, many in _models(field.annotation):
            if member not in found:
                kind = member.model_fields.get("kind")
                one = typing.get_args(kind.annotation)[:1] if kind else ()
                at = f"{place}.{name}".strip(".") + ("[]" if many else "") + "".join(f" ({word})" for word in one)
                _sections(member, at, found)
    return found


def _models(annotation: Any, many: bool = False) -> Iterator[tuple[type[BaseModel], bool]]:
    """Yields the sections in an annotation, and whether there may be several."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation, many
    for inner in typing.get_args(annotation):
        several = many or typing.get_origin(annotation) in (tuple, dict)
        yield from _models(inner, several)


def _fields(section: type[BaseModel], places: Mapping[type[BaseModel], str]) -> str:
    told = attribute_docs(section)
    rows = [
        f"| `{name}` | {_type(field, places)} | {_default(field)} | {_cell(told.get(name) or _of_section(field))} |"
        for name, field in section.model_fields.items()
    ]
    return "\n".join(["| field | type | default | meaning |", "| --- | --- | --- | --- |", *rows, ""])


def _of_section(field: FieldInfo) -> str:
    """Returns what the section is that a field holds; nothing where it is one of several."""
    members = [member for member, _ in _models(field.annotation)]
    return _summary(members[0]) if len(members) == 1 else ""


def _type(field: FieldInfo, places: Mapping[type[BaseModel], str]) -> str:
    """Returns the type of a field, or where the sections that it may be are described."""
    sections = [places[member] for member, _ in _models(field.annotation)]
    words = _words(field.annotation)
    return _cell(words if not sections else f"{words}: {', '.join(f'`{place}`' for place in dict.fromkeys(sections))}")


WORDS: Mapping[Any, str] = {
    type(None): "null",
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Mapping: "object",
}


def _words(annotation: Any) -> str:
    """Returns a type in a few words."""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return _words(inner[0])
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(map(_words, inner)))
    if origin is typing.Literal:
        return " or ".join(f"`{one}`" for one in inner)
    if origin is tuple:
        return f"list of {_words(inner[0])}"
    if origin is dict:
        return f"{_words(inner[0])} -> {_words(inner[1])}"
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return "section"
    return WORDS.get(origin or annotation, getattr(annotation, "__name__", str(annotation)))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True) if field.default_factory is None else "..."
    if value is None or value is PydanticUndefined or isinstance(value, BaseModel):
        return ""
    shown = ", ".join(map(str, value)) if isinstance(value, tuple) else value
    return _cell(f"`{shown}`") if shown != "" else ""


def _one_line(text: str | None) -> str:
    return _cell(" ".join((text or "").split()))


def _summary(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").partition("\n\n")[0].replace("\n", " ")


def _cell(text: Any) -> str:
    return str(text).replace("|", "\\|")


def _command(name: str, command: Any) -> list[str]:
    if hasattr(command, "commands"):
        inner = [part for sub, one in command.commands.items() for part in _command(f"{name} {sub}", one)]
        return [f"## `{name}`\n", f"{_summary_of(command)}\n", *inner]
    rows = [
        f"| {_option(one)} | {_one_line(getattr(one, 'help', ''))} |" for one in command.params if one.name != "help"
    ]
    table = "\n".join(["| argument or option | meaning |", "| --- | --- |", *rows, ""]) if rows else ""
    return [f"## `{name}`\n", f"{_summary_of(command)}\n", table]


def _summary_of(command: Any) -> str:
    return (command.help or "").partition("\n\n")[0].replace("\n", " ")


def _option(option: Any) -> str:
    if option.param_type_name == "argument":
        return f"`{option.metavar or str(option.name).upper()}`"
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    return _cell(names)


def _edge_help() -> str:
    parser = _parser()
    parser.formatter_class = partial(HelpFormatter, width=100)
    return parser.format_help().strip()
