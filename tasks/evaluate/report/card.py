"""The model card in Markdown (Mitchell et al. 2019, arXiv:1810.03993), with a head that Hugging Face's tools read."""

import json
from typing import Any

import numpy as np

from tasks.contracts.records import InputSpec
from tasks.evaluate.report.details import own_tables, per_slice
from tasks.evaluate.report.gates import challenge_texts, verdict_texts
from tasks.evaluate.report.headline import (
    beginnings_told,
    big_numbers,
    constant_in_words,
    deferral_told,
    listening_told,
    machine_in_words,
    operating_told,
    verdict_line,
    verification_told,
)
from tasks.evaluate.report.lineage import input_in_words, lineage, quarantine_in_words, samples_in_words
from tasks.evaluate.report.markdown import Ready, as_code, as_markdown, table_in_markdown, ticked
from tasks.evaluate.report.report import Report
from tasks.evaluate.report.summary import summary
from tasks.evaluate.report.templating import render
from tasks.kinds.contract import FiguresPart, part
from tasks.layouts import find_layout


def render_card(report: Report) -> str:
    """Returns the card; equal reports give equal cards. Where a person must add something, it says so in a line."""
    data = report.evaluation.data
    values = {
        "report": report,
        "head": Ready(_head(report)),
        "verdict": verdict_line(report),
        "numbers": big_numbers(report),
        "summary": table_in_markdown(summary(report)),
        "tables": [(table.caption, table_in_markdown(table)) for table in own_tables(report)],
        "slices": table_in_markdown(per_slice(report)) if report.shipped.slices else None,
        "verdict_texts": verdict_texts(report),
        "challenge_texts": challenge_texts(report),
        "origins": lineage(report),
        "sample": input_in_words(data),
        "samples": samples_in_words(data),
        "constant": constant_in_words(report),
        "machine": machine_in_words(report),
        "beginnings": beginnings_told(report),
        "deferral": deferral_told(report),
        "listening": listening_told(report),
        "verification": verification_told(report),
        "operating": operating_told(report),
        "cautions": part(data.task, "figures", FiguresPart).cautions([piece.column for piece in report.shipped.slices]),
        "quarantine": quarantine_in_words(data),
        "shape": Ready(", ".join(map(str, data.input.shape))),
        "further": _further(data.input),
    }
    # Every value is escaped unless it is `Ready`, as HTML's autoescape does.
    return render("card.md", {"code": as_code, "ticked": ticked}, values, finalize=as_markdown)


def _further(spec: InputSpec) -> dict[str, int]:
    """Returns what the model takes besides `inputs`, of one sample of the full size."""
    form = find_layout(spec.layout)
    one = form.full(np.broadcast_to(np.zeros((), spec.dtype), (1, *spec.shape)))
    return {name: int(one[name][0]) for name in form.further}


def _head(report: Report) -> str:
    """Returns the lines of the YAML head; JSON is YAML, so strings are quoted as JSON quotes them."""
    data = report.evaluation.data
    figures: FiguresPart[Any] = part(data.task, "figures", FiguresPart)
    pipeline = figures.pipeline_tag(data.input.layout)
    entries = {
        "library_name": "onnx",
        "pipeline_tag": pipeline,
        "tags": ["distillation", "onnxruntime", "stillhouse"],
        "model-index": [{"name": report.title, "results": [_result(report, pipeline or data.task)]}],
    }
    return "\n".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in entries.items() if value)


def _result(report: Report, task: str) -> dict[str, object]:
    """Returns the scores of the file that ships as Hugging Face's model index has them."""
    data, shipped = report.evaluation.data, report.shipped
    plain = [metric.name for metric in report.metrics if metric.in_summary and not metric.per_group]
    values = {name: shipped.values[name] for name in plain}
    return {
        "task": {"type": task},
        "dataset": {"name": data.name, "type": data.name, "split": "test", "revision": data.version},
        "metrics": [{"type": name, "value": round(value, 6)} for name, value in values.items()],
    }
