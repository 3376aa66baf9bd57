"""A whole run as spans of OpenTelemetry: each stage, made or taken as it is, and one that fails."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.collector import Collector, collecting, plain
from tests.flows.conftest import Project, Said, make_project
from tests.flows.tiny import write_tiny

pytestmark = pytest.mark.slow
STAGES = {"data", "teacher", "baseline", "student", "compress", "evaluate", "register"}


def run(project: Project, *arguments: str) -> tuple[Said, Collector]:
    with collecting() as collector:
        variables = (("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url),)
        return replace(project, variables=variables).stillhouse("run", "tiny", *arguments), collector


def cached(collector: Collector) -> dict[str, object]:
    found = {name: plain(iter(span.attributes)) for name, span in collector.spans.items()}
    return {name: one["stillhouse.cached"] for name, one in found.items() if "stillhouse.cached" in one}


def test_every_stage_of_a_run_is_a_span_with_its_fingerprint(tmp_path: Path, prefect_api: str) -> None:
    project = replace(make_project(tmp_path), api=prefect_api)
    write_tiny(project.root, "tiny")
    said, collector = run(project)
    assert said.code == 0, said.err
    made = cached(collector)
    assert not any(made.values())
    spans = collector.spans
    assert {spans[name].trace_id for name in made} == {spans["retrain"].trace_id}
    known = {name: plain(iter(spans[name].attributes)) for name in made}
    assert {one["stillhouse.recipe"] for one in known.values()} == {"tiny"}
    assert all(len(str(one["stillhouse.fingerprint"])) == 64 for one in known.values())

    again, second = run(project, "--force")
    assert again.code == 0, again.err
    reused = cached(second)
    assert reused["teacher"] is True
    first = plain(iter(spans["teacher"].attributes))["stillhouse.fingerprint"]
    assert plain(iter(second.spans["teacher"].attributes))["stillhouse.fingerprint"] == first

    refused, third = run(project, "--set", "compress.limits.bytes=1")
    assert refused.code != 0
    assert "expected a candidate" in third.spans["retrain"].status.message
