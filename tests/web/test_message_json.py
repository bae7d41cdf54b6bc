"""A message as clients see it."""

from flask.testing import FlaskClient

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


def test_the_page_of_a_conversation_lists_the_owner_s_others(client: FlaskClient) -> None:
    """The first visit gives the cookie; what is said with it is on the pages of both conversations."""
    client.get("/")
    asked = {"provider": "mock", "max_tokens": 2}
    first, second = (
        client.post("/api/v1/messages", json={**asked, "prompt": said}).get_json() for said in ("one", "two")
    )
    for posted in (first, second):
        page = client.get(f"/c/{posted['conversation_id']}")
        assert page.status_code == 200
        assert first["conversation_id"] in page.text and second["conversation_id"] in page.text
