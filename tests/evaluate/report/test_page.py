import re
from typing import Any

import pytest

from tasks.contracts.releases import Verdict
from tasks.contracts.scores import Figure, Score
from tasks.contracts.words import TIMES, milliseconds
from tasks.evaluate.report.page import render_page
from tests.evaluate.report.made import (
    SHA,
    SHIPS,
    ancestors,
    artefact,
    challenge,
    data,
    discordant,
    evaluation,
    flips,
    interval,
    model,
    of_classes,
    release,
    report,
    scores,
    verdicts,
)
from tests.evaluate.report.reading import Element, read, table

NASTY = '<b>|x & `y` "z" {{ 7 * 7 }}'


def page(**changes: Any) -> Element:
    return read(render_page(report(**changes)))


def told(score: Score) -> list[str]:
    """The row of a model as the records have it."""

    def part(interval: Any) -> str:
        return f"{100 * interval.value:.2f} % {100 * interval.low:.2f} to {100 * interval.high:.2f}"

    assert score.footprint
    error = score.metrics["calibration_error"]
    return [
        *(part(score.metrics[name]) for name in ("accuracy", "right/bark", "macro_f1")),
        f"{error.value:.4g} {error.low:.4g} to {error.high:.4g}",
        part(score.agreement),
        f"{score.parameters:,}",
        f"{score.size:,}",
        *(milliseconds(value) for value in (score.p50_ms, score.p95_ms, score.p99_ms, score.batch.p50_ms)),
        milliseconds(score.footprint.load_ms),
        f"{score.footprint.peak_bytes / 1e6:.1f} MB",
        f"{score.parity:.2g}",
    ]


def test_summary_has_every_number_of_every_model_and_champion() -> None:
    head, *rows = table(page(), "Scores on the same 1,500 test samples")
    assert head[:3] == ["model", "accuracy", "accuracy of bark"]
    names = ["teacher", "student alone", "student distilled", *(s.name for s in scores()[3:])]
    assert [row[0].removesuffix(" ships") for row in rows] == [
        *names,
        "version 1 champion of edge",
        "version 2 champion of staging",
        "always answering pine",
    ]
    assert [row[0] for row in rows if "ships" in row[0]] == [f"{SHIPS} ships"]
    expected = [told(s) for s in (*scores(), challenge().champion, challenge().champion)]
    *rows, always = rows
    assert [row[1:] for row in rows] == expected
    filled = {heading: cell for heading, cell in zip(head, always, strict=True) if cell}
    assert filled == {
        "model": "always answering pine",
        "accuracy": "37.71 % 36.48 to 38.94",
        "macro F1": "18.26 % 17.03 to 19.49",
    }


def test_what_was_left_out_stands_on_the_first_screen_beside_what_the_commonest_class_alone_scores() -> None:
    text = page().all("body")[0].text
    assert "Left out of the data: 35 (31 duplicate, 4 missing value)." in text
    assert "In quarantine: 2 samples (2 corrupt), named in quarantine.json of this version." in text
    assert "To be better than: always answering pine, accuracy 37.71 % (36.48 to 38.94)." in text
    bare = page(evaluation=evaluation(constant=None, data=data(dropped={}, quarantined={}))).all("body")[0].text
    assert not any(word in bare for word in ("Left out", "quarantine", "better than", "always"))


def test_what_was_not_measured_has_no_column_and_nothing_is_called_none() -> None:
    bare: dict[str, Any] = {"footprint": None, "metrics": {"accuracy": interval(0.9)}, "slices": ()}
    old = tuple(s.model_copy(update=bare) for s in scores())
    whole = evaluation(scores=old, data=data(licence=None), notes=(), tables=(), student=model("student"))
    document = page(
        evaluation=whole,
        challenges=(),
        verdicts=(),
        decided=(),
        release=release().model_copy(update={"git_commit": ""}),
        ancestors=(),
    )
    head = table(document, "Scores")[0]
    assert not {"load ms", "peak memory", "accuracy of bark", "macro F1"} & set(head)
    body = document.all("body")[0].text
    for absent in ("None", "git commit", "licence", "Parts of the test split", "To be noted", "champion"):
        assert absent not in body
    assert "No gate was asked yet" in body


def test_a_model_that_lacks_a_number_has_an_empty_cell_in_its_place() -> None:
    ours = (*scores()[:-1], scores()[-1].model_copy(update={"footprint": None}))
    head, *rows = table(page(evaluation=evaluation(scores=ours)), "Scores")
    place = head.index("load ms")
    assert [bool(row[place]) for row in rows] == [True] * 8 + [False] + [True] * 2 + [False]


def test_title_says_where_the_release_is_and_which_limits_refused_it() -> None:
    document = page()
    expected = "trees version 3: let into staging; refused by edge (quality.recall.worst and requires)"
    assert document.all("title")[0].text == expected
    assert page(verdicts=(), decided=()).all("title")[0].text.endswith("no gate was asked yet")


def test_the_last_word_of_a_gate_counts_and_all_its_words_are_shown() -> None:
    again = Verdict(environment="edge")
    document = page(verdicts=(*verdicts(), again), decided=())
    assert document.all("title")[0].text == "trees version 3: let into staging and edge"
    assert [h.text for h in document.all("h3")][:3] == ["staging: passed", "edge: refused", "edge: passed"]


def test_every_check_of_every_gate_is_told_with_what_was_expected_and_found() -> None:
    checks = [item.text for item in page().all("li") if "expected" in item.text]
    runs = "passed loads_in_runtime expected a bundle that passes its self-test now, got one that does"
    assert checks == [
        "passed quality.accuracy expected at least 0.9, got 0.9259",
        runs,
        "passed quality.accuracy expected at least 0.9, got 0.9259",
        "failed quality.recall.worst expected at least 0.8, got 0.7 (class willow)",
        runs,
        "failed requires expected champion of staging , got it is not",
    ]


def test_big_numbers_hold_what_ships_against_the_teacher() -> None:
    numbers = [item.text for item in page().all("dl")[0].all("div")]
    shipped = scores()[4]
    assert numbers == [
        "accuracy of static_int8, which ships 92.59 % 91.36 to 93.82; 4.02 points below the teacher's"
        " 96.61 % (95.38 to 97.84)",
        f"smaller than the teacher 15 {TIMES} {shipped.size:,} against 1,234,567 bytes",
        f"faster than the teacher 17 {TIMES} 0.144 against 2.50 ms for one sample, median",
        "gained by distillation +1.11 points +0.21 to +2.01 over the same student without its teacher;"
        " the test set tells it from zero",
    ]


def test_a_student_that_is_larger_or_slower_is_called_so() -> None:
    ours = tuple(s if s.name != SHIPS else s.model_copy(update={"size": 2_469_134, "p50_ms": 2.51}) for s in scores())
    text = page(evaluation=evaluation(scores=ours)).all("dl")[0].text
    assert f"larger than the teacher 2.0 {TIMES}" in text
    assert f"the latency of the teacher 1.0 {TIMES}" in text


def test_each_champion_is_told_once_with_its_odds() -> None:
    document = page(challenges=(challenge(), challenge("edge", 1, discordant=discordant(only_champion=7))))
    assert [h.text for h in document.all("h3") if "Version" in h.text] == ["Version 1 in edge", "Version 2 in staging"]
    sentences = " ".join(item.text for item in document.all("li"))
    assert "The difference is +0.72 points (-0.11 to +1.55): the test set cannot tell it from zero." in sentences
    assert "Only this release is right on 31 samples, only the champion on 7." in sentences
    assert "split 51 samples at least as unevenly in about 16 of 100 such test sets" in sentences


def test_samples_that_flipped_are_named_with_both_answers_where_they_are_not_shown() -> None:
    document = page(challenges=(challenge(),))
    sentences = [item.text for item in document.all("li")]
    assert "Newly wrong: a.png (willow 97 % → pine 51 %), b.png (willow 97 % → pine 52 %)." in sentences
    assert "Newly right: c.png (oak 60 % → pine 88 %)." in sentences
    in_parts = page(verdicts=(), decided=(), challenges=(challenge(flips=flips(unit="loss")),))
    assert any(item.text.startswith("Newly wrong, most first: a.png") for item in in_parts.all("li"))


def test_samples_that_flipped_are_shown_beside_their_champion_and_not_again_below() -> None:
    picture = Figure(name="flipped-staging-2", title="Flipped", caption="Two.", artefact=artefact("flipped.svg"))
    figures = {"flipped-staging-2": ("Flipped", "Two.", "<svg></svg>"), "front": ("Front", "", "<svg></svg>")}
    document = page(challenges=(challenge(figures=(picture,)),), figures=figures)
    assert [figure.attributes["id"] for figure in document.all("figure")] == [
        "figure-flipped-staging-2",
        "figure-front",
    ]
    assert [heading.text for heading in document.all("h4")] == ["Flipped"]
    assert "Newly wrong: a.png, b.png." in [item.text for item in document.all("li")]


def test_tables_of_the_kind_are_shown_and_slices_beside_the_teacher() -> None:
    document = page()
    assert [row[0] for row in table(document, "Each class")] == ["class", "willow", "pine", "oak"]
    assert table(document, "Each class")[1] == ["willow", "70.00 %", "1,002"]
    assert table(document, "Parts of")[2] == [
        "site: south",
        "90.59 % 86.59 to 94.59",
        "94.61 % 90.61 to 98.61",
        "51",
    ]


@pytest.mark.parametrize(
    "fact",
    [
        *SHA.values(),
        "data-v7",
        "CC BY 4.0 (Hazel 2020)",
        "train 8,000, validation 1,000, test 1,500",
        f"image, uint8, 1 {TIMES} 8 {TIMES} 8",
        "run-of-teacher",
        "run-of-student",
        "run-of-evaluation",
        "run-of-release",
        "c0ffee",
        "x86-vnni, 1 thread",
        "static_int8, 54,321 bytes",
        "2026-03-01 12:30 UTC",
        "labels.json, 31 bytes",
    ],
)
def test_lineage_names_what_leads_back(fact: str) -> None:
    facts = [e.text for dl in page().all("dl")[1:] for e in dl.all("dt") + dl.all("dd")]
    assert fact in facts


def test_warnings_of_models_and_notes_stand_at_the_top() -> None:
    first = page().all("ul")[0]
    assert [i.text for i in first.all("li")] == [
        "latency was measured elsewhere",
        "student: the student is slow to learn",
    ]


def test_no_path_of_the_machine_and_no_address_outside_is_on_the_page() -> None:
    html = render_page(report(figures={"front": ("A", "B", '<svg xmlns="http://www.w3.org/2000/svg"></svg>')}))
    assert "secret" not in html
    assert set(re.findall(r"[a-z]+://[^\s\"<]*", html)) <= {"http://www.w3.org/2000/svg"}
    assert not read(html).all("script")


def test_names_with_signs_of_html_stay_text() -> None:
    whole = evaluation(
        tables=(of_classes(NASTY),), data=data(name=NASTY, licence=NASTY), notes=("<script>alert(1)</script>",)
    )
    document = page(evaluation=whole)
    assert table(document, "Each class")[1][0] == NASTY
    assert NASTY in [e.text for e in document.all("dd")]
    assert not document.all("script")
    assert document.all("ul")[0].all("li")[0].text == "<script>alert(1)</script>"


def test_a_picture_has_its_title_and_its_caption() -> None:
    figures = {"front": ("Short title", "And what <it> shows.", "<svg><text>in it</text></svg>")}
    (figure,) = page(figures=figures).all("figure")
    assert figure.all("h3")[0].text == "Short title"
    assert figure.all("figcaption")[0].text == "And what <it> shows."
    assert figure.all("svg")[0].text == "in it"


def test_equal_reports_give_equal_pages() -> None:
    assert render_page(report()) == render_page(report())


def test_every_table_heading_says_what_it_is_the_heading_of() -> None:
    document = page()
    assert {th.attributes.get("scope") for th in document.all("th")} == {"col", "row"}
    assert document.all("html")[0].attributes["lang"] == "en"
    assert len(document.all("h1")) == 1


def boxes(document: Element) -> list[list[str]]:
    """The boxes of the picture of the lineage: title, then name and value of each fact."""
    return [
        [part.text for part in box.all("p") + box.all("dt") + box.all("dd")]
        for box in [*document.all("li"), *document.all("div")]
        if box.attributes.get("class") == "box"
    ]


def test_the_lineage_is_drawn_from_the_raw_data_to_where_the_model_leads() -> None:
    document = page()
    drawn = boxes(document)
    assert [box[0] for box in drawn] == [
        "raw data",
        "data",
        "teacher",
        "soft labels",
        "student",
        "file that ships",
        "model version",
        "environment",
        "recipe",
        "code",
    ]
    assert drawn[7] == ["environment", "environment", "evidence", "staging", "e" * 12]
    assert drawn[9] == ["code", "git commit", "Stillhouse", "requirements.lock", "f0" * 6, "0.2.0", "1d" * 6]
    whole = {code.attributes["title"] for code in document.all("code") if "title" in code.attributes}
    assert {f"{'da' * 16}.dir", "e" * 64, SHA["teacher"], SHA["student"], SHA["onnx"], "cd" * 32} <= whole


def test_a_release_that_leads_nowhere_is_drawn_so_and_one_without_ancestors_not_at_all() -> None:
    nowhere = boxes(page(ancestors=tuple(a for a in ancestors() if a.kind != "gate")))
    assert ["environment", "environment", "none now"] in nowhere
    assert boxes(page(ancestors=())) == []
