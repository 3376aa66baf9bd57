"""No secret of the environment is in anything that Stillhouse writes or says: canaries are looked for everywhere."""

import dataclasses
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from benchmarks.soak.world import QUICK
from tests.flows.conftest import Project, Said, make_project
from tests.postgresql import running_cluster

pytestmark = pytest.mark.slow
BLOCK = """
from prefect.blocks.notifications import CustomWebhookNotificationBlock as Webhook
secrets = {{'where': '{url}', 'token': '{token}'}}
Webhook(name='factory', url='http://127.0.0.1:9/{{{{where}}}}', secrets=secrets).save('factory')
"""
"""Prefect keeps the address itself readable, in the event that a block was made; what its `secrets` hold it does not"""
SAVE = "from infra.services.prefect_server import start_prefect_api\n"
SAVE += "from tasks.core.environment import prepare_environment as prepare\n"
DEAD = "127.0.0.1:9"


def canary() -> str:
    """A secret that is nowhere else; a name of letters and digits stays as it is in any encoding."""
    return f"canary{secrets.token_hex(12)}"


@dataclasses.dataclass(frozen=True)
class Spoken:
    """A project in which commands ran with secrets in their environment, and what they said."""

    canaries: dict[str, str]
    project: Project
    tables: str
    """all rows of all tables of the databases, as text"""
    said: dict[str, Said]


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spoken]:
    """A run, runs that fail, and the doctor; ledger and MLflow are on a PostgreSQL that takes any password."""
    names = ("ledger", "mlflow", "server", "aws", "prefect", "passphrase", "openlineage", "url", "token")
    canaries = {name: canary() for name in names}
    project = make_project(tmp_path_factory.mktemp("secrets"))
    with running_cluster() as cluster, tempfile.TemporaryDirectory() as keys:
        urls = {name: cluster.database(name) for name in ("ledger", "mlflow")}
        opened = {name: url.replace("@", f":{canaries[name]}@") for name, url in urls.items()}
        project = dataclasses.replace(project, variables=tuple(_variables(canaries, opened).items()))
        said = _commands(project, canaries, Path(keys))
        yield Spoken(canaries, project, "".join(map(_rows, urls.values())), said)


def _variables(canaries: dict[str, str], opened: dict[str, str]) -> dict[str, str]:
    return {
        "STILLHOUSE_LEDGER_URI": opened["ledger"],
        "MLFLOW_TRACKING_URI": opened["mlflow"],
        "AWS_SECRET_ACCESS_KEY": canaries["aws"],
        "PREFECT_API_KEY": canaries["prefect"],
        "STILLHOUSE_ROOT_PASSPHRASE": canaries["passphrase"],
        "OPENLINEAGE_URL": f"http://{DEAD}",
        "OPENLINEAGE_API_KEY": canaries["openlineage"],
    }


def _commands(project: Project, canaries: dict[str, str], keys: Path) -> dict[str, Said]:
    quick = ("params/digits.yaml", *(word for one in QUICK for word in ("--set", one)))
    told = (*quick, "--set", "notify.block=custom-webhook/factory")
    start = f"{SAVE}prepare(); ready = start_prefect_api(); ready()\n"
    dead_server = _with(project, MLFLOW_TRACKING_URI=f"http://user:{canaries['server']}@{DEAD}")
    dead_ledger = _with(project, STILLHOUSE_LEDGER_URI=f"postgresql+psycopg://user:{canaries['ledger']}@{DEAD}/ledger")
    no_address = _with(project, STILLHOUSE_LEDGER_URI=f"postgresql+psycopg://user:{canaries['ledger']}:x@host:y/ledger")
    return {
        "block": project.python("-c", start + BLOCK.format(**canaries)),
        "channel": project.stillhouse("channel", "init", "staging", "--root-keys", str(keys)),
        "run": project.stillhouse("run", *told),
        "run without MLflow": dead_server.stillhouse("run", *told, "--force"),
        "run without a ledger": dead_ledger.stillhouse("run", *told),
        "run with no address": no_address.stillhouse("run", *told),
        "doctor": project.stillhouse("doctor"),
        "doctor without MLflow": dead_server.stillhouse("doctor"),
        "doctor without a ledger": dead_ledger.stillhouse("doctor"),
        "lineage": project.stillhouse("lineage", "staging", "--json"),
    }


def _with(project: Project, **variables: str) -> Project:
    return dataclasses.replace(project, variables=(*project.variables, *variables.items()))


def _rows(url: str) -> str:
    """Returns all that is in a database."""
    found = []
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        tables = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
        for (table,) in tables:
            asked = SQL("select t::text from {} t").format(Identifier(table))
            found += [row for (row,) in connection.execute(asked).fetchall()]
    return "\n".join(found)


def test_the_commands_did_what_was_asked_so_that_there_was_something_to_tell(spoken: Spoken) -> None:
    codes = {name: said.code for name, said in spoken.said.items()}
    assert {name for name, code in codes.items() if code == 0} >= {"block", "channel", "run", "lineage"}, spoken.said
    assert codes["run without MLflow"] == codes["run without a ledger"] == 1
    assert codes["run with no address"] == 2
    assert "teacher.training.epochs" in spoken.tables
    assert "to deliver, got" in spoken.said["run"].out  # the block was opened, and nobody was behind its address
    assert {"prefect/prefect.db", "openlineage.jsonl"} <= {name for name, _ in files_of(spoken.project)}


def test_no_secret_is_in_what_commands_say(spoken: Spoken) -> None:
    found = [
        (secret, name)
        for name, said in spoken.said.items()
        for secret, value in spoken.canaries.items()
        if value in said.out + said.err
    ]
    assert found == []


def test_no_secret_is_in_any_file_of_the_project(spoken: Spoken) -> None:
    values = {secret: value.encode() for secret, value in spoken.canaries.items()}
    read = {name: path.read_bytes() for name, path in files_of(spoken.project)}
    assert [(secret, name) for name, held in read.items() for secret, value in values.items() if value in held] == []


def test_no_secret_is_in_a_table_of_the_ledger_or_of_mlflow(spoken: Spoken) -> None:
    assert [secret for secret, value in spoken.canaries.items() if value in spoken.tables] == []


def files_of(project: Any) -> list[tuple[str, Path]]:
    """Every file of the project by its name in the state folder, those of git and of the tools beside it among them."""
    state = project.root / ".stillhouse"
    files = [path for path in project.root.rglob("*") if path.is_file()]
    return [(str(path.relative_to(state) if path.is_relative_to(state) else path), path) for path in files]
