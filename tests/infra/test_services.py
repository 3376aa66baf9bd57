"""Compose file and Kubernetes manifests against what the services of `stillhouse team` are."""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from mlflow import environment_variables
from mlflow.cli import server as mlflow_server
from prefect.settings import Settings
from prefect.settings.legacy import _get_valid_setting_names

from infra.services import run as services
from tasks.runtime import cli
from tests.infra.described import INFRA, REPOSITORY, SECRET, Described, compose, in_compose, in_kubernetes

EVERYWHERE = [("compose", in_compose()), ("kubernetes", in_kubernetes())]
BOTH = pytest.mark.parametrize("described", [found for _, found in EVERYWHERE], ids=[place for place, _ in EVERYWHERE])
OURS = ("flows", "tasks", "infra")
OF_IMAGES = {
    "postgres": {"POSTGRES_USER", "POSTGRES_PASSWORD", "PGDATA"},
    "store": {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "S3_BUCKET"},
}
"""variables of others' images, as their documentation says"""
LIBRARIES = {"PGPASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"}
"""of libpq and asyncpg, and of boto3"""


def services_of(described: list[Described]) -> Mapping[str, Described]:
    return {one.name: one for one in described if one.command[:3] == ["python", "-m", "infra.services.run"]}


@BOTH
def test_each_service_of_a_team_runs_by_the_command_that_stillhouse_team_starts(described: list[Described]) -> None:
    found = services_of(described)
    assert {name: one.command[3:] for name, one in found.items()} == {name: [name] for name in services.COMMANDS}


@BOTH
def test_what_a_device_image_runs_is_a_command_of_the_device(described: list[Described]) -> None:
    found = [one for one in described if "stillhouse-edge" in one.image]
    assert {one.command[0] for one in found} == {"follow", "stillhouse-edge"}
    for one in found:
        if one.command[0] == "stillhouse-edge":
            assert cli._parser().parse_args(one.command[1:]).command == "serve"
    assert (INFRA / "images/follow.sh").stat().st_mode & 0o111


@BOTH
def test_the_channel_is_served_from_where_workers_publish(described: list[Described]) -> None:
    by_name = {one.name: one for one in described}
    command = by_name["channel"].command
    assert command[:3] == ["python", "-m", "http.server"]
    assert by_name["worker"].variables["STILLHOUSE_CHANNEL"] == command[command.index("--directory") + 1]


@BOTH
def test_every_variable_is_one_that_its_tool_reads(described: list[Described]) -> None:
    unread = [f"{one.name}: {name}" for one in described for name in one.variables if not read_by_somebody(one, name)]
    assert unread == []


def read_by_somebody(one: Described, name: str) -> bool:
    if one.name in OF_IMAGES:
        return name in OF_IMAGES[one.name]
    if name.startswith("PREFECT_"):
        return name in _get_valid_setting_names(Settings)
    if name.startswith("MLFLOW_"):
        return name in {option.envvar for option in mlflow_server.params} or hasattr(environment_variables, name)
    return name in LIBRARIES or any(name in path.read_text() for path in sources())


def sources() -> list[Path]:
    return [path for folder in OURS for end in ("py", "sh") for path in (REPOSITORY / folder).rglob(f"*.{end}")]


@BOTH
def test_no_secret_is_written_down(described: list[Described]) -> None:
    for one in described:
        for name, value in one.variables.items():
            if SECRET.search(name) and name != "STILLHOUSE_CHANNEL_KEYS":
                assert value == "" or re.fullmatch(r"\$\{\w+:\?set it in the environment\}", value), (one.name, name)
            assert not re.search(r"://[^/@:]*:[^/@]*@", str(value)), (one.name, name)


def test_both_describe_the_same_databases_images_and_addresses() -> None:
    here, there = ({one.name: one for one in found} for _, found in EVERYWHERE)
    for name in ("postgres", "store"):
        assert here[name].image == there[name].image
        assert re.search(r":\d+\.\d+", here[name].image)
    for name in services.COMMANDS:
        theirs = {variable: value for variable, value in there[name].variables.items() if value}
        shared = here[name].variables.keys() & theirs.keys() - {"MLFLOW_SERVER_ALLOWED_HOSTS"}
        assert {variable: here[name].variables[variable] for variable in shared} == {v: theirs[v] for v in shared}
        assert here[name].variables.keys() - there[name].variables.keys() == set()


def test_addresses_name_a_service_its_port_and_a_database_that_is_made() -> None:
    made = set(re.findall(r"^create database (\w+);", (INFRA / "databases.sql").read_text(), re.MULTILINE))
    names = compose()["services"].keys()
    texts = [str(value) for one in in_compose() for value in one.variables.values()]
    used = {found[1] for text in texts if (found := re.search(r"stillhouse@postgres:5432/(\w+)", text))}
    assert used == made == {"ledger", "mlflow", "prefect"}
    hosts = {found[1]: int(found[2]) for text in texts if (found := re.fullmatch(r"https?://(\w+):(\d+)\S*", text))}
    hosts.pop("localhost")  # of a browser
    assert hosts.keys() <= names
    assert hosts == {"store": 8333, "mlflow": 5000, "prefect": 4200, "channel": 8000}


def test_the_compose_file_follows_the_specification() -> None:
    schema: list[Any] = ["--builtin-schema", "vendor.compose-spec"]
    command = [sys.executable, "-m", "check_jsonschema", *schema, INFRA / "compose.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_files_that_the_compose_file_names_are_there_and_its_volumes_and_networks_are_declared() -> None:
    content = compose()
    for name, service in content["services"].items():
        if "build" in service:
            context = (INFRA / service["build"]["context"]).resolve()
            assert context == REPOSITORY
            assert (context / service["build"]["dockerfile"]).is_file()
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert (INFRA / source).is_file() if source.startswith(".") else source in content["volumes"], (
                name,
                source,
            )
        assert set(service["networks"]) <= content["networks"].keys()
        assert set(service.get("depends_on", {})) <= content["services"].keys()


def test_services_of_the_compose_file_are_healthy_where_their_port_says_so_and_closed_to_other_machines() -> None:
    for name, service in compose()["services"].items():
        if name == "deploy":
            continue
        check = " ".join(service["healthcheck"]["test"])
        if name in services.HEALTH:
            port = service["environment"].get("MLFLOW_PORT") or service["environment"].get("PREFECT_SERVER_API_PORT")
            assert f"http://127.0.0.1:{port or 8080}{services.HEALTH[name]}'" in check
        for published in service.get("ports", []):
            address, outside, inside = published.rsplit(":", 2)
            assert (address, outside) == ("127.0.0.1", inside)
            assert f":{inside}/" in check


def test_services_of_the_compose_file_run_without_rights_and_write_to_volumes_only() -> None:
    for name, service in compose()["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service.get("read_only", False) is (name != "worker"), name
        assert "build" in service or re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"]), name
    assert compose()["networks"]["back"] == {"internal": True}
    assert compose()["services"]["postgres"]["networks"] == ["back"]


def test_prefect_still_needs_the_patch() -> None:
    # In a process of its own: the patch changes a class of Prefect's.
    code = """if True:
        from prefect.server.database.orm_models import FlowRun
        from infra.services.prefect_scheduler_patch import let_scheduler_insert
        before = vars(FlowRun)["state"].bulk_dml_setter
        let_scheduler_insert()
        assert (before, vars(FlowRun)["state"].bulk_dml_setter is not None) == (None, True)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
