import json
import os
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from typer import Typer

from cli.main import COMMANDS
from tasks.tracking import runs

HEAVY = ("torch", "prefect", "mlflow", "dvc", "onnxruntime", "sklearn", "numpy", "pandas", "sqlalchemy", "pydantic")


def test_help_imports_nothing_heavy(fresh: Any) -> None:
    code = f"""
import sys
from cli.main import app
sys.argv = ["stillhouse", "--help"]
try: app()
except SystemExit as end: assert not end.code
print("imported:", [name for name in {HEAVY!r} if name in sys.modules])
"""
    said = fresh.python("-c", code)
    assert "promote" in said.out
    assert "imported: []" in said.out


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_of_each_what_its_own_help_says(name: str) -> None:
    module, line = COMMANDS[name]
    command = getattr(import_module(f"cli.{module}"), name)
    assert (command.info.help if isinstance(command, Typer) else command.__doc__) == line


def test_the_question_whether_there_is_anything_to_do_imports_nothing_that_works() -> None:
    # numpy and pydantic are needed for the recipe: the names of its metrics are those of its kind of task.
    light = {"numpy", "sqlalchemy", "pydantic"}
    workers = (*(name for name in HEAVY if name not in light), "tuf", "cryptography", "openlineage", "fastapi")
    code = f"import sys, cli.run; sys.exit(str([name for name in {workers!r} if name in sys.modules] or ''))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == "\n"


def test_check_says_valid_and_warns_of_a_student_larger_than_its_teacher(fresh: Any, typed: Any) -> None:
    plain = fresh.stillhouse("check", "params/digits.yaml")
    assert (plain.code, "valid" in plain.out, "warning" in plain.out) == (0, True, False)
    large = typed("check", "params/digits.yaml", "--set", "student.architecture.channels=[512, 512]")
    assert large.code == 0
    assert "`student.architecture`: expected a student smaller than its teacher" in large.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "params/nothing.yaml"), "no such file"),
        (("run", "params"), "a folder"),
        (("run", "dvc.yaml"), "unknown key"),
        (("check", "params/digits.yaml", "--set", "distill.alpha=2"), "`distill.alpha`"),
        (("run", "params/digits.yaml", "--set", "distill.alpha=2", "--set", "sed=1"), "`sed`"),
        (("run", "params/digits.yaml", "--set", "teacher.training=null", "--set", "teacher.weights=no.st"), "no.st"),
        (("promote", "digits", "--to", "moon"), "staging or edge"),
        (("promote", "nothing", "--to", "edge"), "no such file"),
        (("channel", "init", "moon", "--root-keys", "keys"), "staging or edge"),
        (("channel", "rotate", "edge", "--role", "root", "--root-keys", "keys"), "stillhouse channel init edge"),
        (("approve", "digits", "--to", "moon"), "staging or edge"),
        (("approve", "digits", "--to", "staging"), "`promote.staging.approval`: expected manual, got automatic"),
        (("sweep", "params/vowels.yaml"), "`sweep`: expected a section, got none"),
        (("sweep", "params/digits.yaml", "--workers", "0"), "--workers"),
        (("sweep", "params/digits.yaml", "--set", "distill.alpha=x", "--set", "sed=1"), "`sed`"),
        (("init", "my-product"), "give one of them"),
        (("init", "my-product", "--images", "nowhere"), "nowhere"),
        (("run",), "Missing argument"),
        (("dance",), "No such command"),
    ],
)
def test_bad_input_is_one_message_with_exit_2_and_nothing_is_made(
    fresh: Any, typed: Any, arguments: tuple[str, ...], said: str
) -> None:
    answer = typed(*arguments)
    assert answer.code == 2
    assert said in answer.err
    assert "Traceback" not in answer.err + answer.out
    assert not (fresh.root / ".stillhouse").exists()
    assert fresh.git("status", "--porcelain") == ""


def test_a_mistake_is_the_same_message_from_a_process_of_its_own(fresh: Any) -> None:
    answer = fresh.stillhouse("run", "params/digits.yaml", "--set", "distill.alpha=2")
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert "`distill.alpha`" in answer.err


def test_all_mistakes_of_a_recipe_come_in_one_answer(typed: Any) -> None:
    answer = typed("run", "params/digits.yaml", "--set", "distill.alpha=2", "--set", "seed=-1")
    assert "`distill.alpha`" in answer.err
    assert "`seed`" in answer.err


def test_promoting_what_was_never_made_says_how_to_make_it(typed: Any) -> None:
    answer = typed("promote", "digits", "--to", "staging")
    assert answer.code == 2
    assert "stillhouse run params/digits.yaml" in answer.err


def test_a_server_that_does_not_answer_is_one_message(typed: Any) -> None:
    with closing(socket.socket()) as taken:  # nobody listens at its port
        taken.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{taken.getsockname()[1]}/ledger"
        os.environ["STILLHOUSE_LEDGER_URI"] = f"postgresql+psycopg://anna:s3cret@{place}"
        said = typed("history", "digits")
    assert said.code == 1
    assert said.err == (
        f"stillhouse: `STILLHOUSE_LEDGER_URI`: expected an answer from postgresql+psycopg://{place}, got none;"
        " start that server, or unset the variable to keep that state on this machine\n"
    )


def test_the_watcher_of_connections_does_see_one(fresh: Any) -> None:
    """Without this, an empty log would prove nothing."""
    watched = type(fresh)(fresh.root, fresh.root.parent / "watched.log")
    code = "import socket\ntry: socket.getaddrinfo('stillhouse.invalid', 80)\nexcept OSError: pass"
    watched.python("-c", code)
    assert "look up stillhouse.invalid" in watched.connections.read_text()


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "params/digits.yaml"),
        ("promote", "digits", "--to", "edge"),
        ("rollback", "digits", "--from", "edge"),
        ("status",),
        ("history", "digits"),
        ("audit",),
        ("lineage",),
        ("gc",),
    ],
)
def test_state_of_version_0_1_is_answered_by_the_folder_to_move_away(
    typed: Any, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    os.environ["STILLHOUSE_HOME"] = str(tmp_path)
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        connection.execute("create table promotions (id integer primary key)")
    said = typed(*arguments)
    assert said.code == 2
    assert f"`{tmp_path}`: expected state of version 0.2, got that of version 0.1; move `{tmp_path}` away" in said.err


@pytest.mark.parametrize(
    ("variable", "address", "wrong"),
    [
        (
            "STILLHOUSE_LEDGER_URI",
            "sqlite:///dvc.yaml",
            "`dvc.yaml`: expected the database of the ledger, got file is ",
        ),
        ("STILLHOUSE_LEDGER_URI", "sqlite:////proc/x.db", "`/proc/x.db`: expected the database of the ledger, got "),
        ("MLFLOW_TRACKING_URI", "sqlite:///dvc.yaml", "`MLFLOW_TRACKING_URI`: expected an SQLite database, got "),
        ("MLFLOW_TRACKING_URI", "mlruns", "`MLFLOW_TRACKING_URI`: expected one of sqlite, postgresql, "),
        ("MLFLOW_TRACKING_URI", "ftp://x", "`MLFLOW_TRACKING_URI`: expected one of sqlite, postgresql, "),
    ],
)
def test_a_variable_that_names_no_store_is_one_message(
    typed: Any, tmp_path: Path, variable: str, address: str, wrong: str
) -> None:
    os.environ |= {"STILLHOUSE_HOME": str(tmp_path), variable: address}
    runs.client.cache_clear()
    said = typed("gc", "--dry-run")
    assert said.code == 2
    assert said.err.startswith(f"stillhouse: {wrong}")
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "a" * 5_000),
        ("check", "params/\udcff.yaml"),
        ("sweep", "params/loop.yaml"),
        ("promote", "a" * 300, "--to", "staging"),
        ("promote", "digits", "--to", "staging", "--version", "9" * 40),
        ("history", "\udcff"),
        ("rollback", "digits", "--from", "staging", "--reason", "\udcff"),
        ("lineage", "--data", "a" * 5_000),
        ("lineage", "--version", "9" * 40),
        ("gc", "--model", "x", "--version", "9" * 40),
        ("channel", "init", "staging", "--root-keys", "/proc/x"),
        ("channel", "init", "staging", "--root-keys", "keys", "--root-days", "9" * 12),
        ("init", "own", "--table", "a" * 5_000),
    ],
    ids=lambda arguments: " ".join(arguments)[:40].encode(errors="replace").decode(),
)
def test_odd_arguments_are_one_message(typed: Any, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    os.environ["STILLHOUSE_HOME"] = str(tmp_path)
    answer = typed(*arguments)
    assert answer.code == 2
    assert "unexpected error" not in answer.err
    assert answer.err.isascii()


@pytest.mark.parametrize(
    "arguments", [("status",), ("doctor",), ("gc", "--dry-run"), ("audit",), ("channel", "status")]
)
def test_lists_are_json_before_anything_ran(typed: Any, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    os.environ["STILLHOUSE_HOME"] = str(tmp_path)
    runs.client.cache_clear()
    assert json.loads(typed(*arguments, "--json").out) is not None
