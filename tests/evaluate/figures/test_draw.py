import re
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest

from tasks.contracts.scores import FlippedSample
from tasks.drawing.svg import Drawing
from tasks.evaluate.figures.curves import draw_curves
from tasks.evaluate.figures.flipped import FlippedPicture, FlippedSide, draw_flipped
from tasks.evaluate.figures.slices import draw_slices
from tasks.kinds.classification.pictures.confusion import draw_confusion
from tasks.kinds.classification.pictures.worst import draw_worst
from tests.evaluate.figures.made_data import ACCURACY, COUNTS, SVG, all_drawings, texts, worst_class
from tests.evaluate.report.made import CLASSES

NAMES = ["front", "confusion", "worst", "reliability", "slices", "curves", "flipped"]


@pytest.fixture(scope="module")
def whole() -> tuple[Drawing, ...]:
    return all_drawings()


@pytest.fixture(scope="module")
def drawings(whole: tuple[Drawing, ...]) -> dict[str, ElementTree.Element]:
    return {d.name: ElementTree.fromstring(d.svg) for d in whole}


def test_a_picture_that_has_nothing_to_show_is_not_drawn(whole: tuple[Drawing, ...]) -> None:
    assert [d.name for d in whole] == NAMES
    assert draw_confusion(np.zeros((3, 3), dtype=np.int64), CLASSES) is None
    assert draw_worst(()) is None
    assert draw_slices(ACCURACY, (), 0.9) is None
    assert draw_curves(ACCURACY, {"teacher": np.array([np.nan])}) is None
    row = FlippedPicture(np.arange(4.0), FlippedSample(name="a", before="oak", now="pine"))
    assert draw_flipped("flipped", 2, [FlippedSide("Newly wrong: 1 of 9", [row])]) is None  # no picture
    assert draw_flipped("flipped", 2, [FlippedSide("Newly wrong: 0 of 9", [])]) is None


def test_equal_scenes_give_equal_bytes_whatever_the_machine_prefers(whole: tuple[Drawing, ...]) -> None:
    with matplotlib.rc_context({"font.size": 30, "axes.edgecolor": "red", "svg.fonttype": "path", "svg.hashsalt": "x"}):
        assert all_drawings() == whole
        assert matplotlib.rcParams["font.size"] == 30


def test_pictures_fit_together_into_one_page(drawings: dict[str, ElementTree.Element]) -> None:
    ids = [e.attrib["id"] for root in drawings.values() for e in root.iter() if "id" in e.attrib]
    assert ids
    assert len(set(ids)) == len(ids)
    for root in drawings.values():
        own = {f"#{e.attrib['id']}" for e in root.iter() if "id" in e.attrib}
        links = [v for e in root.iter() for k, v in e.attrib.items() if k == "href" or v.startswith("url(")]
        used = {found for link in links for found in re.findall(r"#[^)]+", link) if not link.startswith("data:")}
        assert used == own
        assert not list(root.iter(f"{SVG}style"))


def test_ink_takes_the_colour_of_the_page_and_letters_its_font(drawings: dict[str, ElementTree.Element]) -> None:
    for root in drawings.values():
        assert root.attrib["fill"] == "currentColor"
        styles = " ".join(e.get("style", "") for e in root.iter())
        assert "currentColor" in styles
        assert "#000000" not in styles
        assert "font-family" not in styles


def test_letters_are_as_large_as_on_a_page_and_pictures_as_wide_as_a_phone(
    drawings: dict[str, ElementTree.Element],
) -> None:
    for root in drawings.values():
        assert float(root.attrib["width"]) <= 340
        sizes = [float(n) for e in root.iter() for n in re.findall(r"font-size: ([\d.]+)px", e.get("style", ""))]
        assert sizes
        assert min(sizes) >= 12


def test_a_picture_says_in_words_what_it_shows(whole: tuple[Drawing, ...]) -> None:
    for drawing in whole:
        assert ElementTree.fromstring(drawing.svg).attrib["aria-label"] == f"{drawing.title}. {drawing.caption}"


def test_no_picture_names_an_address_or_a_date(whole: tuple[Drawing, ...]) -> None:
    for drawing in whole:
        assert set(re.findall(rb"[a-z]+://[^\"]*", drawing.svg)) == {b"http://www.w3.org/2000/svg"}
        assert not re.search(rb"20\d\d-\d\d", drawing.svg)


def test_names_with_signs_of_html_mathematics_or_other_scripts_come_out_as_they_are() -> None:
    names = ("<b>|x", "$a_1$", "木")
    worst = (worst_class(np.ones((1, 8, 8)), label="<b>$a$木"),)
    confusion, weakest = draw_confusion(COUNTS, names), draw_worst(worst)
    assert confusion is not None
    assert weakest is not None
    assert set(names) <= set(texts(confusion.svg))
    assert any(text.startswith("<b>$a$木: ") for text in texts(weakest.svg))
