"""Whole runs in every dialect, byte for byte as they stand in the files beside this one.

`GOLDEN=write pytest tests/dialects/test_golden.py` writes the files again. Read what changed in
them before you commit: it is what clients will see.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from chatapp.dialects import Dialect
from chatapp.dialects.agui.events import AGUIDialect
from chatapp.dialects.anthropic.events import AnthropicDialect
from chatapp.dialects.openai_chat.events import OpenAIDialect
from chatapp.dialects.openai_responses.events import ResponsesDialect
from chatapp.dialects.registry import DIALECTS
from chatapp.events import (
    AttemptReset,
    CitedSource,
    ErrorInfo,
    File,
    NativePiece,
    PlanStep,
    Raw,
    ReasoningDelta,
    RunEnd,
    RunQueued,
    RunStart,
    StreamEvent,
    TextDelta,
    Timing,
    ToolApproval,
    ToolCall,
    ToolInputDelta,
    ToolProgress,
    ToolQuestion,
    ToolResult,
    Usage,
)
from chatapp.reading.reader import encode_with_id
from chatapp.wire.frames import Frame, encode

GOLDEN = Path(__file__).with_name("golden")
HEARTBEAT, RESET = "heartbeat", "reset"

START = RunStart("msg_7", "0af7651916cd43dd8448eb211c80319c", "mock", "words", "enabled", 1_700_000_000.25, "mine")
USAGE, TIMING = Usage(10, 20, 30, 4, 5), Timing(3, 4, 50)
ADD = ToolCall("c1", "function", "add", {"a": 1})
WEB = CitedSource("src_1", "https://source.test/1?a=1&b=2", "One", "It is 1.", 6, 9)
DOCUMENT = CitedSource("src_2", "", "notes.pdf", "one")
PICTURE = File("file_1", "image/png", "", b"\x89PNG\r\n\x1a\n")
ELSEWHERE = File("file_2", "application/pdf", "notes.pdf", url="https://source.test/notes.pdf")
LEFT_OUT = File("file_3", "image/webp", error="left out: 9 bytes of data, and 8 are allowed")
CLOCK = ToolCall("c2", "mcp", "clock", {"zone": "UTC"})

EVERYTHING: list[StreamEvent | str] = [
    START,
    HEARTBEAT,
    PlanStep(1, "Look it up"),
    PlanStep(1, "Look it up", begun=True),
    Raw(b'data: {"text": "Let', "text/event-stream"),
    Raw(b"\xf0\x9f"),
    ReasoningDelta("I should add"),
    ReasoningDelta("\nfirst."),
    TextDelta("Let me see"),
    TextDelta(": <final>a\rb\r\nc</final>\u2028 😀"),
    TextDelta(""),
    ToolInputDelta("c1", "add", ""),
    ToolInputDelta("c1", "add", '{"a":'),
    ToolInputDelta("c1", "add", "1}"),
    ADD,
    ToolApproval("c1", "asked", 1_700_000_060.5),
    ToolApproval("c1", "approved", 1_700_000_060.5),
    ToolResult("c1", {"sum": [1, None, "two"]}),
    CLOCK,
    ToolApproval("c2", "asked", 1_700_000_060.5),
    ToolApproval("c2", "denied", 1_700_000_060.5),
    ToolResult("c2", error="The user said no."),
    PlanStep(2, "Say it"),
    ReasoningDelta("Once more."),
    ADD,  # another round uses the id again
    ToolCall("c3", "function", "add", {}, "a = 1"),
    ToolResult("c1", "one"),
    ToolResult("c3", error="not JSON"),
    TextDelta("It is one."),
    WEB,
    DOCUMENT,
    TextDelta(" See the notes."),
    ELSEWHERE,
    LEFT_OUT,
    RunEnd("stop", USAGE, TIMING, reasoning_ms=7),
    RESET,
]
INTERLEAVED: list[StreamEvent | str] = [
    START,
    ReasoningDelta("Two at once."),
    TextDelta("Let me see. "),
    ToolInputDelta("c1", "add", '{"a"'),
    ToolInputDelta("c2", "clock", '{"zo'),
    ToolInputDelta("c1", "add", ":1}"),
    TextDelta("Meanwhile: "),
    ToolInputDelta("c2", "clock", 'ne":"UTC"}'),
    CLOCK,
    ReasoningDelta("Hm."),
    ADD,
    ToolCall("c3", "function", "add", {"a": 3}),
    ToolResult("c2", "noon"),
    TextDelta("It is noon."),
    ToolInputDelta("c4", "add", "{"),
    RunEnd("stop", USAGE, TIMING),
]
RUNS: dict[str, list[StreamEvent | str]] = {
    "everything": EVERYTHING,
    "interleaved": INTERLEAVED,
    "failed": [
        START,
        TextDelta("Half"),
        RunEnd("error", Usage(), Timing(3), ErrorInfo("rate_limited", "Too many requests.", True, START.trace_id)),
    ],
    "interrupted": [
        START,
        ReasoningDelta("Hm"),
        RunEnd("interrupted", Usage(), TIMING, ErrorInfo("interrupted", "The server stopped.", True, START.trace_id)),
    ],
    "cancelled": [
        START,
        TextDelta("Let me"),
        ToolInputDelta("c1", "add", '{"a"'),
        RunEnd("cancelled", Usage(10, 2, 12, estimated=True), TIMING),
    ],
    "queued": [START, RunQueued(), RunQueued(waiting=False), TextDelta("Now"), RunEnd("stop", USAGE, TIMING)],
    "tool_limit": [START, CLOCK, RunEnd("tool_limit", USAGE, TIMING)],
    "reset": [
        START,
        TextDelta("No"),
        ToolInputDelta("c1", "add", '{"a"'),
        AttemptReset("upstream_truncated"),
        TextDelta("Yes"),
        RunEnd("stop", USAGE, TIMING),
    ],
    "sealed": [
        START,
        ReasoningDelta("Hm."),
        NativePiece("anthropic", "a", [{"type": "thinking", "thinking": "Hm.", "signature": "sig"}]),
        NativePiece("anthropic", "a", [{"type": "redacted_thinking", "data": "black"}]),
        ReasoningDelta("Well."),
        NativePiece("openai-responses", "r", [{"type": "reasoning", "encrypted_content": "sealed"}]),
        NativePiece("openai", "o", [{"tool_call": "c1", "extra_content": {"google": {"thought_signature": "sig"}}}]),
        ToolInputDelta("c1", "add", '{"a":1}'),
        ADD,
        TextDelta("One."),
        NativePiece("openai", "o", [{"reasoning_details": [{"type": "reasoning.encrypted"}]}], whole=True),
        RunEnd("stop", USAGE, TIMING),
    ],
    "only_files": [START, ReasoningDelta("I paint."), PICTURE, ELSEWHERE, RunEnd("stop", USAGE, TIMING)],
    "picture": [
        START,
        TextDelta("It is 1: "),
        PICTURE,
        WEB,
        TextDelta("as you see."),
        RunEnd("stop", USAGE, TIMING),
    ],
    "reset_file": [
        START,
        WEB,
        PICTURE,
        AttemptReset("upstream_truncated"),
        PICTURE,
        RunEnd("stop", USAGE, TIMING),
    ],
    "asking": [
        START,
        CLOCK,
        ToolProgress("c2", 1.0, 3.0, "winding"),
        ToolQuestion("c2", "question_1", "asked", 1_700_000_060.5, "Which zone?", {"properties": {"zone": {}}}),
        ToolProgress("c2", 2.5),
        ToolQuestion("c2", "question_1", "accepted", 1_700_000_060.5),
        ToolResult("c2", "noon"),
        RunEnd("stop", USAGE, TIMING),
    ],
    "reset_unseen": [START, AttemptReset("upstream_busy"), TextDelta("Yes"), RunEnd("length", USAGE, TIMING)],
}
# As the endpoints make them, for a client that runs `add` itself; `clock` is the server's.
OFFERED: dict[str, Callable[[], Dialect]] = {
    "agui": lambda: AGUIDialect("thread", "run"),
    "anthropic": lambda: AnthropicDialect(["add"], 9),
    "openai": lambda: OpenAIDialect(True, ["add"]),
    "responses": lambda: ResponsesDialect({"tools": [{"type": "function", "name": "add"}], "top_p": 0.5}, ["add"]),
}
CASES: dict[str, tuple[Callable[[], Dialect], list[StreamEvent | str]]] = {
    **{f"{name}.{run}": (DIALECTS[name], events) for name in sorted(DIALECTS) for run, events in RUNS.items()},
    **{f"{name}.offered": (make, INTERLEAVED) for name, make in OFFERED.items()},
}


@pytest.mark.parametrize("case", CASES)
def test_a_run_has_the_bytes_that_it_had(case: str) -> None:
    make, events = CASES[case]
    rendered, file = b"".join(sections(make(), events)), GOLDEN / f"{case}.txt"
    if os.environ.get("GOLDEN") == "write":
        file.write_bytes(rendered)
    assert rendered.decode() == file.read_bytes().decode()


@pytest.mark.parametrize("case", sorted(set(CASES) - {f"token.{run}" for run in RUNS}))
def test_a_client_that_splits_lines_as_python_does_reads_the_same_lines(case: str) -> None:
    """In the dialect `token` the data is the text itself, which has no escapes."""
    rendered = (GOLDEN / f"{case}.txt").read_text("utf-8")
    assert rendered.splitlines() == rendered.removesuffix("\n").split("\n")


def test_every_file_is_the_bytes_of_a_run() -> None:
    assert sorted(file.stem for file in GOLDEN.iterdir()) == sorted(CASES)


def sections(dialect: Dialect, events: Iterable[StreamEvent | str]) -> Iterator[bytes]:
    """For each event a line that names it, and the bytes that are sent for it."""
    seq = 0
    for event in events:
        if isinstance(event, str):
            frames = dialect.heartbeat() if event == HEARTBEAT else dialect.reset("position")
            yield b"=== %b\n%b" % (event.encode(), b"".join(map(encode, frames)))
        else:
            seq += 1
            yield b"=== %d %b\n%b" % (seq, tag(event).encode(), wire(dialect, dialect.encode(event), seq))


def wire(dialect: Dialect, frames: Iterable[Frame], seq: int) -> bytes:
    return encode_with_id(frames, str(seq)) if dialect.has_event_ids else b"".join(map(encode, frames))


def tag(event: StreamEvent) -> str:
    return str(event.__struct_config__.tag)
