from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import killed
from tests.registry import interrupted


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    killed.preload(interrupted.__name__)
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


@pytest.mark.parametrize("work", [interrupted.promote])
def test_a_promotion_killed_at_any_write_happened_or_not_after_the_next_start(world: Path, work: killed.Work) -> None:
    found = dict(seen(world, work, interrupted.start_again))
    assert set(found.values()) == {(1, None), (2, 1)}
