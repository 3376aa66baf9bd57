"""A collector of OpenTelemetry's on loopback: it takes spans over OTLP/HTTP and keeps them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class Collector:
    """What came, and where to send it."""

    url: str
    status: int = 200
    asked: list[tuple[str, str]] = field(default_factory=list)
    """path and header `api-key` of each request"""
    bodies: list[ExportTraceServiceRequest] = field(default_factory=list)

    @property
    def spans(self) -> dict[str, Span]:
        """Name -> span."""
        scopes = [scope for body in self.bodies for one in body.resource_spans for scope in one.scope_spans]
        return {span.name: span for scope in scopes for span in scope.spans}

    @property
    def resource(self) -> dict[str, str | bool]:
        """Attributes of the service."""
        return plain(self.bodies[0].resource_spans[0].resource.attributes)


def plain(attributes: Iterator[KeyValue]) -> dict[str, str | bool]:
    """Returns attributes as a dict."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value") or "") for one in attributes}


@contextmanager
def collecting(status: int = 200) -> Iterator[Collector]:
    """Serves in the block."""
    collector = Collector("", status)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.asked.append((self.path, self.headers.get("api-key", "")))
            collector.bodies.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(collector.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        collector.url = f"http://127.0.0.1:{server.server_port}"
        yield collector
        server.shutdown()
