"""The model card in Markdown (Mitchell et al. 2019, arXiv:1810.03993), with a head that Hugging Face's tools read."""

import json
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tasks.evaluate.report.details import per_class, per_slice
from tasks.evaluate.report.gates import challenge_texts, verdict_texts
from tasks.evaluate.report.headline import big_numbers, verdict_line
from tasks.evaluate.report.lineage import input_in_words, lineage, quarantine_in_words, samples_in_words
from tasks.evaluate.report.markdown import Ready, as_code, as_markdown, table_in_markdown, ticked
from tasks.evaluate.report.report import Report
from tasks.evaluate.report.summary import summary

TEMPLATES = Path(__file__).parent / "templates"
PIPELINES = {
    ("image", "classification"): "image-classification",
    ("vector", "classification"): "tabular-classification",
}


def render_card(report: Report) -> str:
    """Returns the card; equal reports give equal cards. Where a person must add something, it says so in a line."""
    data = report.evaluation.data
    return (
        _environment()
        .get_template("card.md")
        .render(
            report=report,
            head=Ready(_head(report)),
            verdict=verdict_line(report),
            numbers=big_numbers(report),
            summary=table_in_markdown(summary(report)),
            classes=table_in_markdown(per_class(report)),
            slices=table_in_markdown(per_slice(report)) if report.shipped.slices else None,
            verdict_texts=verdict_texts(report),
            challenge_texts=challenge_texts(report),
            origins=lineage(report),
            sample=input_in_words(data),
            samples=samples_in_words(data),
            quarantine=quarantine_in_words(data),
            shape=Ready(", ".join(map(str, data.input.shape))),
        )
    )


def _environment() -> Environment:
    """Every value is escaped unless it is `Ready`, as HTML's autoescape does."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        finalize=as_markdown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["code"] = as_code
    environment.filters["ticked"] = ticked
    return environment


def _head(report: Report) -> str:
    """Returns the lines of the YAML head; JSON is YAML, so strings are quoted as JSON quotes them."""
    data = report.evaluation.data
    pipeline = PIPELINES.get((data.input.layout, data.task))
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
    values = {"accuracy": shipped.accuracy.value, "f1": shipped.macro_f1.value}
    return {
        "task": {"type": task},
        "dataset": {"name": data.name, "type": data.name, "split": "test", "revision": data.version},
        "metrics": [{"type": name, "value": round(value, 6)} for name, value in values.items()],
    }
