"""A message as clients see it."""

from chatapp.events import Entry, PlanStep, RunStart, StreamEvent, ToolApproval, ToolCall, ToolResult
from chatapp.transcript import transcript_of
from chatapp.web.message_json import steps_json, tools_json


def test_a_message_tells_the_plan_and_how_each_call_stands() -> None:
    asked = ToolApproval("c1", "asked", 9.5)
    events: list[StreamEvent] = [
        RunStart("msg_1", "trace", "mock", "words", "disabled", 0.0),
        PlanStep(1, "Look"),
        PlanStep(1, "Look", begun=True),
        ToolCall("c1", "function", "add", {}),
        asked,
    ]
    said = transcript_of([Entry(seq, event) for seq, event in enumerate(events, 1)])
    assert steps_json(said) == [{"index": 1, "text": "Look"}]
    [tool] = tools_json(said)
    assert (tool["approval"], tool["expires"], tool["done"]) == ("asked", 9.5, False)
    said.add(Entry(6, ToolResult("c1", None)))
    [tool] = tools_json(said)
    assert (tool["done"], tool["result"], tool["error"]) == (True, None, None)
