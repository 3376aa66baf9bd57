"""Runs and stages as spans of OpenTelemetry, sent to a collector on loopback."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from tasks.core.errors import DataError
from tasks.core.progress import Warned, listen
from tasks.tracking import spans
from tasks.tracking.job_runs import job_run
from tests.collector import collecting, plain

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A state folder of its own, and no spans sent yet."""
    monkeypatch.setenv("STILLHOUSE_HOME", str(tmp_path))
    spans._spans.cache_clear()
    yield
    spans._spans.cache_clear()


@pytest.fixture
def warnings() -> Iterator[list[str]]:
    found: list[str] = []
    stop = listen(lambda event: found.append(event.text) if isinstance(event, Warned) else None)
    yield found
    stop()


RUN = "5f0c9a30-0f5e-4a55-9c0c-1d9a3c1f2b77"


def run_trees() -> None:
    stage = spans.span("teacher", lambda: {"stillhouse.stage": "teacher"})
    with job_run("trees", "retrain", run_id=RUN), stage as told:
        told({"stillhouse.cached": True})


def test_a_run_is_a_span_and_a_stage_is_one_inside_it(monkeypatch: pytest.MonkeyPatch, warnings: list[str]) -> None:
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=k")
        run_trees()
    run, stage = collector.spans["retrain"], collector.spans["teacher"]
    assert (stage.parent_span_id, stage.trace_id) == (run.span_id, run.trace_id)
    assert run.parent_span_id == b""
    assert plain(iter(run.attributes)) == {"stillhouse.recipe": "trees", "stillhouse.run": RUN}
    assert plain(iter(stage.attributes)) == {"stillhouse.stage": "teacher", "stillhouse.cached": True}
    assert run.start_time_unix_nano <= stage.start_time_unix_nano < stage.end_time_unix_nano <= run.end_time_unix_nano
    assert {*collector.asked} == {("/v1/traces", "k")}
    assert collector.resource["service.name"] == "stillhouse"
    assert warnings == []


def test_opentelemetrys_own_name_of_the_service_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{collector.url}/here")
        monkeypatch.setenv("OTEL_SERVICE_NAME", "edge-models")
        run_trees()
    assert {path for path, _ in collector.asked} == {"/here"}
    assert collector.resource["service.name"] == "edge-models"


def test_an_error_is_the_status_of_the_stage_and_of_its_run_and_names_no_login(monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        with pytest.raises(DataError), job_run("trees", "retrain"), spans.span("data", dict):
            raise DataError("expected rows, got none from https://me:secret@host/rows.csv")
    for name in ("data", "retrain"):
        failed = collector.spans[name]
        assert failed.status.code == Status.STATUS_CODE_ERROR
        assert failed.status.message == "DataError: expected rows, got none from https://host/rows.csv"
        assert plain(iter(failed.attributes))["error.type"] == "DataError"
        assert not failed.events


@pytest.mark.parametrize("status", [404, 0])
def test_a_collector_that_takes_nothing_costs_one_warning_and_seconds(
    status: int, monkeypatch: pytest.MonkeyPatch, warnings: list[str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    with collecting(status or 200) as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url if status else "http://127.0.0.1:9")
        started = time.monotonic()
        run_trees()
        run_trees()
    assert time.monotonic() - started < 5
    (warning,) = warnings
    assert warning.startswith("OpenTelemetry: expected a collector to take spans over OTLP/HTTP")


@pytest.mark.parametrize("variables", [{}, {"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"}])
def test_without_a_collector_nothing_is_sent(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting() as collector:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        run_trees()
    assert collector.bodies == []
    assert spans._spans.cache_info().currsize == 0


def test_without_a_collector_opentelemetry_is_not_imported_by_us() -> None:
    code = "from tasks.tracking.spans import span\nwith span('run', dict): pass\nimport sys\n"
    code += "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
