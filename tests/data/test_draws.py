"""Numbers that prepared data holds or is split by: another one for the same name would be other data."""

from tasks.contracts.targets import number_of
from tasks.data.draws import draw


def test_the_number_of_a_name_and_the_draw_of_a_content_never_change() -> None:
    assert number_of("Ann") == 833_673_592_213_375_001
    assert draw(3, b"Ann") == 0.12910766413899566
