"""MLflow's own check takes every name that comes out; a usual one stays as it is."""

import pytest
from mlflow.utils.validation import _validate_metric_name

from tasks.tracking.metric_names import LONGEST, metric_name

PATHS = ["a/b", "/", "//", "..", "../x", ".", "", "a//b", "a/", "x/.."]
LABELS = [*PATHS, "a [1]", "100 %", "ä ñ 日本", "x" * 400, "\n", "a\\b", "[/]"]


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("pattern", ["recall/{}", "fp32.recall/{}", "{}"])
def test_a_metric_of_any_label_has_a_name_that_mlflow_takes(label: str, pattern: str) -> None:
    name = metric_name(pattern.format(label))
    _validate_metric_name(name)  # type: ignore[no-untyped-call]
    assert len(name) <= LONGEST


@pytest.mark.parametrize("name", ["accuracy", "recall/x", "fp32.p50_ms", "recall/two words", "recall/ä"])
def test_a_usual_name_stays_as_it_is(name: str) -> None:
    assert metric_name(name) == name
