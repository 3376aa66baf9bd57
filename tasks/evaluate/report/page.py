"""The release report: one HTML file with everything in it, no script, and no address outside."""

import re
from dataclasses import dataclass

from markupsafe import Markup, escape

from tasks.evaluate.report.details import own_tables, per_slice
from tasks.evaluate.report.gates import challenge_texts, verdict_texts
from tasks.evaluate.report.headline import (
    beginnings_told,
    big_numbers,
    constant_in_words,
    deferral_told,
    gate_results,
    listening_told,
    machine_in_words,
    operating_told,
    verdict_line,
    verification_told,
)
from tasks.evaluate.report.lineage import lineage, quarantine_in_words
from tasks.evaluate.report.picture import picture
from tasks.evaluate.report.report import Report
from tasks.evaluate.report.summary import summary
from tasks.evaluate.report.templating import TEMPLATES, render


def render_page(report: Report) -> str:
    """Returns the page; equal reports give equal pages.

    The texts of the pictures go in as they are: they are SVGs of our own making. Everything else is escaped.
    """
    challenges = challenge_texts(report)
    blocks = {
        name: FigureBlock(name, title, caption, Markup(svg)) for name, (title, caption, svg) in report.figures.items()
    }
    own = {name for text in challenges for name in text.figures}
    values = {
        "report": report,
        "style": Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),
        "verdict": verdict_line(report),
        "gate_results": gate_results(report),
        "numbers": big_numbers(report),
        "constant": constant_in_words(report),
        "machine": machine_in_words(report),
        "beginnings": beginnings_told(report),
        "deferral": deferral_told(report),
        "listening": listening_told(report),
        "verification": verification_told(report),
        "operating": operating_told(report),
        "quarantine": quarantine_in_words(report.evaluation.data),
        "summary": summary(report),
        "verdict_texts": verdict_texts(report),
        "challenge_texts": challenges,
        "blocks": blocks,
        "figures": [block for name, block in blocks.items() if name not in own],
        "details": [table for table in (*own_tables(report), per_slice(report)) if table.rows],
        "picture": picture(report),
        "lineage": lineage(report),
    }
    return render("page.html", {"ticked": ticked}, values, autoescape=True)


@dataclass(frozen=True)
class FigureBlock:
    """A picture of the page with what it shows."""

    name: str
    title: str
    caption: str
    svg: Markup


def ticked(text: str) -> Markup:
    """Returns text in which what stands between backticks is code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))
