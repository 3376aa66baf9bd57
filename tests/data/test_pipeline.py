from pathlib import Path

import pytest

from tasks.data.prepared.prepare import READERS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("kind", sorted(READERS))
def test_a_reader_is_watched_by_dvc(kind: str) -> None:
    assert f"- tasks/data/readers/{kind}.py" in (ROOT / "dvc.yaml").read_text()
