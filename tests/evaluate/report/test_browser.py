"""What a reader sees, asked of a real browser."""

from pathlib import Path
from typing import Any

import pytest

from tasks.evaluate.report.page import render_page
from tests.evaluate.figures.made_data import all_drawings
from tests.evaluate.report.browser import measured
from tests.evaluate.report.made import CLASSES, evaluation, of_classes, report

LONG = "a_class_whose_name_is_one_word_of_more_letters_than_a_phone_is_wide"


@pytest.fixture(scope="module")
def page() -> str:
    """A page with all its pictures, and a class with a name that could burst it."""
    whole = evaluation(tables=(of_classes(*CLASSES, LONG),), notes=(f"`{LONG}` is rare: {'0123456789abcdef' * 8}",))
    figures = {d.name: (d.title, d.caption, d.svg.decode()) for d in all_drawings()}
    return render_page(report(evaluation=whole, figures=figures))


@pytest.fixture(scope="module", params=[(360, False), (360, True), (1200, False)], ids=str)
def found(request: pytest.FixtureRequest, page: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    width, dark = request.param
    seen = measured(page, width, tmp_path_factory.mktemp("page"), dark=dark)
    assert (seen["width"], seen["client"], seen["dark"]) == (width, width, dark)
    return seen


def test_the_page_never_scrolls_sideways(found: dict[str, Any]) -> None:
    assert found["scroll"] <= found["client"]
    assert found["wide"] == []


def test_every_picture_is_there_and_fits(found: dict[str, Any]) -> None:
    assert len(found["pictures"]) == 7
    assert all(200 < width <= found["client"] and height > 100 for width, height in found["pictures"])
    assert found["cut"] == []


def test_all_letters_can_be_read(found: dict[str, Any]) -> None:
    assert found["small"] == []
    assert found["faint"] == []
    dark_page = sum(map(int, found["background"].strip("rgb()").split(","))) < 200
    assert dark_page is found["dark"]


def test_nothing_is_fetched_and_nothing_is_complained_of(found: dict[str, Any]) -> None:
    assert found["requests"] == []
    assert found["console"] == []


def test_on_paper_the_widest_table_fits_a_page_across(page: str, tmp_path: Path) -> None:
    assert "@page { size: landscape; margin: 12mm; }" in page
    across = (297 - 2 * 12) / 25.4 * 96
    paper = measured(page.replace("@media print", "@media all"), int(across), tmp_path)
    assert paper["scroll"] <= paper["client"]


def test_what_is_wrong_with_a_page_is_found(page: str, tmp_path: Path) -> None:
    wrong = (
        '<div style="width:500px">wide</div><p style="font-size:9px">small</p><p style="color:#ccc;background:#fff">'
        'faint</p><img src="http://127.0.0.1:9/x.png"><script>1</script><figure><svg viewBox="0 0 9 9">'
        '<text x="20" font-size="9">cut</text></svg></figure></body>'
    )
    seen = measured(page.replace("</body>", wrong), 360, tmp_path)
    assert seen["scroll"] > seen["client"]
    assert "DIV wide" in seen["wide"]
    assert any(name == "P small" for _, name in seen["small"])
    assert any(name == "P faint" for _, name in seen["faint"])
    assert "text cut" in seen["cut"]
    assert any("127.0.0.1:9/x.png" in line and "img-src" in line for line in seen["console"]), (
        "the policy keeps pictures from outside out"
    )
    assert any("script-src" in line for line in seen["console"]), "and scripts"
