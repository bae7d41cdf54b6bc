"""What is recorded of a request, a run, a provider's request and a tool call; and what is not."""

from collections.abc import Iterator, Sequence

import pytest
from drivers import NoApprovals, ScriptedProvider, a_chat, a_start, an_answer
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, StatusCode

from chatapp.cancel import CancelScope
from chatapp.chat import ToolSpec
from chatapp.errors import RateLimited
from chatapp.events import TextDelta, ToolCall, ToolResult, Usage
from chatapp.providers import Finished, Started
from chatapp.tools import ToolFailed
from chatapp.tools.toolbox import Limits, Toolbox
from chatapp.trace import current_trace, trace_headers, trace_of
from chatapp.tracing.otlp import OTLPTracing
from chatapp.tracing.switch import tracing_of

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Kept(SpanExporter):
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans += spans
        return SpanExportResult.SUCCESS


class Recorder:
    """Tracing whose spans can be looked at."""

    def __init__(self) -> None:
        self._kept = Kept()
        self.tracing = OTLPTracing(self._kept)
        self.tracing.start()

    def spans(self) -> dict[str, ReadableSpan]:
        self.tracing._exporting.force_flush()
        return {span.name: span for span in self._kept.spans}


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    yield recorder
    recorder.tracing.close()


@pytest.fixture(autouse=True)
def in_a_request() -> Iterator[None]:
    current_trace.set(trace_of(f"00-{TRACE}-{PARENT}-01", "", "mine"))
    yield
    current_trace.set(None)


def ids(span: ReadableSpan) -> tuple[str, str]:
    assert span.context is not None
    return f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"


def test_a_run_is_linked_to_its_request_in_the_same_trace(recorder: Recorder) -> None:
    request = current_trace.get()
    assert request is not None
    answer = an_answer("what was said")
    recorder.tracing.runs.started(a_start())
    inside = trace_headers()["traceparent"]
    recorder.tracing.runs.ended(answer, (), "second")
    [span] = recorder.spans().values()
    assert span.name == "run" and span.parent is None and ids(span)[0] == TRACE
    assert [f"{link.context.span_id:016x}" for link in span.links] == [request.span_id]
    assert inside == f"00-{TRACE}-{ids(span)[1]}-01"
    assert span.attributes is not None
    assert span.attributes["chatapp.answered_by"] == "second"
    assert span.attributes["chatapp.request_id"] == "mine"
    assert span.attributes["gen_ai.usage.output_tokens"] == 2
    assert "what was said" not in span.to_json()


def test_a_request_to_a_provider_is_a_child_and_passes_its_own_place_on(recorder: Recorder) -> None:
    sent: list[str] = []
    script = [
        Started(),
        lambda scope: sent.append(trace_headers()["traceparent"]),
        TextDelta("said"),
        Finished("stop", Usage(7, 3)),
    ]
    outer = current_trace.get()
    assert outer is not None
    provider = recorder.tracing.provider(ScriptedProvider(script, name="acme"))
    list(provider.stream(a_chat("a secret question"), CancelScope()))
    assert current_trace.get() is outer
    span = recorder.spans()["chat m"]
    assert span.kind is SpanKind.CLIENT and span.parent and f"{span.parent.span_id:016x}" == outer.span_id
    assert sent == [f"00-{TRACE}-{ids(span)[1]}-01"]
    assert span.attributes is not None
    assert span.attributes["gen_ai.provider.name"] == "acme"
    assert span.attributes["gen_ai.usage.input_tokens"] == 7
    assert "secret" not in span.to_json() and "said" not in span.to_json()


def test_a_failure_is_named_by_its_code_and_one_that_was_stopped_is_no_failure(recorder: Recorder) -> None:
    provider = recorder.tracing.provider(ScriptedProvider([RateLimited("what the provider said")], [Started()]))
    with pytest.raises(RateLimited):
        list(provider.stream(a_chat(), CancelScope()))
    span = recorder.spans()["chat m"]
    assert span.status.status_code is StatusCode.ERROR and span.attributes
    assert span.attributes["error.type"] == "rate_limited" and "provider said" not in span.to_json()

    items = provider.stream(a_chat(), CancelScope())
    next(items)
    items.close()  # type: ignore[attr-defined]
    assert recorder.spans()["chat m"].status.status_code is StatusCode.UNSET


def test_a_tool_call_is_a_span_without_its_arguments(recorder: Recorder) -> None:
    class Failing:
        type, ask = "function", False
        spec = ToolSpec("clock", "", {})

        def call(self, arguments: object, scope: CancelScope) -> object:
            raise ToolFailed("secret reason")

    tool = recorder.tracing.tool(Failing())  # type: ignore[arg-type]
    with pytest.raises(ToolFailed):
        tool.call({"city": "secret place"}, CancelScope())
    span = recorder.spans()["execute_tool clock"]
    assert span.attributes and span.attributes["gen_ai.tool.name"] == "clock"
    assert span.attributes["error.type"] == "ToolFailed" and "secret" not in span.to_json()


def test_a_call_of_a_run_is_named_by_its_id(recorder: Recorder) -> None:
    class Clock:
        type, ask = "function", False
        spec = ToolSpec("clock", "", {})

        def call(self, arguments: object, scope: CancelScope) -> object:
            return "noon"

    tools = {"clock": recorder.tracing.tool(Clock())}  # type: ignore[arg-type]
    toolbox = Toolbox("run", tools, Limits(1, 5.0, 1000, 5.0), NoApprovals())
    [result] = toolbox.call_all([ToolCall("call_7", "function", "clock", {})], CancelScope())
    assert result == ToolResult("call_7", "noon")
    span = recorder.spans()["execute_tool clock"]
    assert span.attributes and span.attributes["gen_ai.tool.call.id"] == "call_7"


def test_a_provider_has_the_name_of_the_conventions(recorder: Recorder) -> None:
    provider = recorder.tracing.provider(ScriptedProvider([Finished("stop", Usage(7, 3))], name="gemini"))
    list(provider.stream(a_chat(), CancelScope()))
    span = recorder.spans()["chat m"]
    assert span.attributes and span.attributes["gen_ai.provider.name"] == "gcp.gemini"


def test_a_request_is_named_by_its_route_and_ends_with_its_body(recorder: Recorder) -> None:
    closed: list[bool] = []

    class Body(list[bytes]):
        def close(self) -> None:
            closed.append(True)

    def inner(environ: dict[str, object], start_response: object) -> Body:
        environ["chatapp.route"] = "/c/<conversation_id>"
        start_response("500 Oh", [])  # type: ignore[operator]
        return Body([b"one", b"two"])

    app = recorder.tracing.app(inner)  # type: ignore[arg-type]
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/c/conv_secret", "HTTP_TRACEPARENT": f"00-{TRACE}-{PARENT}-01"}
    body = app(environ, lambda status, headers: None)  # type: ignore[arg-type,return-value]
    assert list(body) == [b"one", b"two"] and not recorder.spans()
    body.close()  # type: ignore[attr-defined]
    span = recorder.spans()["GET /c/<conversation_id>"]
    assert closed and ids(span)[0] == TRACE and span.parent and f"{span.parent.span_id:016x}" == PARENT
    assert span.attributes and span.attributes["http.response.status_code"] == 500
    assert "conv_secret" not in span.to_json()


def test_what_our_caller_does_not_sample_is_not_recorded(recorder: Recorder) -> None:
    current_trace.set(trace_of(f"00-{TRACE}-{PARENT}-00", "", ""))
    recorder.tracing.runs.started(a_start())
    assert trace_headers()["traceparent"].endswith("-00")
    recorder.tracing.runs.ended(an_answer("fine"), (), "mock")
    assert not recorder.spans()


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
    ],
)
def test_nothing_is_recorded_unless_the_environment_asks_for_it(environ: dict[str, str]) -> None:
    assert tracing_of(environ) is None
