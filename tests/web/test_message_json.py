"""A message as clients see it."""

from drivers import an_answer
from flask.testing import FlaskClient

from chatapp.events import (
    CitedSource,
    Entry,
    File,
    PlanStep,
    ReasoningDelta,
    RunStart,
    StreamEvent,
    ToolApproval,
    ToolCall,
    ToolResult,
)
from chatapp.transcript import transcript_of
from chatapp.web.message_json import parts_json, steps_json, tools_json


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


def test_the_parts_of_an_answer_are_in_the_order_in_which_they_came() -> None:
    said = an_answer(
        ReasoningDelta("First "),
        ReasoningDelta("thought."),
        "I look it up.",
        ToolCall("c1", "function", "look", {"at": "x"}),
        ReasoningDelta("Second."),
        ToolResult("c1", 4),
        "The result",
        CitedSource("s1", "https://a", start=13, end=23),
        " is 4.",
        File("f1", "image/png", bytes=b"x"),
        "Done.",
    )
    parts = parts_json("msg_1", said)
    assert [(part["type"], part[str(part["type"])]) for part in parts if part["type"] in ("thought", "text")] == [
        ("thought", "First thought."),
        ("text", "I look it up."),
        ("thought", "Second."),
        ("text", "The result is 4."),
        ("text", "Done."),
    ]
    assert [part["type"] for part in parts] == [
        "thought",
        "text",
        "call",
        "thought",
        "text",
        "source",
        "file",
        "text",
    ]
    [call] = tools_json(said)
    assert parts[2] == {"type": "call", "call": call} and call["result"] == 4
    for part in parts:
        if part["type"] == "text":
            start, text = part["start"], str(part["text"])
            assert isinstance(start, int) and said.content[start:].startswith(text)
    assert "".join(str(part["text"]) for part in parts if part["type"] == "text") == said.content


def test_a_step_that_is_begun_is_marked_in_its_plan_and_begins_a_text() -> None:
    steps = [PlanStep(1, "Look"), PlanStep(2, "Tell")]
    said = an_answer(*steps, PlanStep(1, "Look", begun=True), "Looked.", PlanStep(2, "Tell", begun=True), "Told.")
    plan, *texts = parts_json("msg_1", said)
    assert plan["plan"] == [
        {"index": 1, "text": "Look", "begun": True},
        {"index": 2, "text": "Tell", "begun": True},
    ]
    assert [part["text"] for part in texts] == ["Looked.", "Told."]


def test_an_id_that_a_later_round_uses_again_is_another_call() -> None:
    call = ToolCall("c1", "function", "add", {})
    said = an_answer(call, ToolResult("c1", 1), call, ToolResult("c1", error="no"))
    assert [(tool["result"], tool["error"]) for tool in tools_json(said)] == [(1, None), (None, "no")]


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
