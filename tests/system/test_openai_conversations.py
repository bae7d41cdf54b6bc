"""Responses and conversations that are stored: found again, listed, referred to and deleted, by OpenAI's SDK."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openresponses import check_item, check_response, check_stream, needs_specification
from waiting import soon

pytestmark = pytest.mark.slow

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL: Any = {"type": "function", "name": "weather", "parameters": SCHEMA, "strict": False}
WORDS: Any = {"model": "mock/words", "max_output_tokens": 4}


@pytest.fixture
def sdk(server: Any) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="anything", max_retries=0) as client:
        yield client


def texts(items: Any) -> list[str]:
    return [part.text for item in items for part in item.content]


def test_a_conversation_is_made_filled_and_asked_in(sdk: openai.OpenAI) -> None:
    made = sdk.conversations.create(items=[{"role": "user", "content": "my name is Ann"}], metadata={"a": "b"})
    assert made.object == "conversation" and made.metadata == {"a": "b"} and made.created_at > 0
    assert sdk.conversations.retrieve(made.id) == made
    assert sdk.conversations.update(made.id, metadata={"c": "d"}).metadata == {"c": "d"}
    added = sdk.conversations.items.create(
        made.id, items=[{"role": "assistant", "content": "hello"}, {"role": "user", "content": "and Bob"}]
    )
    assert [item.role for item in added.data] == ["assistant", "user"]  # type: ignore[union-attr]
    response: Any = sdk.responses.create(input="who?", conversation=made.id, **WORDS)
    assert response.conversation.id == made.id
    listed = list(sdk.conversations.items.list(made.id, order="asc", limit=2))  # which reads all pages
    assert texts(listed) == ["my name is Ann", "hello", "and Bob", "who?", response.output_text]
    assert [item.id for item in sdk.conversations.items.list(made.id)] == [item.id for item in listed[::-1]]
    assert sdk.conversations.items.retrieve(listed[1].id, conversation_id=made.id) == listed[1]
    assert texts(sdk.responses.input_items.list(response.id))[0] == "who?"


def test_an_item_is_deleted_with_its_turn(sdk: openai.OpenAI) -> None:
    made = sdk.conversations.create(items=[{"role": "user", "content": "a"}, {"role": "user", "content": "b"}])
    response: Any = sdk.responses.create(input="c", conversation=made.id, **WORDS)
    first, second, third, _ = sdk.conversations.items.list(made.id, order="asc")
    assert sdk.conversations.items.delete(str(second.id), conversation_id=made.id) == made
    assert sdk.conversations.items.delete(response.output[0].id, conversation_id=made.id) == made
    assert [item.id for item in sdk.conversations.items.list(made.id, order="asc")] == [first.id, third.id]
    other = sdk.conversations.create()
    for conversation, item in ((made.id, second.id), (other.id, first.id), (made.id, "msg_nothing_0")):
        with pytest.raises(openai.NotFoundError, match="no such item"):
            sdk.conversations.items.delete(str(item), conversation_id=conversation)
    with pytest.raises(openai.NotFoundError, match="no such response"):
        sdk.responses.retrieve(response.id)
    again: Any = sdk.responses.create(input="d", conversation=made.id, **WORDS)
    assert again.output_text


def test_what_is_said_in_a_conversation_is_known_in_it(sdk: openai.OpenAI) -> None:
    made = sdk.conversations.create()
    asked: Any = {"model": "mock/parallel-tools", "tools": [TOOL], "conversation": {"id": made.id}}
    calls = sdk.responses.create(input="Paris", **asked).output
    results: Any = [{"type": "function_call_output", "call_id": call.call_id, "output": "7"} for call in calls]  # type: ignore[union-attr]
    assert sdk.responses.create(input=results, **asked).output_text == "The tool said: 7\nThe tool said: 7"
    kinds = [item.type for item in sdk.conversations.items.list(made.id, order="asc")]
    assert kinds == ["message", *["function_call"] * 2, *["function_call_output"] * 2, "message"]


def test_a_conversation_is_deleted(sdk: openai.OpenAI) -> None:
    made = sdk.conversations.create()
    deleted = sdk.conversations.delete(made.id)
    assert (deleted.id, deleted.deleted, deleted.object) == (made.id, True, "conversation.deleted")
    for call in (sdk.conversations.retrieve, sdk.conversations.items.list):
        with pytest.raises(openai.NotFoundError):
            call(made.id)
    with pytest.raises(openai.NotFoundError):
        sdk.responses.create(input="hi", conversation=made.id, **WORDS)


def test_the_input_of_a_response_is_listed(sdk: openai.OpenAI) -> None:
    first = sdk.responses.create(input=[{"role": "developer", "content": "be brief"}, {"role": "user", "content": "a"}], **WORDS)  # fmt: skip
    second = sdk.responses.create(input="b", previous_response_id=first.id, **WORDS)
    assert texts(sdk.responses.input_items.list(first.id, order="asc")) == ["be brief", "a"]
    assert texts(sdk.responses.input_items.list(second.id)) == ["b"]
    (newest,) = sdk.responses.input_items.list(first.id, limit=1).data
    assert texts(sdk.responses.input_items.list(first.id, after=str(newest.id))) == ["be brief"]
    unstored = sdk.responses.create(input="a", store=False, **WORDS)
    with pytest.raises(openai.NotFoundError, match="not stored"):
        sdk.responses.input_items.list(unstored.id)


def test_a_response_is_deleted_with_its_input(sdk: openai.OpenAI, server: Any) -> None:
    first = sdk.responses.create(input="a", **WORDS)
    second = sdk.responses.create(input="b", previous_response_id=first.id, **WORDS)
    path = f"/api/v1/messages/{first.id.replace('resp_', 'msg_')}"
    conversation = f"/api/v1/conversations/{server.client().json(path)['conversation_id']}"
    sdk.responses.delete(second.id)
    left = server.client().json(conversation)["messages"]
    assert [message["role"] for message in left] == ["user", "assistant"] and left[0]["content"] == "a"
    sdk.responses.delete(first.id)
    assert server.client().get(conversation).status_code == 404
    for response in (first, second):
        for call in (sdk.responses.retrieve, sdk.responses.delete, sdk.responses.input_items.list):
            with pytest.raises(openai.NotFoundError):
                call(response.id)
        with pytest.raises(openai.NotFoundError):
            sdk.responses.create(input="c", previous_response_id=response.id, **WORDS)


def test_of_a_response_in_a_conversation_only_the_answer_is_deleted(sdk: openai.OpenAI) -> None:
    made = sdk.conversations.create()
    response = sdk.responses.create(input="a", conversation=made.id, **WORDS)
    sdk.responses.delete(response.id)
    assert texts(sdk.conversations.items.list(made.id)) == ["a"]


def test_a_running_response_that_is_deleted_is_stopped(sdk: openai.OpenAI, server: Any) -> None:
    response = sdk.responses.create(model="mock/silent", input="hi", background=True)
    sdk.responses.delete(response.id)
    run_id = response.id.replace("resp_", "msg_")
    ended = soon(lambda: [line for line in server.log().splitlines() if run_id in line and "finish" in line])
    assert json.loads(ended[0])["finish"] == "cancelled"


def test_tokens_are_counted_with_all_that_comes_before(sdk: openai.OpenAI) -> None:
    first = sdk.responses.create(input="one two three four five six", **WORDS)
    alone = sdk.responses.input_tokens.count(model="mock/words", input="hi")
    after = sdk.responses.input_tokens.count(model="mock/words", input="hi", previous_response_id=first.id)
    tools = sdk.responses.input_tokens.count(model="mock/words", input="hi", tools=[TOOL])
    assert alone.object == "response.input_tokens" and 0 < alone.input_tokens < after.input_tokens
    assert alone.input_tokens < tools.input_tokens
    with pytest.raises(openai.NotFoundError):
        sdk.responses.input_tokens.count(model="mock/words", input="hi", previous_response_id="resp_nothing")


@pytest.mark.parametrize("store", [True, False])
def test_an_item_that_was_shown_can_be_referred_to(sdk: openai.OpenAI, store: bool) -> None:
    asked: Any = {"model": "mock/parallel-tools", "tools": [TOOL], "store": store}
    first: Any = sdk.responses.create(input="Paris", **asked)
    references = [{"type": "item_reference", "id": item.id} for item in first.output]
    results: Any = [{"type": "function_call_output", "call_id": call.call_id, "output": "7"} for call in first.output]
    second = sdk.responses.create(input=[{"role": "user", "content": "Paris"}, *references, *results], **asked)
    assert second.output_text == "The tool said: 7\nThe tool said: 7"
    with pytest.raises(openai.NotFoundError, match=r"input\[0\].id"):
        sdk.responses.create(model="mock/words", input=[{"type": "item_reference", "id": "msg_67ccd2bed1ec8190b14f"}])


def test_what_is_stored_belongs_to_its_owner(server: Any) -> None:
    ann, bob = server.client(browser=True), server.client(browser=True)
    made = ann.post("/v1/conversations", {"items": [{"role": "user", "content": "secret"}]}).json()["id"]
    response = ann.post("/v1/responses", {**WORDS, "input": "hi", "conversation": made}).json()
    item = ann.json(f"/v1/conversations/{made}/items")["data"][0]["id"]
    new = {"items": [{"role": "user", "content": "x"}]}
    for method, path, body in (
        ("GET", f"/v1/conversations/{made}", None),
        ("POST", f"/v1/conversations/{made}", {"metadata": {}}),
        ("DELETE", f"/v1/conversations/{made}", None),
        ("GET", f"/v1/conversations/{made}/items", None),
        ("POST", f"/v1/conversations/{made}/items", new),
        ("GET", f"/v1/conversations/{made}/items/{item}", None),
        ("DELETE", f"/v1/responses/{response['id']}", None),
        ("GET", f"/v1/responses/{response['id']}/input_items", None),
        ("POST", "/v1/responses", {**WORDS, "input": "hi", "conversation": made}),
        ("POST", "/v1/responses", {**WORDS, "input": [{"type": "item_reference", "id": item}]}),
        ("POST", "/v1/responses/input_tokens", {"input": "hi", "model": "mock/words", "conversation": made}),
        ("POST", "/v1/conversations", {"items": [{"type": "item_reference", "id": item}]}),
    ):
        refused = bob.request(method, path, **({} if body is None else {"json": body}))
        assert refused.status_code == 404, (method, path, refused.text)
        assert set(refused.json()["error"]) == {"message", "type", "param", "code"}
    assert ann.get(f"/v1/conversations/{made}").ok and ann.get(f"/v1/responses/{response['id']}").ok


@needs_specification
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"model": "mock/think"},
        {"model": "mock/parallel-tools", "tools": [TOOL], "tool_choice": "required"},
        {"model": "mock/client-tool", "tools": [TOOL], "tool_choice": {"type": "function", "name": "weather"}},
        {"model": "mock/fail-late"},
        {"max_output_tokens": 1},
        {"text": {"format": {"type": "json_schema", "name": "x", "schema": SCHEMA, "strict": True}, "verbosity": "low"}},
        {"reasoning": {"effort": "minimal", "summary": "auto"}, "store": False, "temperature": 0.5, "top_p": 0.5},
        {"instructions": "be brief", "metadata": {"a": "b"}, "truncation": "auto", "prompt_cache_key": "k", "user": "u"},
        {"tools": [{"type": "web_search"}, {"type": "namespace", "name": "n", "tools": [TOOL]}], "background": True},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_sent_follows_the_specification(server: Any, more: dict[str, Any]) -> None:
    client = server.client()
    body = {"model": "mock/words", "input": "Paris", "max_output_tokens": 60, **more}
    stream = client.stream("POST", "/v1/responses", json={**body, "stream": True})
    events = check_stream([event.data for event in stream.to_end()])
    check_response(client.json(f"/v1/responses/{events[-1]['response']['id']}"))
    if "fail" not in body["model"]:
        check_response(client.post("/v1/responses", body).json())


@needs_specification
def test_listed_items_follow_the_specification(server: Any) -> None:
    client = server.client()
    asked = {"model": "mock/parallel-tools", "tools": [TOOL], "input": "Paris"}
    made = client.post("/v1/conversations", {"items": [{"role": "developer", "content": "x"}]}).json()["id"]
    calls = client.post("/v1/responses", {**asked, "conversation": made}).json()["output"]
    results = [{"type": "function_call_output", "call_id": call["call_id"], "output": "7"} for call in calls]
    assert client.post("/v1/responses", {**asked, "input": results, "conversation": made}).ok
    items = client.json(f"/v1/conversations/{made}/items?limit=100")["data"]
    assert len(items) == 7
    for item in items:
        check_item(item)
