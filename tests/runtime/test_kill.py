import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.runtime.device import Device
from tests.runtime.tuf_world import Files, World

MakeBundle = Callable[..., Files]


@pytest.mark.slow
def test_device_that_is_killed_at_any_change_to_its_disk_answers_with_the_old_or_the_new_release(
    tmp_path: Path, device: Device, world: World, make_bundle: MakeBundle
) -> None:
    world.publish(make_bundle("zero"), 2)
    device.update()
    world.publish(make_bundle("two"), 3)
    world.write(tmp_path / "channel")
    asked = [sys.executable, "-m", "tests.runtime.kill_everywhere", str(device.home.path), str(tmp_path / "channel")]
    ended = subprocess.run([*asked, str(tmp_path)], check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    *killed, whole = [line.split() for line in ended.stdout.splitlines()]
    assert whole == ["two", "two", "a,a.json,b,b.json"]
    assert len(killed) > 30
    answers = Counter(words[1] for words in killed)
    assert answers.keys() == {"zero", "two"}  # killed before the rename of `current`, and after
    assert all(words[2:] == ["two", "a,a.json,b,b.json"] for words in killed)
    assert {words[0] for words in killed} >= {
        "os.rename:timestamp.json",  # TUF's metadata is on the disk
        "os.mkdir:.incoming",  # the download begins
        "open:model.onnx",
        "os.remove:a.json",  # the slot to be filled loses its receipt
        "os.rename:a",  # ... and gets its new bundle
        "os.rename:a.json",
        "os.rename:current",  # from here on the new release answers
    }
    assert next(words[0] for words in reversed(killed) if words[1] == "zero") == "os.rename:current"
