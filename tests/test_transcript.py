"""A transcript: what a reader knows who has seen all events of a run."""

from chatapp.events import (
    Entry,
    PlanStep,
    RunStart,
    StreamEvent,
    ToolApproval,
    ToolCall,
    ToolResult,
)
from chatapp.transcript import transcript_of

CALL = ToolCall("c1", "mcp", "add", {"a": 1})
START = RunStart("run", "trace", "mock", "words", "disabled", 1.5)


def test_a_transcript_keeps_the_plan_and_how_each_call_stands() -> None:
    asked = ToolApproval("c1", "asked", 9.5)
    events: list[StreamEvent] = [START, PlanStep(1, "Look"), PlanStep(1, "Look", begun=True), CALL, asked]
    said = transcript_of([Entry(seq, event) for seq, event in enumerate(events, 1)])
    assert said.steps() == [{"index": 1, "text": "Look"}]
    [tool] = said.tools()
    assert (tool["approval"], tool["expires"], tool["done"]) == ("asked", 9.5, False)
    said.add(Entry(6, ToolResult("c1", None)))
    [tool] = said.tools()
    assert (tool["done"], tool["result"], tool["error"]) == (True, None, None)
