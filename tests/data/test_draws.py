"""Numbers that prepared data holds or is split by: another one for the same name would be other data."""

from tasks.contracts.targets import number_of
from tasks.data.draws import draw, drawn_parts


def test_the_number_of_a_name_and_the_draw_of_a_content_never_change() -> None:
    assert number_of("Ann") == 833_673_592_213_375_001
    assert draw(3, b"Ann") == 0.12910766413899566


def test_each_part_has_a_group_and_one_is_left() -> None:
    for names in ("abc", "abcd", "abcdefgh"):
        for seed in range(20):
            found = drawn_parts(seed, names, {"test": 0.01, "validation": 0.9})
            assert {*found.values()} == {"test", "validation"}
            assert len(found) < len(names)


def test_a_group_stays_where_it_is_as_others_come() -> None:
    names, fractions = [f"group {number}" for number in range(200)], {"test": 0.2, "validation": 0.2}
    few, many = drawn_parts(7, names[:100], fractions), drawn_parts(7, names, fractions)
    assert few == {name: part for name, part in many.items() if name in names[:100]}
