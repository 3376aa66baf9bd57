from pathlib import Path

import pytest

from flows.advice import NOMINAL
from tasks.data.prepare import READERS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("kind", sorted(READERS))
def test_a_reader_is_watched_by_dvc_and_has_a_nominal_sample(kind: str) -> None:
    assert f"- tasks/data/readers/{kind}.py" in (ROOT / "dvc.yaml").read_text()
    assert kind in NOMINAL
