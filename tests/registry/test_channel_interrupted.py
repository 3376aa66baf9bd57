from pathlib import Path

import pytest

from tests import killed
from tests.registry import interrupted_channel

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    killed.preload(interrupted_channel.__name__)
    home = tmp_path_factory.mktemp("channel") / "state"
    home.mkdir()
    killed.in_a_process(home, interrupted_channel.build)
    return home


def seen(world: Path, work: killed.Work, after: killed.Work) -> dict[str, interrupted_channel.Seen]:
    """Returns for each write before which the work was killed what was found after it."""
    return {point: killed.in_a_process(world, after) for point in killed.walk(world, work)}


def test_a_publication_with_a_new_key_that_is_killed_at_any_write_happened_or_not(world: Path) -> None:
    found = seen(world, interrupted_channel.rotate_timestamp, interrupted_channel.go_on)
    assert set(found.values()) == {(1, 2), (2, 2)}
    assert len(found) > 15


def test_new_root_keys_that_are_killed_at_any_write_lock_nobody_out(world: Path) -> None:
    found = seen(world, interrupted_channel.rotate_root, interrupted_channel.go_on)
    assert set(found.values()) == {(1, 2)}
    assert len(found) > 5


def test_a_channel_that_is_killed_while_it_is_made_is_made_by_the_next(world: Path) -> None:
    found = seen(world, interrupted_channel.create, interrupted_channel.make_anyway)
    assert set(found.values()) == {(None, 2)}
    assert len(found) > 10
