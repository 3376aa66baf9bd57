"""What Prefect's page of a flow run shows of a run and of its failure."""

import logging
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from urllib3 import PoolManager

from flows.logs import ENGINE
from tasks.core.errors import InputError
from tests.flows.conftest import Project, make_project
from tests.flows.tiny import write_tiny

LEARNS = ("--set", "teacher.training.epochs=30")


def logs_of(api: str, level: int = logging.INFO) -> str:
    wanted = {"logs": {"level": {"ge_": level}, "flow_run_id": {"any_": run_ids(api)}}, "sort": "TIMESTAMP_ASC"}
    return "\n".join(entry["message"] for entry in asked(api, "logs", wanted))


def run_ids(api: str) -> list[str]:
    """Returns the retrain that began last."""
    wanted = {"flows": {"name": {"any_": ["retrain"]}}, "sort": "START_TIME_DESC", "limit": 1}
    return [run["id"] for run in asked(api, "flow_runs", wanted)]


def asked(api: str, what: str, wanted: Any) -> list[dict[str, str]]:
    found: list[dict[str, str]] = PoolManager().request("POST", f"{api}/{what}/filter", json=wanted).json()
    return found


@pytest.mark.slow
def test_the_lines_of_the_terminal_and_the_message_of_a_failure_are_in_the_log_of_the_flow_run(
    tmp_path: Path, prefect_api: str
) -> None:
    project: Project = replace(make_project(tmp_path), api=prefect_api)
    write_tiny(project.root, "tiny")
    said = project.stillhouse("run", "tiny", *LEARNS)
    assert said.code == 0, said.err
    log = logs_of(prefect_api)
    missing = [line for line in said.out.splitlines()[1:] if line.strip() and line.rstrip() not in log]
    assert missing == []

    refused = project.stillhouse("run", "tiny", *LEARNS, "--set", "compress.limits.bytes=1")
    (error,) = [line for line in refused.err.splitlines() if "expected a candidate" in line]
    assert error.removeprefix("stillhouse: ") in logs_of(prefect_api, logging.ERROR).splitlines()[0]
    assert "Traceback" not in logs_of(prefect_api)


@pytest.mark.parametrize("name", ENGINE)
def test_an_error_for_a_person_is_logged_as_its_message_and_any_other_with_its_traceback(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    logger = logging.getLogger(name)
    for error in (InputError("`x`: expected y"), ValueError("odd")):
        try:
            raise error
        except Exception:
            record = logger.makeRecord(name, logging.ERROR, "f", 1, "Encountered %r", (error,), sys.exc_info())
            logger.filter(record)
            caplog.handler.emit(record)
    plain, odd = caplog.records
    assert (plain.getMessage(), plain.exc_info) == ("`x`: expected y", None)
    assert odd.exc_info is not None
