import re

import huggingface_hub
from markdown_it import MarkdownIt

from cli.output.evaluation import gain_lines
from tasks.contracts.scores import Heading, Table
from tasks.contracts.targets import TargetCard
from tasks.evaluate.report.card import render_card
from tasks.evaluate.report.report import Report
from tests.evaluate.report.made import SHA, SHIPS, data, evaluation, of_classes, report, scores
from tests.evaluate.report.reading import Element, read
from tests.evaluate.report.test_page import page

NASTY = "<b>|x & `y` *z* _w_ [q](r) \\n"


def shown(card: str) -> Element:
    """The card as a reader sees it."""
    body = re.sub(r"\A---\n.*?\n---\n", "", card, flags=re.DOTALL)
    return read(MarkdownIt("commonmark").enable("table").render(body).replace("<hr />", ""))


def rows(document: Element, corner: str) -> list[list[str]]:
    (found,) = [t for t in document.all("table") if t.all("th")[0].text == corner]
    return [[cell.text for cell in row.all("th") + row.all("td")] for row in found.all("tr")]


def test_card_has_the_sections_that_people_look_for() -> None:
    assert [h.text for h in shown(render_card(report())).all("h2")] == [
        "Model details",
        "Intended use",
        "Data",
        "Evaluation",
        "Limits",
        "How to run it",
        "Lineage",
    ]


def test_summary_of_the_card_equals_the_records() -> None:
    head, *found = rows(shown(render_card(report())), "model")
    assert len(found) == len(scores()) + 3
    for row, s in zip(found, scores(), strict=False):
        cells = dict(zip(head, row, strict=True))
        a, f = s.metrics["accuracy"], s.metrics["macro_f1"]
        assert cells["accuracy"] == f"{100 * a.value:.2f} % ({100 * a.low:.2f} to {100 * a.high:.2f})"
        assert cells["macro F1"] == f"{100 * f.value:.2f} % ({100 * f.low:.2f} to {100 * f.high:.2f})"
        assert cells["bytes"] == f"{s.size:,}"
        assert cells["parameters"] == f"{s.parameters:,}"
    assert [row[0] for row in found if "ships" in row[0]] == [f"{SHIPS} (ships)"]


def test_card_page_and_the_last_line_of_a_run_say_how_many_samples_without_labels_taught_the_student() -> None:
    samples = {"train": 200, "validation": 100, "test": 1_500, "unlabelled": 8_000}
    made = evaluation(data=data(samples=samples))
    learned = "200 samples with labels and 8,000 without"
    assert f"train {learned}, validation 100, test 1,500" in shown(render_card(report(evaluation=made))).text
    assert f"to learn from: {learned}" in page(evaluation=made).all("dl")[0].text
    assert [*gain_lines(made)][1] == f"To learn from there were {learned}."
    assert len([*gain_lines(evaluation())]) == 1


def test_what_was_left_out_stands_in_the_card_beside_what_the_commonest_class_alone_scores() -> None:
    text = shown(render_card(report())).text
    assert "Left out by a rule: 35 (31 duplicate, 4 missing value)" in text
    assert "2 samples (2 corrupt), named in quarantine.json" in text
    assert "To be better than: always answering pine, accuracy 37.71 % (36.48 to 38.94)" in text
    (row,) = (row for row in rows(shown(render_card(report())), "model")[1:] if "always" in row[0])
    assert row[1] == "37.71 % (36.48 to 38.94)"
    bare = shown(render_card(report(evaluation=evaluation(constant=None, data=data(dropped={}, quarantined={}))))).text
    assert not any(word in bare for word in ("Left out", "better than", "always"))


def test_broken_limits_warnings_and_digests_are_in_the_card() -> None:
    text = shown(render_card(report())).text
    assert "failed: quality.recall.worst, expected at least 0.8, got 0.7 (class willow)" in text
    assert "the student is slow to learn" in text
    assert "latency was measured elsewhere" in text
    assert all(sha in text for sha in SHA.values())
    assert "secret" not in text


def test_a_card_before_there_is_a_release_has_the_facts_of_the_evaluation_and_no_version_or_verdict() -> None:
    card = render_card(Report(evaluation()))
    text = shown(card).text
    assert [heading.text for heading in shown(card).all("h1")] == ["trees"]
    assert not any(word in text for word in ("Verdict", "gate", "run-of-release", "Release"))
    assert {evaluation().digest, *SHA.values()} - {SHA["print"]} <= set(re.findall(r"`(\w{64})`", card))
    alone = render_card(report(verdicts=(), challenges=(), decided=()))
    assert rows(shown(card), "model") == rows(shown(alone), "model")


def test_what_no_record_says_is_left_to_a_person() -> None:
    text = shown(render_card(report(evaluation=evaluation(data=data(licence=None))))).text
    assert text.count("person must add") == 3
    assert "None" not in text


def test_names_with_signs_of_markdown_stay_text() -> None:
    names = (NASTY, "1. #x", "- y")
    tables, targets = (of_classes(*names),), TargetCard(names=names)
    nasty = data(name=NASTY, version=NASTY, licence=NASTY, targets=targets)
    document = shown(
        render_card(
            report(evaluation=evaluation(tables=tables, data=nasty, notes=("# no heading", "1. no list", "- nor this")))
        )
    )
    assert [row[0] for row in rows(document, "class")[1:]] == [NASTY, "1. #x", "- y"]
    items = [item.text for item in document.all("li")]
    assert f"Licence: {NASTY}" in items
    assert f"version: {NASTY}" in items
    assert {"# no heading", "1. no list", "- nor this"} <= set(items)
    assert not document.all("b")
    assert not document.all("a")


def test_numbers_in_the_first_column_are_in_its_unit() -> None:
    head = (Heading(title="false accepts", unit="percent"), Heading(title="from cosine", unit="number"))
    table = Table(title="What a threshold comes to", head=head, rows=((0.009945397815912636, 0.8583),))
    document = shown(render_card(report(evaluation=evaluation(tables=(table,)))))
    assert rows(document, "false accepts")[1:] == [["0.99 %", "0.8583"]]


def test_of_targets_without_names_no_number_of_groups_is_told() -> None:
    assert "groups: 2" in render_card(report(evaluation=evaluation(data=data(targets=TargetCard(names=("a", "b"))))))
    assert "groups: " not in render_card(report(evaluation=evaluation(data=data(targets=TargetCard()))))


def test_the_head_of_the_card_is_read_by_the_tools_of_hugging_face() -> None:
    read_back = huggingface_hub.ModelCard(render_card(report(evaluation=evaluation(data=data(name='a: "b" #c')))))
    assert isinstance(read_back.data, huggingface_hub.ModelCardData)
    results = read_back.data.eval_results
    assert results is not None
    assert {r.metric_type: r.metric_value for r in results} == {
        "accuracy": 0.9259,
        "macro_f1": 0.9228,
        "calibration_error": 0.0251,
    }
    assert {r.dataset_name for r in results} == {'a: "b" #c'}
    assert read_back.data.pipeline_tag == "image-classification"


def test_equal_reports_give_equal_cards() -> None:
    assert render_card(report()) == render_card(report())
