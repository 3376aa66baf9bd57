"""The door of the report: the page of a release and its model card, in MLflow and among Prefect's artifacts."""

import re
import tempfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from prefect import task
from prefect.artifacts import create_link_artifact, create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from tasks.contracts.ancestors import Ancestor
from tasks.contracts.releases import Release, Verdict
from tasks.contracts.scores import Challenge, EvaluationRecord
from tasks.core.record import Artefact
from tasks.evaluate.report.card import render_card
from tasks.evaluate.report.page import render_page
from tasks.evaluate.report.report import Report
from tasks.tracking.runs import StageRun, fetch

PAGE, CARD, BUNDLED_CARD = "report.html", "model_card.md", "card.md"


@task(name="card", cache_policy=NO_CACHE)
def write_card(evaluation: EvaluationRecord) -> Artefact:
    """Writes what the bundle says about itself, into the run of the evaluation: its facts alone, so that it stays so.

    Which version it becomes, and what gates say, comes later and may change.
    """
    with tempfile.TemporaryDirectory() as folder:
        run = StageRun(evaluation.run_id, Path(folder))
        return run.keep(_written(Path(folder, BUNDLED_CARD), render_card(Report(evaluation))))


@task(name="report", cache_policy=NO_CACHE)
def publish_report(
    release: Release,
    evaluation: EvaluationRecord,
    verdicts: tuple[Verdict, ...],
    challenges: tuple[Challenge, ...],
    decided: tuple[datetime, ...],
    ancestors: tuple[Ancestor, ...],
) -> Artefact:
    """Writes page and card into the run that registered the release, over those of before; returns the page.

    `decided` says when each verdict was given, `ancestors` what the release is made of.
    """
    made = Report(evaluation, release, verdicts, challenges, {}, decided, ancestors)
    figures = {
        figure.name: (figure.title, figure.caption, fetch(figure.artefact).read_text(encoding="utf-8"))
        for figure in (*evaluation.figures, *(figure for one in made.all_challenges for figure in one.figures))
    }
    made = replace(made, figures=figures)
    card = render_card(made)
    with tempfile.TemporaryDirectory() as folder:
        run = StageRun(release.run_id, Path(folder))
        page = run.keep(_written(Path(folder, PAGE), render_page(made)))
        run.keep(_written(Path(folder, CARD), card))
    key = f"report-{re.sub('[^a-z0-9]+', '-', release.model.lower())}"
    title = f"{release.model} version {release.version}"
    create_markdown_artifact(card, key=key, description=title)
    create_link_artifact(page.uri, link_text=title, key=f"{key}-page", description="One page, with pictures")
    return page


def _written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path
