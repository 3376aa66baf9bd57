"""`infra/prefect.yaml` on a real Prefect server: deployed to its pools, and run by a worker."""

import json
import os
import subprocess
import sys
import urllib.request
from typing import Any

import pytest

from tasks.registry.ledger.checks import checks
from tests.flows.conftest import TOOLS, Project

POOLS = ("process", "docker", "kubernetes")


@pytest.fixture
def api(prefect_api: str) -> str:
    """The address of a Prefect server with a pool of each type."""
    for kind in POOLS:
        answer(f"{prefect_api}/work_pools/", {"name": f"stillhouse-{kind}", "type": kind})
    return prefect_api


def tools(project: Project, api: str) -> dict[str, str]:
    """Returns the environment of a machine that deploys and works."""
    return {name: value for name, value in os.environ.items() if not name.startswith(TOOLS)} | {
        "PREFECT_API_URL": api,
        "PREFECT_HOME": str(project.root / ".stillhouse/prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PYTHONPATH": str(project.root),
        "STILLHOUSE_PROJECT": str(project.root),
        "STILLHOUSE_IMAGE": "stillhouse:latest",
    }


def prefect(project: Project, api: str, *arguments: str) -> str:
    command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
    done = subprocess.run(
        command, cwd=project.root, env=tools(project, api), capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def answer(address: str, body: object = None) -> Any:
    said = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, said, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


@pytest.mark.slow
def test_the_deployments_are_valid_and_a_worker_runs_one_that_finds_nothing_to_do(quiet: Project, api: str) -> None:
    prefect(quiet, api, "deploy", "--prefect-file", "infra/prefect.yaml", "--all")
    deployed = {one["name"]: one for one in answer(f"{api}/deployments/filter", {})}
    assert {name: one["work_pool_name"] for name, one in deployed.items()} == {
        f"digits-{kind}": f"stillhouse-{kind}" for kind in POOLS
    }
    for one in deployed.values():
        assert one["schedules"][0]["schedule"]["cron"] == "0 2 * * 1"
        assert one["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
    run = answer(f"{api}/deployments/{deployed['digits-process']['id']}/create_flow_run", {})
    prefect(quiet, api, "worker", "start", "--pool", "stillhouse-process", "--run-once")
    assert answer(f"{api}/flow_runs/{run['id']}")["state"]["name"] == "Nothing to do"
    assert [kept.asked for kept in checks("digits")] == ["schedule"]
