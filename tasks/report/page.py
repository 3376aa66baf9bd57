"""The release report: one HTML file with everything in it, no script, and no address outside."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tasks.report.details import per_class, per_slice
from tasks.report.gates import duels, rulings
from tasks.report.headline import big_numbers, verdict_line
from tasks.report.lineage import lineage
from tasks.report.report import Report
from tasks.report.summary import summary

TEMPLATES = Path(__file__).parent / "templates"


def render_page(report: Report) -> str:
    """Returns the page; equal reports give equal pages.

    The texts of the pictures go in as they are: they are SVGs of our own making. Everything else is escaped.
    """
    return (
        _environment()
        .get_template("page.html")
        .render(
            report=report,
            style=Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),
            verdict=verdict_line(report),
            refused=any(not verdict.passed for verdict in report.latest.values()),
            numbers=big_numbers(report),
            summary=summary(report),
            rulings=rulings(report),
            duels=duels(report),
            figures=[(name, caption, Markup(svg)) for name, (caption, svg) in report.figures.items()],
            details=[table for table in (per_class(report), per_slice(report)) if table.rows],
            lineage=lineage(report),
        )
    )


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
