from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import killed
from tests.registry import interrupted

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    killed.preload(interrupted.__name__, *interrupted.STORES)
    home = tmp_path_factory.mktemp("registry") / "state"
    home.mkdir()
    killed.in_a_process(home, interrupted.build)
    return home


def seen(world: Path, work: killed.Work, after: killed.Work) -> Iterator[tuple[str, object]]:
    for point in killed.walk(world, work):
        yield point, killed.in_a_process(world, after)


def test_a_registration_killed_at_any_write_is_one_version_after_the_next_start(world: Path) -> None:
    found = dict(seen(world, interrupted.register, interrupted.registered))
    assert set(found.values()) == {3}
    assert len(found) > 10


def test_a_promotion_killed_at_any_write_happened_or_not_after_the_next_start(world: Path) -> None:
    found = dict(seen(world, interrupted.promote, interrupted.start_again))
    assert set(found.values()) == {(1, None), (2, 1)}
    assert [point for point in found if "timestamp.json" in point]
    assert len(found) > 10


def test_a_rollback_killed_at_any_write_happened_or_not_after_the_next_start(world: Path) -> None:
    killed.in_a_process(world, interrupted.promote)
    found = dict(seen(world, interrupted.step_back, interrupted.start_again))
    assert set(found.values()) == {(2, 1), (1, None)}
    assert [point for point in found if "timestamp.json" in point]
