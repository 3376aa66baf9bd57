"""Memory does not grow with the number of pictures."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.kinds.segmentation.conftest import READER, SHAPES, prepared

pytestmark = pytest.mark.slow
SCRIPT = Path(__file__).with_name("one_epoch.py")


def megabytes(root: Path, pictures: int) -> int:
    """Returns the most memory that an epoch and a measurement take on so many pictures."""
    source = {**SHAPES, "pictures": pictures, "side": 128}
    data = prepared(root, source, {**READER, "size": [128, 128]})
    asked = [sys.executable, str(SCRIPT), str(data.directory)]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3])
    return int(done.stdout.split()[-1])


def test_ten_times_as_many_pictures_take_at_most_a_tenth_more(tmp_path: Path) -> None:
    few, many = (megabytes(tmp_path / str(pictures), pictures) for pictures in (120, 1200))
    assert many <= 1.1 * few
