"""A span for each run and each stage in it, where OpenTelemetry's own variables name a collector.

Only then is OpenTelemetry imported (`opentelemetry.py`). A collector that is slow or gone costs one warning and, at the
end of a run, a few seconds at most.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING

from tasks.core.progress import Warned, say

if TYPE_CHECKING:
    from tasks.tracking.opentelemetry import Attributes, Spans, Told

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_inside: ContextVar[bool] = ContextVar("inside_a_span", default=False)


@contextmanager
def span(name: str, attributes: "Callable[[], Attributes]") -> "Iterator[Told]":
    """Makes the block a span, a part of the span around it; an error in the block is the status of the span.

    Args:
        name: a dotted name, the same for each run.
        attributes: returns what is known before; called where spans are sent alone.
    """
    spans = _spans() if _wanted() else None
    if spans is None:
        yield lambda _more: None
        return
    outermost, token = not _inside.get(), _inside.set(True)
    try:
        with spans.span(name, attributes()) as told:
            yield told
    finally:
        _inside.reset(token)
        if outermost:
            spans.flush()


def _wanted() -> bool:
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or os.environ.get("OTEL_TRACES_EXPORTER") == "none"
    return any(os.environ.get(name) for name in ENDPOINTS) and not off


@cache
def _spans() -> "Spans | None":
    try:
        from tasks.tracking.opentelemetry import Spans

        return Spans(_warn)
    except ImportError as error:
        _warn(f"expected the package `{error.name}`, got none; pip install 'stillhouse[otel]'; no spans are sent")
    except Exception as error:  # whatever its settings come to
        _warn(f"expected settings that it takes, got {type(error).__name__}: {error}; no spans are sent")
    return None


def _warn(said: str) -> None:
    say(Warned(f"OpenTelemetry: {said}"))
