"""What MLflow's page of a version says: the links that lead on, and the model card, as far as there is room."""

import re
from collections.abc import Iterator

LONGEST = 5_000
"""characters of a description that every database of MLflow's takes"""
WIDEST = 8
"""columns of a table: MLflow's page folds or cuts what is wider"""
_CELL_END = re.compile(r"(?<!\\)\|")
_HEAD = re.compile(r"\A---\n.*?\n---\n+", re.DOTALL)
_SECTION = re.compile(r"(?m)^(?=## )")
LEFT_OUT = ("## How to run it", "## Lineage")
"""sections that MLflow's own pages and the whole card have"""


def described(card: str, experiment_id: str, run_id: str, data: str) -> str:
    """Returns a model card as the description of a version.

    Args:
        card: in Markdown, with its YAML head.
        experiment_id: of the runs.
        run_id: of the run that registers the version, which has the report and the whole card.
        data: the data set and its version.
    """
    run = f"#/experiments/{experiment_id}/runs/{run_id}"
    links = (
        f"[Report]({run}/artifacts/report.html), [whole card]({run}/artifacts/model_card.md), [run]({run});"
        f" data: {data}\n\n"
    )
    body = "\n".join(map(_narrow, _HEAD.sub("", card).split("\n")))
    return links + "".join(_fitting(body, LONGEST - len(links)))


def _narrow(line: str) -> str:
    """Returns a row of a table without the columns on the right that are too many, and any other line as it is."""
    ends = [found.end() for found in _CELL_END.finditer(line)] if line.startswith("|") else []
    return line[: ends[WIDEST]] if len(ends) > WIDEST else line


def _fitting(text: str, room: int) -> Iterator[str]:
    """Yields the sections that there is room for, each whole or not at all."""
    for section in _SECTION.split(text):
        if not section.startswith(LEFT_OUT) and len(section) <= room:
            room -= len(section)
            yield section
