"""Anthropic's own SDK, unchanged."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest
from waiting import soon

pytestmark = pytest.mark.slow

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL: Any = {"name": "weather", "description": "of a city", "input_schema": SCHEMA}
HI: Any = [{"role": "user", "content": "hi"}]
GUIDE = (Path(__file__).parents[2] / "docs/guides/anthropic-clients.md").read_text("utf-8")
PARIS: Any = [{"role": "user", "content": "Paris"}]


@pytest.fixture(params=[{"api_key": "anything"}, {"auth_token": "anything"}], ids=["x-api-key", "bearer"])
def sdk(server: Any, request: Any) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=server.url, max_retries=0, **request.param) as client:
        yield client


@pytest.fixture
def client(server: Any) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=server.url, api_key="anything", max_retries=0) as client:
        yield client


def ask(model: str, messages: Any = HI, **more: Any) -> Any:
    return {"model": f"mock/{model}", "messages": messages, "max_tokens": 500, **more}


def test_citations_come_with_the_text_and_a_picture_as_a_link(client: anthropic.Anthropic) -> None:
    with client.messages.stream(**ask("media")) as stream:
        streamed = stream.get_final_message()
    for message in (streamed, client.messages.create(**ask("media"))):
        (block,) = message.content
        assert block.type == "text" and block.text.endswith("/files/file_1)")
        assert [one.type for one in block.citations or ()] == ["web_search_result_location"] * 2
    sent_back: Any = [*HI, streamed.to_param(), *HI]
    assert client.messages.create(**ask("words", sent_back, max_tokens=2)).content


def test_a_message_streams_with_thinking_and_usage(client: anthropic.Anthropic) -> None:
    thinking: Any = {"type": "enabled", "budget_tokens": 2000}
    asked = ask("words", thinking=thinking, max_tokens=60)
    events = list(client.messages.create(**asked, stream=True))
    assert [events[0].type, events[-2].type, events[-1].type] == ["message_start", "message_delta", "message_stop"]
    with client.messages.stream(**asked) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    whole = client.messages.create(**asked)
    assert [block.type for block in final.content] == ["thinking", "text"]
    assert text.startswith("You asked:") and final.usage == whole.usage
    assert [block.to_dict(exclude_unset=True) for block in whole.content] == [
        {name: value for name, value in block.to_dict().items() if value is not None} for block in final.content
    ]
    assert final.stop_reason == "max_tokens" and final.usage.output_tokens_details
    assert 0 < final.usage.output_tokens_details.thinking_tokens < final.usage.output_tokens
    again = client.messages.create(
        **ask("words", [*HI, whole.to_param(), *HI], max_tokens=3)
    )  # its thinking comes back and is taken
    assert again.usage.input_tokens > whole.usage.input_tokens


def test_a_key_may_come_in_either_header(sdk: anthropic.Anthropic) -> None:
    assert sdk.messages.create(**ask("words", max_tokens=2)).content


def test_a_limit_is_kept_and_named(client: anthropic.Anthropic) -> None:
    assert client.messages.create(**ask("words", max_tokens=3)).stop_reason == "max_tokens"


@pytest.mark.parametrize(("model", "count"), [("client-tool", 1), ("parallel-tools", 2)])
def test_the_client_runs_its_tools(client: anthropic.Anthropic, model: str, count: int) -> None:
    with client.messages.stream(**ask(model, PARIS, tools=[TOOL])) as stream:
        streamed = stream.get_final_message()
    whole = client.messages.create(**ask(model, PARIS, tools=[TOOL]))
    assert streamed.stop_reason == whole.stop_reason == "tool_use" and streamed.content == whole.content
    calls = [block for block in whole.content if block.type == "tool_use"]
    assert len(calls) == count and all(call.input == {"city": "Paris"} for call in calls)
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": f"{n}°"} for n, call in enumerate(calls)]
    turns = [*PARIS, whole.to_param(), {"role": "user", "content": results}]
    answer = client.messages.create(**ask(model, turns, tools=[TOOL]))
    assert answer.content[0].to_dict()["text"] == "\n".join(f"The tool said: {n}°" for n in range(count))


def test_the_sdk_s_own_loop_of_tools_goes_round(client: anthropic.Anthropic) -> None:
    @anthropic.beta_tool
    def weather(city: str) -> str:
        """Of a city."""
        return f"7 degrees in {city}"

    last = client.beta.messages.tool_runner(**ask("client-tool", PARIS, tools=[weather])).until_done()
    assert last.content[0].to_dict()["text"] == "The tool said: 7 degrees in Paris"


def test_a_thread_goes_on_with_what_is_new_alone(client: anthropic.Anthropic, server: Any) -> None:
    """As the SDK's own loop of tools does: the call that is answered stands in what the server kept."""
    asked = ask("client-tool", PARIS, tools=[TOOL], system="Be brief.")
    first = client.beta.messages.create(**asked, thread={"type": "create"})
    call = next(block for block in first.content if block.type == "tool_use")
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "7 degrees"}
    asked["messages"] = [{"role": "user", "content": [result]}]
    going_on = {"type": "continue", "previous_message_id": first.id}
    second = client.beta.messages.create(**asked, thread=going_on)
    assert second.content[0].to_dict()["text"] == "The tool said: 7 degrees"
    told = server.client().json(f"/api/v1/messages/{second.id}")["conversation_id"]
    roles = [m["role"] for m in server.client().json(f"/api/v1/conversations/{told}")["messages"]]
    assert roles.count("user") == 1 and roles.count("assistant") == 2 and "system" not in roles
    with pytest.raises(anthropic.BadRequestError, match="previous_message_id"):
        client.beta.messages.create(**asked, thread={"type": "continue"})
    with pytest.raises(anthropic.NotFoundError):
        client.beta.messages.create(**asked, thread={"type": "continue", "previous_message_id": "msg_nothere"})


def test_models_can_be_asked_for_by_this_sdk_too(client: anthropic.Anthropic) -> None:
    assert "mock/words" in [model.id for model in client.models.list()]
    assert client.models.retrieve("mock/words").id == "mock/words"


@pytest.mark.parametrize(
    ("more", "error", "named"),
    [
        ({"extra_body": {"top_k": 4}}, anthropic.BadRequestError, "top_k: "),
        ({"extra_body": {"temperature": 9}}, anthropic.BadRequestError, "temperature: "),
        ({"messages": []}, anthropic.BadRequestError, "messages: "),
        ({"model": "mock/nothing"}, anthropic.NotFoundError, "model: "),
        ({"model": "mock/fail-first"}, anthropic.InternalServerError, "mock failed"),
        ({"model": "mock/fail-late"}, anthropic.InternalServerError, "mock failed"),
    ],
)
def test_failures_are_the_sdk_s_own_errors(client: anthropic.Anthropic, more: Any, error: Any, named: str) -> None:
    with pytest.raises(error) as raised:
        client.messages.create(**{**ask("words"), **more})
    body = raised.value.body
    assert body["type"] == "error" and set(body["error"]) == {"type", "message"}
    assert raised.value.request_id == body["request_id"]
    assert body["error"]["message"].startswith(named)


@pytest.mark.parametrize("model", ["fail-first", "fail-late", "truncated"])
def test_failures_in_a_stream_are_raised_by_it(client: anthropic.Anthropic, model: str) -> None:
    with pytest.raises(anthropic.APIStatusError) as raised:
        list(client.messages.create(**ask(model), stream=True))
    body: Any = raised.value.body
    assert body["type"] == "error" and "as this model always does" in body["error"]["message"]


def test_tokens_are_counted_before_they_are_spent(client: anthropic.Anthropic) -> None:
    few = client.messages.count_tokens(model="mock/words", messages=HI).input_tokens
    more = client.messages.count_tokens(model="mock/words", messages=HI, system="Be brief.", tools=[TOOL]).input_tokens
    assert 0 < few < more
    with pytest.raises(anthropic.NotFoundError):
        client.messages.count_tokens(model="mock/nothing", messages=HI)


def test_the_example_of_the_guide_runs(own_server: Any, tmp_path: Path) -> None:
    (tmp_path / "chatapp.toml").write_text('[providers.mock]\ntype = "mock"\ninterval_s = 0.002\n')
    server = own_server(CHATAPP_CONFIG=str(tmp_path / "chatapp.toml"))
    (example,) = re.findall(r"(?m)^```python\n(.*?)^```$", GUIDE, re.DOTALL)
    command = [sys.executable, "-c", example.replace("http://127.0.0.1:8000", server.url)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "> Hello" in said


def test_silence_is_broken_by_pings(server: Any) -> None:
    stream = server.client().stream("POST", "/v1/messages", json={**ask("silent"), "stream": True})
    ping = stream.until(lambda event: event.type == "ping")
    assert json.loads(ping.data) == {"type": "ping"}
    stream.close()


def test_leaving_a_message_stops_its_run(client: anthropic.Anthropic, server: Any) -> None:
    stream = client.messages.create(**ask("slow"), stream=True)
    first: Any = next(iter(stream))
    stream.close()
    page = server.client()
    soon(lambda: page.json(f"/api/v1/messages/{first.message.id}")["finish_reason"] == "cancelled")
    assert page.follow(first.message.id, dialect="anthropic").to_end()[-1].type == "message_stop"
