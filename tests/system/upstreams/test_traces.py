"""A caller's trace goes on to the provider and to MCP servers, and a collector gets the same one."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from waiting import soon

pytestmark = pytest.mark.slow

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HEADERS = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=7", "X-Request-ID": "req-77"}
MCP_SERVER = Path(__file__).parents[2] / "tools/mcp/raw_server.py"
SECRET = "a question that nobody else may read"


class Collector(ThreadingHTTPServer):
    """Takes OTLP over HTTP."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.received = b""
        self.spans: list[Span] = []
        self.services: set[str] = set()

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received += body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            names = [each.value.string_value for each in resource.resource.attributes if each.key == "service.name"]
            self.server.services.update(names)
            for scope in resource.scope_spans:
                self.server.spans += scope.spans
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """The tests' output is not its log."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    Thread(target=collector.serve_forever, daemon=True).start()
    yield collector
    collector.shutdown()
    collector.server_close()


def call(wire: Any) -> bytes:
    delta = {"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "echo", "arguments": "{}"}}]}
    chunks = [{"index": 0, "delta": delta}], [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]
    return wire.head() + b"".join(b"data: %s\n\n" % json.dumps({"choices": each}).encode() for each in chunks)


def sent(upstream: Any) -> list[dict[str, str]]:
    """The headers of each request to the provider, in lower case."""
    heads = [head.decode().splitlines()[1:] for path, head, _ in upstream.requests if path.endswith("completions")]
    return [{name.lower(): value for name, _, value in (line.partition(": ") for line in head)} for head in heads]


def ask(server: Any, **headers: str) -> Any:
    body = {"provider": "acme", "model": "m", "prompt": SECRET, "tools": ["echo"]}
    stream = server.client().stream("POST", "/api/chat", json=body, headers=headers)
    stream.to_end()
    return stream


@pytest.fixture
def with_tool(serve: Callable[..., Any], upstream: Any, wire: Any) -> Callable[..., Any]:
    """A server whose model calls a tool that tells what it was sent beside its arguments."""
    upstream.script("m", call(wire))
    upstream.script("m", wire.head(), wire.chunk("fine") + wire.DONE)
    arguments = json.dumps([str(MCP_SERVER), "meta"])
    return lambda **env: serve(f"[mcp_servers.raw]\ncommand = {json.dumps(sys.executable)}\nargs = {arguments}", **env)


def told_to_the_tool(stream: Any) -> dict[str, str]:
    [result] = [json.loads(event.data) for event in stream.events if event.type == "tool_result"]
    told: dict[str, str] = json.loads(result["result"])
    return told


def test_without_a_collector_the_trace_still_goes_on(with_tool: Callable[..., Any], upstream: Any) -> None:
    server = with_tool()
    stream = ask(server, **HEADERS)
    assert stream.headers["X-Trace-Id"] == TRACE and stream.headers["X-Request-ID"] == "req-77"
    place = stream.headers["traceparent"]
    assert re.fullmatch(rf"00-{TRACE}-[0-9a-f]{{16}}-01", place)
    for headers in sent(upstream):
        assert headers["traceparent"] == place and headers["tracestate"] == "vendor=7"
        assert headers["x-request-id"] == "req-77"
    assert len(sent(upstream)) == 2
    told = told_to_the_tool(stream)
    assert (told["traceparent"], told["x-request-id"]) == (place, "req-77")
    [run] = soon(lambda: [json.loads(line) for line in server.log().splitlines() if "run ended" in line])
    assert run["trace_id"] == TRACE

    alone = server.client().get("/healthz").headers
    assert alone["X-Request-ID"] == alone["X-Trace-Id"] and alone["X-Trace-Id"] in alone["traceparent"]
    named = server.client().get("/healthz", headers={"X-Request-ID": "mine"}).headers
    assert named["X-Trace-Id"] == named["X-Request-ID"] == "mine"


def test_a_collector_gets_request_run_calls_and_tools_in_one_trace(
    with_tool: Callable[..., Any], upstream: Any, wire: Any, collector: Collector
) -> None:
    server = with_tool(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    stream = ask(server, **HEADERS)
    soon(lambda: collector.named("run") and collector.named("POST /api/chat"))
    [request], [run] = collector.named("POST /api/chat"), collector.named("run")
    calls, [tool] = collector.named("chat m"), collector.named("execute_tool echo")
    assert {span.trace_id.hex() for span in (request, run, tool, *calls)} == {TRACE}
    assert (
        request.parent_span_id.hex() == PARENT and stream.headers["traceparent"].split("-")[2] == request.span_id.hex()
    )
    assert not run.parent_span_id and [link.span_id for link in run.links] == [request.span_id]
    assert [call.parent_span_id for call in calls] == [run.span_id] * 2 == [tool.parent_span_id] * 2
    assert [headers["traceparent"].split("-")[2] for headers in sent(upstream)] == [
        call.span_id.hex() for call in calls
    ]
    assert told_to_the_tool(stream)["traceparent"].split("-")[2] == tool.span_id.hex()
    assert collector.services == {"chatapp"}
    assert SECRET.encode() not in collector.received and wire.KEY.encode() not in collector.received


def test_the_last_spans_are_sent_when_the_server_goes_down(
    serve: Callable[..., Any], upstream: Any, wire: Any, collector: Collector
) -> None:
    upstream.script("m", wire.head(), wire.chunk("fine") + wire.DONE)
    server = serve(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_SERVICE_NAME="mine")
    server.client().stream("POST", "/api/chat", json={"provider": "acme", "model": "m", "prompt": SECRET}).to_end()
    server.stop()
    assert collector.named("run") and collector.services == {"mine"}
