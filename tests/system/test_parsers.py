"""Parsers that we did not write agree on our bytes, in every dialect, whatever a run says and wherever it is silent."""

import base64
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import gevent
import httpx
import pytest
from gevent.pywsgi import WSGIServer
from httpx_sse import EventSource
from msgspec.structs import astuple
from sseclient import SSEClient

from chatapp.dialects.registry import DIALECTS
from chatapp.events import (
    AttemptReset,
    CitedSource,
    Entry,
    ErrorInfo,
    File,
    PlanStep,
    Raw,
    ReasoningDelta,
    RunEnd,
    RunStart,
    StreamEvent,
    TextDelta,
    Timing,
    ToolApproval,
    ToolCall,
    ToolInputDelta,
    ToolResult,
    Usage,
)
from chatapp.reading.reader import open_reader
from chatapp.reading.sources import KeptAnswer
from chatapp.wire.frames import SSEDecoder

NPM = Path(sys.prefix) / "npm"
SCRIPT = Path(__file__).parents[1] / "npm/parsers.mjs"
RUNS = 6
SILENCE_S = 0.002
HEARTBEATS = ("heartbeat", "ping")  # of the dialects that have an event for it

TEXTS = (
    "word", " two words", "\n", "\r", "\r\n", "\n\n", "a\rb", "data: x", ": no comment", "event: error", "id: 7",
    "\u2028", "\u2029", "\x85", "\x0b\x0c\x1c", "\0", "\ufeff", "🙂", "e\u0301", '"', "\\", "</final>", "retry: 1",
)  # fmt: skip

Parsed = list[tuple[str, str, str | None]]


class Body(NamedTuple):
    """`frames` is what was meant: (type, data, last id), heartbeats left out."""

    dialect: str
    frames: Parsed
    text: str
    failed: bool
    bytes: bytes

    @property
    def names(self) -> list[str]:
        return sorted({"message", *(name for name, _, _ in self.frames), *HEARTBEATS})


def run(chance: random.Random) -> list[StreamEvent]:
    events: list[StreamEvent] = [RunStart("msg_1", "trace", "mock", "words", "enabled", 7.5, "mine")]
    for number in range(chance.randint(3, 12)):
        text = chance.choice(TEXTS)
        id = f"c{number}"
        call = ToolCall(id, "mcp", "add", {"a": text})
        pieces = [ToolInputDelta(id, "add", piece) for piece in ('{"a":', json.dumps(text), "}")]
        outcome = ToolResult(id, text) if chance.random() < 0.7 else ToolResult(id, error=text)
        events += chance.choice(
            [
                [TextDelta(text)],
                [TextDelta(text), TextDelta(text)],
                [ReasoningDelta(text)],
                [*pieces, call, outcome],
                [call, ToolApproval(id, "asked", 9.0), outcome],
                [PlanStep(number, text)],
                [TextDelta("x"), CitedSource(f"src_{number}", "https://source.test/1", text, text, 0, 1)],
                [CitedSource(f"src_{number}", "", "a.pdf")],
                [File(f"file_{number}", "image/png", bytes=text.encode())],
                [Raw(text.encode() + bytes([chance.randrange(256)]))],
                [AttemptReset("again")] if number < 2 else [],
            ]
        )
    return [*events, end(chance)]


def end(chance: random.Random) -> RunEnd:
    reason: Any = chance.choice(["stop", "stop", "length", "cancelled", "error"])
    error = ErrorInfo("rate_limited", "Too many\nrequests.", True, "trace") if reason == "error" else None
    return RunEnd(reason, Usage(1, 2, 3), Timing(4, 5, 6), error)


def body(name: str, events: Sequence[StreamEvent], chance: random.Random) -> Body:
    """As a reader sends it who waits now and then, and is sent heartbeats."""
    steps: list[Entry | None] = [Entry(seq, event) for seq, event in enumerate(events, 1)]
    for _ in range(4):
        steps.insert(chance.randrange(len(steps)), None)

    class Halting(KeptAnswer):
        def read(self, after: int, wait: float, take: object = None) -> Sequence[Entry]:
            if (step := steps.pop(0)) is not None:
                return [step]
            gevent.sleep(wait)
            return []

    suffix = "@msg_1" if DIALECTS[name]().has_event_ids and chance.random() < 0.5 else ""
    data = b"".join(open_reader(Halting([]), DIALECTS[name](), id_suffix=suffix).follow(SILENCE_S, "trace"))
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    return Body(name, meant(name, events, suffix), text, events[-1].reason == "error", data)  # type: ignore[union-attr]


def meant(name: str, events: Sequence[StreamEvent], suffix: str) -> Parsed:
    dialect, last_id, found = DIALECTS[name](), "", Parsed()
    for seq, event in enumerate(events, 1):
        frames = list(dialect.encode(event))
        for index, frame in enumerate(frames):
            if dialect.has_event_ids and index == len(frames) - 1:
                last_id = f"{seq}{suffix}"
            found.append((frame.event or "message", frame.data.replace("\r\n", "\n").replace("\r", "\n"), last_id))
    return found


@pytest.fixture(scope="module")
def bodies() -> list[Body]:
    chance = random.Random(20)
    return [body(name, run(chance), chance) for name in DIALECTS for _ in range(RUNS)]


def pieces(data: bytes) -> Iterator[bytes]:
    chance, at = random.Random(len(data)), 0
    while at < len(data):
        size = chance.randint(1, 60)
        yield data[at : at + size]
        at += size


def without_heartbeats(events: Parsed) -> Parsed:
    return [event for event in events if event[0] not in HEARTBEATS]


def types_and_data(events: Parsed) -> list[tuple[str, str]]:
    return [(type_, data) for type_, data, _ in without_heartbeats(events)]


def test_heartbeats_are_there(bodies: list[Body]) -> None:
    assert all(b":\n" in body.bytes for body in bodies)
    for name, type_ in (("message", b"event: heartbeat"), ("anthropic", b"event: ping")):
        assert all(type_ in body.bytes for body in bodies if body.dialect == name)


def test_dialects_of_others_have_no_id_and_no_retry(bodies: list[Body]) -> None:
    for body in bodies:
        lines = body.bytes.split(b"\n")
        marked = any(line.startswith((b"id:", b"retry:")) for line in lines)
        assert marked == DIALECTS[body.dialect]().has_event_ids


def test_our_own_parser(bodies: list[Body]) -> None:
    for body in bodies:
        decoder = SSEDecoder()
        events = [event for piece in pieces(body.bytes) for event in decoder.feed(piece)]
        assert without_heartbeats([astuple(event) for event in events]) == body.frames, body.dialect
        assert decoder.flush() == []


def test_httpx_sse(bodies: list[Body]) -> None:
    for body in bodies:
        response = httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=pieces(body.bytes))
        events = [(event.event, event.data, event.id) for event in EventSource(response).iter_sse()]
        assert without_heartbeats(events) == body.frames, body.dialect


def test_sseclient(bodies: list[Body]) -> None:
    for body in bodies:
        events = [(event.event, event.data, event.id) for event in SSEClient(pieces(body.bytes)).events()]
        assert types_and_data(events) == types_and_data(body.frames), body.dialect


@pytest.fixture(scope="module")
def by_npm(bodies: list[Body]) -> Any:
    """What npm's parsers made of each body."""
    if shutil.which("node") is None or not (NPM / "node_modules/undici").exists():
        pytest.skip("the packages of tests/npm are not installed: `make test` installs them with npm")
    asked = [
        {"dialect": body.dialect, "names": body.names, "body": base64.b64encode(body.bytes).decode()} for body in bodies
    ]
    command = ["node", str(SCRIPT), str(NPM)]
    done = subprocess.run(command, input=json.dumps(asked).encode(), capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


@pytest.mark.slow
def test_eventsource_parser(bodies: list[Body], by_npm: Any) -> None:
    for body, read in zip(bodies, by_npm, strict=True):
        assert types_and_data(read["eventsource-parser"]) == types_and_data(body.frames), body.dialect


@pytest.mark.slow
def test_undici(bodies: list[Body], by_npm: Any) -> None:
    for body, read in zip(bodies, by_npm, strict=True):
        assert without_heartbeats([tuple(event) for event in read["undici"]]) == body.frames, body.dialect


@pytest.mark.slow
@pytest.mark.parametrize("dialect", ["ui_message", "agui"])
def test_the_packages_of_a_protocol_find_nothing_wrong(dialect: str, bodies: list[Body], by_npm: Any) -> None:
    """They check the order of events; of a run that fails, or was begun anew in its middle, they tell that."""
    for body, read in zip(bodies, by_npm, strict=True):
        if body.dialect != dialect:
            continue
        last = body.frames[-1 if dialect == "agui" else -2][1]
        problem = json.loads(last).get("message") or json.loads(last).get("errorText")
        assert read["problems"] == ([problem] if problem else [])
        if not problem:
            assert read["text"] == body.text


COLLECT = """
async (given) => {
    const read = (names, index) => new Promise((resolve) => {
        const source = new EventSource(`/${index}`);
        const events = [];
        for (const name of names)
            source.addEventListener(name, ({ type, data, lastEventId }) => {
                if (data !== undefined) events.push([type, data, lastEventId]);
            });
        source.addEventListener("error", ({ data }) => {
            if (data !== undefined) return;
            source.close();
            resolve(events);
        });
    });
    const found = [];
    for (const [index, names] of given.entries()) found.push(await read(names, index));
    return found;
}
"""


@pytest.mark.slow
def test_chromium(bodies: list[Body], browser: Any) -> None:
    def serve(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        place = environ["PATH_INFO"][1:]
        start_response("200 OK", [("Content-Type", "text/event-stream" if place.isdecimal() else "text/html")])
        yield from pieces(bodies[int(place)].bytes) if place.isdecimal() else [b"<!doctype html>"]

    server = WSGIServer(("127.0.0.1", 0), serve, log=None)
    server.start()
    page = browser.new_page()
    page.goto(f"http://127.0.0.1:{server.server_port}/page")
    read = page.evaluate(COLLECT, [body.names for body in bodies])
    page.close()
    server.stop(timeout=1)
    for body, events in zip(bodies, read, strict=True):
        assert without_heartbeats([tuple(event) for event in events]) == body.frames, body.dialect
