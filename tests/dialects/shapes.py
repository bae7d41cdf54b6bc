"""What the tests of several dialects are made of: a start, sources and files of each kind, the runs of
an agent, and the frames that a dialect makes of events."""

import json
from itertools import chain
from typing import Any

from hypothesis import strategies as st

from chatapp.dialects import Dialect
from chatapp.events import (
    CitedSource,
    ErrorInfo,
    File,
    PlanStep,
    ReasoningDelta,
    RunEnd,
    RunStart,
    StreamEvent,
    TextDelta,
    Timing,
    ToolCall,
    ToolInputDelta,
    ToolResult,
    Usage,
)
from chatapp.wire.frames import Frame

START = RunStart("msg_1", "trace", "mock", "words", "disabled", 7.9)

WEB = CitedSource("src_1", "https://source.test/1", "One", "It is 1.", 0, 2)
DOCUMENT = CitedSource("src_2", "", "notes.pdf")
PICTURE = File("file_1", "image/png", bytes=b"PNG")
ELSEWHERE = File("file_2", "application/pdf", "notes.pdf", url="https://source.test/notes.pdf")
LEFT_OUT = File("file_3", "image/png", error="left out")

# Of an agent: two calls whose arguments come side by side, and their results.
STOP = RunEnd("stop", Usage(10, 5, 15, 2, 4), Timing(1, 2, 3))
FAILED = RunEnd("error", Usage(), Timing(), ErrorInfo("rate_limited", "too much", True, "t"))
CALL, OTHER = ToolCall("c1", "function", "add", {"a": 1}), ToolCall("c2", "mcp", "add", {"b": 2})
PIECES = [ToolInputDelta("c1", "add", '{"a"'), ToolInputDelta("c2", "add", '{"b"'), ToolInputDelta("c1", "add", ":1}")]
DONE = [ToolResult("c2", {"sum": 2}), ToolResult("c1", error="no")]


def agent_runs(*also_said: StreamEvent) -> st.SearchStrategy[list[StreamEvent]]:
    """Runs that say something, call, say something and end."""
    words = [TextDelta("x"), TextDelta("y\n"), ReasoningDelta("hm"), PlanStep(1, "look"), *also_said]
    said = st.lists(st.sampled_from(words), max_size=5)
    calls = st.sampled_from(
        [[], [CALL], [*PIECES, CALL, OTHER], [*PIECES, OTHER, CALL, *DONE], [CALL, ToolResult("c1", 1)]]
    )
    ends = st.sampled_from([STOP, FAILED, RunEnd("cancelled", Usage(), Timing())])
    return st.builds(lambda *parts: [START, *chain.from_iterable(parts[:3]), parts[3]], said, calls, said, ends)


def frames(dialect: Dialect, *events: StreamEvent) -> list[Frame]:
    return [frame for event in events for frame in dialect.encode(event)]


def unnamed(dialect: Dialect, *events: StreamEvent) -> list[Any]:
    """The data of frames that have nothing else; what is not JSON as it is."""
    found = frames(dialect, *events)
    assert all(frame.event is frame.id is frame.retry is None for frame in found)
    return [frame.data if frame.data == "[DONE]" else json.loads(frame.data) for frame in found]
