"""The one module that imports OpenTelemetry: spans, and their way to a collector over OTLP/HTTP.

Where they go, with which headers and under which name of a service is read from OpenTelemetry's own variables.
"""

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Status, StatusCode

from tasks.core.servers import without_login
from tasks.core.workspace import product_version

NAME = "stillhouse"
TIMEOUT, PATIENCE_SECONDS = "OTEL_EXPORTER_OTLP_TIMEOUT", 5.0
"""for a collector to take what is sent, where OpenTelemetry's variable says nothing else"""
Attributes = Mapping[str, str | bool]
Told = Callable[[Attributes], object]
"""what the block of a span is given, to tell more of it"""


class Spans:
    """Spans of this process, sent by a thread of its own."""

    def __init__(self, warn: Callable[[str], None]) -> None:
        # What an exporter says of each try goes to `warn`, once.
        logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)
        own = Resource({"service.name": NAME, "service.version": product_version()})
        self._provider = TracerProvider(resource=own.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(_OneWarning(warn)))
        self._tracer = self._provider.get_tracer(NAME, product_version())

    @contextmanager
    def span(self, name: str, attributes: Attributes) -> Iterator[Told]:
        """Makes the block a span."""
        # No exception is recorded: its stack has paths of this machine.
        opened = self._tracer.start_as_current_span(
            name, attributes=attributes, record_exception=False, set_status_on_exception=False
        )
        with opened as current:
            try:
                yield current.set_attributes
            except BaseException as error:
                current.set_attribute("error.type", type(error).__name__)
                current.set_status(Status(StatusCode.ERROR, without_login(f"{type(error).__name__}: {error}")))
                raise

    def flush(self) -> None:
        """Returns when all is sent or given up."""
        self._provider.force_flush()


class _OneWarning(SpanExporter):
    """Sends spans until a collector does not take them: then warns once, and sends no more."""

    def __init__(self, warn: Callable[[str], None]) -> None:
        timeout = None if os.environ.get(TIMEOUT) else PATIENCE_SECONDS
        self._inner, self._warn, self._given_up = OTLPSpanExporter(timeout=timeout), warn, False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Sends spans."""
        if self._given_up:
            return SpanExportResult.FAILURE
        result = self._inner.export(spans)
        if result is not SpanExportResult.SUCCESS:
            self._given_up = True
            self._warn(
                "expected a collector to take spans over OTLP/HTTP, got none that does; this process sends no more"
            )
        return result
