"""Runs of any shape, for properties of readers; and the body that a reader sends of one."""

from hypothesis import strategies as st

from chatapp.dialects import Dialect
from chatapp.dialects.registry import DIALECTS
from chatapp.events import (
    AttemptReset,
    Entry,
    ErrorInfo,
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
    ToolProgress,
    ToolQuestion,
    ToolResult,
    Usage,
)
from chatapp.reading.reader import open_reader
from chatapp.reading.sources import Source

START = RunStart("run", "trace", "mock", "words", "disabled", 0.0)
ERROR = ErrorInfo("upstream_truncated", "cut", True, "trace")

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["\r", "\n", "a\r", "\nb", "\r\n"]
)
pieces = st.one_of(
    st.builds(TextDelta, texts),
    st.builds(ReasoningDelta, texts),
    st.builds(ToolInputDelta, st.just("c1"), st.just("add"), texts),
    st.just(ToolCall("c1", "function", "add", {"a": 1})),
    st.just(ToolApproval("c1", "asked", 1.0)),
    st.just(ToolQuestion("c1", "q1", "asked", 1.0, "Which?")),
    st.just(ToolProgress("c1", 1.0, 3.0)),
    st.just(ToolResult("c1", result=[1, "x"])),
    st.just(ToolResult("c1", error="failed")),
    st.builds(PlanStep, st.integers(1, 3), texts),
    st.builds(Raw, st.binary(max_size=8)),
    st.builds(AttemptReset, texts),
)
ends = st.sampled_from(["stop", "length", "tool_limit", "cancelled", "interrupted", "error"]).map(
    lambda reason: RunEnd(
        reason, Usage(1, 2, 3), Timing(1, 2, 3), ERROR if reason in ("error", "interrupted") else None
    )
)
runs = st.builds(lambda middle, end: numbered([START, *middle, end]), st.lists(pieces, max_size=12), ends)
OWN = sorted(name for name, dialect in DIALECTS.items() if dialect.has_event_ids)
dialects = st.sampled_from(OWN).map(DIALECTS.__getitem__)


def numbered(events: list[StreamEvent]) -> list[Entry]:
    return [Entry(seq, event) for seq, event in enumerate(events, 1)]


def body(source: Source, dialect: Dialect, after: int = 0) -> bytes:
    return b"".join(open_reader(source, dialect, after).follow(heartbeat_s=0.01, trace_id="here"))
