"""MLflow's and Prefect's own servers, booted from the lock, on the state that a run left."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="module")
def pages(project: Any, first_run: Any) -> Iterator[tuple[dict[str, str], "subprocess.Popen[str]"]]:
    """Both servers, started as a person does; title -> address, and the process."""
    command = [sys.executable, "-u", "-m", "cli.main", "ui", "--no-browser"]
    environment = {n: v for n, v in os.environ.items() if not n.startswith(("PREFECT_", "MLFLOW_", "STILLHOUSE_"))}
    process = subprocess.Popen(command, cwd=project.root, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    found = [re.match(r"(MLflow|Prefect) +(http://\S+)", process.stdout.readline()) for _ in range(2)]
    yield {match.group(1): match.group(2) for match in found if match}, process
    if process.poll() is None:
        process.send_signal(signal.SIGINT)  # killed, it would leave its servers behind
        process.wait(30)


def answer(address: str, body: object) -> Any:
    request = urllib.request.Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def test_both_pages_show_the_state_of_this_project(pages: Any) -> None:
    addresses, _ = pages
    experiments = answer(f"{addresses['MLflow']}/api/2.0/mlflow/experiments/search", {"max_results": 10})
    assert "digits" in {experiment["name"] for experiment in experiments["experiments"]}
    flows = answer(f"{addresses['Prefect']}/api/flows/filter", {})
    assert {"retrain", "promote"} <= {flow["name"] for flow in flows}


def test_ending_the_command_ends_both_servers(pages: Any) -> None:
    addresses, process = pages
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    for address in addresses.values():
        with pytest.raises(OSError, match="refused"):
            urllib.request.urlopen(address, timeout=5)
