"""The SDK, set up: made in each worker, after the fork and after gevent has patched the process."""

from wsgiref.types import WSGIApplication

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter

from chatapp import __version__
from chatapp.providers import Provider
from chatapp.tools import Tool
from chatapp.tracing.export import Exporting
from chatapp.tracing.requests import TracedRequests
from chatapp.tracing.runs import TracedProvider, TracedRuns, TracedTool
from chatapp.tracing.spans import GivenIds, Spans


class OTLPTracing:
    """A `chatapp.tracing.switch.Tracing`. Its settings are OpenTelemetry's own, which the SDK reads
    from the environment."""

    def __init__(self, exporter: SpanExporter | None = None) -> None:
        ids = GivenIds()
        self._provider = TracerProvider(id_generator=ids, resource=_resource(), shutdown_on_exit=False)
        self._exporting = Exporting(exporter or OTLPSpanExporter())
        self._provider.add_span_processor(self._exporting)
        self._spans = Spans(self._provider, ids)
        self.runs = TracedRuns(self._spans)

    def start(self) -> None:
        self._exporting.begin()

    def close(self) -> None:
        self._exporting.shutdown()

    def app(self, app: WSGIApplication) -> TracedRequests:
        return TracedRequests(app, self._spans)

    def provider(self, provider: Provider) -> Provider:
        return TracedProvider(provider, self._spans)

    def tool(self, tool: Tool) -> Tool:
        return TracedTool(tool, self._spans)


def _resource() -> Resource:
    """As the environment names it, else `chatapp`."""
    found = Resource.create({SERVICE_VERSION: __version__})
    unnamed = str(found.attributes.get(SERVICE_NAME, "")).startswith("unknown_service")
    return found.merge(Resource({SERVICE_NAME: "chatapp"})) if unnamed else found
