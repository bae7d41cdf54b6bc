"""The clients that people have, unchanged: OpenAI's SDK, LangChain, the `llm` command."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from waiting import soon

pytestmark = pytest.mark.slow

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL: Any = {"type": "function", "function": {"name": "weather", "description": "of a city", "parameters": SCHEMA}}
RESPONSE_TOOL: Any = {"type": "function", "name": "weather", "parameters": SCHEMA, "strict": False}
THOUGHT = 45  # words of the mock: its thinking, and some of its answer
HI: Any = [{"role": "user", "content": "hi"}]
PARIS: Any = [{"role": "user", "content": "Paris"}]
ANSWERED: Any = [
    *PARIS,
    {
        "role": "assistant",
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    },
    {"role": "tool", "tool_call_id": "c", "content": "seven degrees"},
]
RESPONSE_RESULT: Any = [
    {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "c", "output": "seven degrees"},
]


@pytest.fixture
def sdk(server: Any) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="anything", max_retries=0) as client:
        yield client


def test_the_models_of_all_providers_are_listed(sdk: openai.OpenAI) -> None:
    ids = [model.id for model in sdk.models.list()]
    assert "mock/words" in ids
    assert sdk.models.retrieve("mock/words").owned_by == "mock"
    with pytest.raises(openai.NotFoundError):
        sdk.models.retrieve("mock/nothing")


def test_a_completion_streams_with_thinking_and_usage(sdk: openai.OpenAI) -> None:
    stream = sdk.chat.completions.create(
        model="mock/think", messages=HI, stream=True, stream_options={"include_usage": True}, max_tokens=THOUGHT
    )
    chunks = list(stream)
    assert len({(chunk.id, chunk.created) for chunk in chunks}) == 1
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert deltas[0].role == "assistant"
    assert "".join(delta.content or "" for delta in deltas).startswith("You asked:")
    assert "".join(getattr(delta, "reasoning_content", "") for delta in deltas).startswith("The user asks")
    usage = chunks[-1].usage
    assert not chunks[-1].choices and usage and usage.completion_tokens == len(deltas) - 2


def test_pictures_and_sources_come_through_the_stream_helper_and_whole(sdk: openai.OpenAI) -> None:
    asked: Any = {"model": "mock/media", "messages": HI}
    with sdk.chat.completions.stream(**asked) as stream:
        streamed = stream.get_final_completion().choices[0].message
    whole = sdk.chat.completions.create(**asked).choices[0].message
    for message in (streamed, whole):
        assert [one.url_citation.title for one in message.annotations or ()] == ["The sky", "Grass"]
        images = (message.model_extra or {})["images"]
        assert images[0]["image_url"]["url"].startswith("data:image/png;base64,")
    sent_back: Any = [*HI, streamed.to_dict(), *HI]
    assert sdk.chat.completions.create(model="mock/words", messages=sent_back, max_tokens=2).choices
    with sdk.responses.stream(model="mock/media", input="hi") as events:
        types = [event.type for event in events]
        text, picture = events.get_final_response().output
    assert types.count("response.output_text.annotation.added") == 2
    assert text.type == "message" and text.content[0].type == "output_text"
    assert [one.type for one in text.content[0].annotations] == ["url_citation", "url_citation"]
    assert picture.type == "image_generation_call" and (picture.result or "").startswith("iVBOR")


def test_without_being_asked_no_usage_comes(sdk: openai.OpenAI) -> None:
    stream = sdk.chat.completions.create(model="mock/words", messages=HI, stream=True, max_tokens=3)
    assert all(chunk.choices and chunk.usage is None for chunk in stream)


def test_the_stream_helper_and_the_whole_answer_agree(sdk: openai.OpenAI) -> None:
    asked: Any = {"model": "mock/client-tool", "messages": ANSWERED}
    with sdk.chat.completions.stream(**asked) as stream:
        assert {event.type for event in stream} == {"chunk", "content.delta", "content.done"}
        streamed = stream.get_final_completion().choices[0]
    whole = sdk.chat.completions.create(**asked)
    assert (streamed.message.content, streamed.finish_reason) == (whole.choices[0].message.content, "stop")
    thought = sdk.chat.completions.create(model="mock/think", messages=HI, max_tokens=3)
    assert thought.choices[0].finish_reason == "length"
    assert thought.usage and thought.usage.completion_tokens_details
    assert thought.usage.completion_tokens_details.reasoning_tokens == 3


@pytest.mark.parametrize(("model", "count"), [("client-tool", 1), ("parallel-tools", 2)])
def test_the_client_runs_its_tools(sdk: openai.OpenAI, model: str, count: int) -> None:
    asked: Any = {"model": f"mock/{model}", "tools": [TOOL]}
    with sdk.chat.completions.stream(messages=PARIS, **asked) as stream:
        for _ in stream:
            pass
        choice = stream.get_final_completion().choices[0]
    whole = sdk.chat.completions.create(messages=PARIS, **asked).choices[0]
    assert choice.finish_reason == whole.finish_reason == "tool_calls"
    calls = whole.message.tool_calls or []
    streamed = choice.message.tool_calls or []
    assert [(call.id, call.function.arguments) for call in calls] == [
        (call.id, call.function.arguments) for call in streamed
    ]
    assert len(calls) == count and all(json.loads(call.function.arguments) == {"city": "Paris"} for call in calls)
    results = [{"role": "tool", "tool_call_id": call.id, "content": f"{n} degrees"} for n, call in enumerate(calls)]
    answer = sdk.chat.completions.create(messages=[*PARIS, whole.message, *results], **asked).choices[0]
    assert answer.message.content == "\n".join(f"The tool said: {n} degrees" for n in range(count))


@pytest.mark.parametrize(
    ("asked", "error", "param"),
    [
        ({"temperature": 9}, openai.BadRequestError, "temperature"),
        ({"n": 2}, openai.BadRequestError, "n"),
        ({"messages": []}, openai.BadRequestError, "messages"),
        ({"model": "mock/nothing"}, openai.NotFoundError, "model"),
        ({"model": "mock/fail-first"}, openai.InternalServerError, None),
        ({"model": "mock/fail-late"}, openai.InternalServerError, None),
    ],
)
def test_failures_are_the_sdk_s_own_errors(sdk: openai.OpenAI, asked: Any, error: Any, param: str | None) -> None:
    with pytest.raises(error) as raised:
        sdk.chat.completions.create(**{"model": "mock/words", "messages": HI, **asked})
    assert raised.value.response.headers.get("x-should-retry") == (
        "true" if error is openai.InternalServerError else None
    )
    assert raised.value.param == param and raised.value.message


@pytest.mark.parametrize("model", ["fail-first", "fail-late", "truncated"])
def test_failures_in_a_stream_are_raised_by_it(sdk: openai.OpenAI, model: str) -> None:
    with pytest.raises(openai.APIError, match="as this model always does"):
        list(sdk.chat.completions.create(model=f"mock/{model}", messages=HI, stream=True))


def test_leaving_a_completion_stops_its_run(sdk: openai.OpenAI, server: Any) -> None:
    stream = sdk.chat.completions.create(model="mock/slow", messages=HI, stream=True)
    run_id = next(iter(stream)).id
    stream.close()
    client = server.client()
    soon(lambda: client.json(f"/api/v1/messages/{run_id}")["finish_reason"] == "cancelled")


def test_a_completion_can_be_read_in_any_other_dialect(sdk: openai.OpenAI, server: Any) -> None:
    whole = sdk.chat.completions.create(model="mock/words", messages=HI, max_tokens=5)
    client = server.client()
    assert client.follow(whole.id).to_end()[-1].type == "completed"
    events = client.follow(whole.id, dialect="openai").to_end()
    assert events[-1].data == "[DONE]" and not any(event.last_event_id for event in events)
    assert client.follow(whole.id, dialect="responses").to_end()[-2].type == "response.incomplete"


def test_the_same_key_twice_starts_one_run(server: Any) -> None:
    client, headers = server.client(), {"Idempotency-Key": "openai"}
    body: Any = {"model": "mock/words", "messages": HI, "max_tokens": 3}
    first, second = (client.post("/v1/chat/completions", body, headers=headers).json() for _ in range(2))
    assert first == second
    events = client.stream("POST", "/v1/chat/completions", json={**body, "stream": True}, headers=headers).to_end()
    assert json.loads(events[0].data)["id"] == first["id"] and events[-1].data == "[DONE]"


def test_the_server_s_own_tools_run_unseen(sdk: openai.OpenAI) -> None:
    with sdk.chat.completions.stream(model="mock/tool", messages=HI, max_tokens=3) as stream:
        events = list(stream)
    assert not any("tool" in event.type for event in events)
    assert not sdk.chat.completions.create(model="mock/tool", messages=HI, max_tokens=3).choices[0].message.tool_calls
    whole = sdk.responses.create(model="mock/tool", input="hi", max_output_tokens=3)
    assert [item.type for item in whole.output] == ["message"] and sdk.responses.retrieve(whole.id) == whole


def test_a_response_streams_and_is_found_again(sdk: openai.OpenAI) -> None:
    asked: Any = {"model": "mock/think", "input": "hi", "max_output_tokens": THOUGHT}
    events: Any = list(sdk.responses.create(stream=True, metadata={"a": "b"}, **asked))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[0].type == "response.created" and events[-1].type == "response.incomplete"
    response = events[-1].response
    assert [item.type for item in response.output] == ["reasoning", "message"] and response.metadata == {"a": "b"}
    assert sdk.responses.retrieve(response.id) == response
    whole = sdk.responses.create(**asked)
    assert whole.output_text == response.output_text and whole.usage == response.usage


def test_the_response_stream_helper_gives_the_whole(sdk: openai.OpenAI) -> None:
    asked: Any = {"model": "mock/client-tool", "input": [PARIS[0], *RESPONSE_RESULT]}
    with sdk.responses.stream(**asked) as stream:
        assert "response.output_text.delta" in {event.type for event in stream}
        assert stream.get_final_response().output_text == "The tool said: seven degrees"
    assert sdk.responses.create(**asked).output_text == "The tool said: seven degrees"


def test_a_response_goes_on_after_any_number(sdk: openai.OpenAI) -> None:
    events: Any = list(sdk.responses.create(model="mock/think", input="hi", max_output_tokens=30, stream=True))
    for after in range(len(events)):
        more = list(sdk.responses.retrieve(events[0].response.id, stream=True, starting_after=after))
        assert more == events[after + 1 :]


def test_the_bytes_after_a_number_are_the_suffix(server: Any) -> None:
    client = server.client()
    body = {"model": "mock/words", "input": "hi", "max_output_tokens": 5, "stream": True, "instructions": "be brief"}
    first = client.stream("POST", "/v1/responses", json=body)
    created = json.loads(first.to_end()[0].data)
    frames = [frame + b"\n\n" for frame in first.data.replace(b":\n", b"").split(b"\n\n")[:-1]]
    for after in range(-1, len(frames) - 2):  # the last frame, [DONE], has no number
        path = f"/v1/responses/{created['response']['id']}?stream=true&starting_after={after}"
        again = client.stream("GET", path)
        again.to_end()
        assert again.data.replace(b":\n", b"") == b"".join(frames[after + 1 :])
    assert client.get(f"{path[: path.rindex('=')]}={len(frames) - 2}").status_code == 204
    assert client.get(f"{path[: path.rindex('=')]}=x").status_code == 400


def test_a_background_response_is_left_found_again_and_cancelled(sdk: openai.OpenAI) -> None:
    stream = sdk.responses.create(model="mock/slow", input="hi", background=True, stream=True)
    seen: list[Any] = []
    for event in stream:
        seen.append(event)
        if event.type == "response.output_text.delta":
            break
    stream.close()
    response_id = seen[0].response.id
    for event in sdk.responses.retrieve(response_id, stream=True, starting_after=seen[-1].sequence_number):
        seen.append(event)
        if len([one for one in seen if one.type == "response.output_text.delta"]) == 3:
            assert sdk.responses.cancel(response_id).status == "cancelled"
    assert [event.sequence_number for event in seen] == list(range(len(seen)))
    assert seen[-1].type == "response.completed" and seen[-1].response.status == "cancelled"
    assert sdk.responses.retrieve(response_id).output_text == seen[-1].response.output_text
    assert sdk.responses.cancel(response_id).status == "cancelled"


def test_a_background_response_that_is_not_streamed_answers_at_once(sdk: openai.OpenAI) -> None:
    begun = sdk.responses.create(model="mock/silent", input="hi", background=True)
    assert begun.status == "in_progress" and sdk.responses.retrieve(begun.id).status == "in_progress"
    assert sdk.responses.cancel(begun.id).status == "cancelled"


def test_a_response_goes_on_from_another_with_the_results_of_its_calls(sdk: openai.OpenAI) -> None:
    asked: Any = {"model": "mock/parallel-tools", "tools": [RESPONSE_TOOL]}
    with sdk.responses.stream(input="Paris", **asked) as stream:
        for _ in stream:
            pass
        first: Any = stream.get_final_response()
    assert [json.loads(item.arguments) for item in first.output] == [{"city": "Paris"}] * 2
    results: Any = [{"type": "function_call_output", "call_id": item.call_id, "output": "7"} for item in first.output]
    second = sdk.responses.create(previous_response_id=first.id, input=results, **asked)
    assert second.output_text == "The tool said: 7\nThe tool said: 7" and second.previous_response_id == first.id
    with pytest.raises(openai.NotFoundError, match="previous_response_id"):
        sdk.responses.create(model="mock/words", input="hi", previous_response_id="resp_nothing")


def test_a_response_that_is_not_to_be_stored_cannot_be_gone_on_from(sdk: openai.OpenAI) -> None:
    unstored = sdk.responses.create(model="mock/words", input="hi", max_output_tokens=3, store=False)
    with pytest.raises(openai.NotFoundError, match="previous_response_id"):
        sdk.responses.create(model="mock/words", input="hi", previous_response_id=unstored.id)


def test_a_response_that_fails_says_so(sdk: openai.OpenAI) -> None:
    events: Any = list(sdk.responses.create(model="mock/fail-late", input="hi", stream=True))
    assert events[-1].type == "response.failed" and "always" in events[-1].response.error.message
    assert sdk.responses.retrieve(events[-1].response.id).status == "failed"
    with pytest.raises(openai.InternalServerError):
        sdk.responses.create(model="mock/fail-first", input="hi")
    with pytest.raises(openai.NotFoundError, match="conversation"):
        sdk.responses.create(model="mock/words", input="hi", conversation="conv_1")
    incomplete = sdk.responses.create(model="mock/words", input="hi", max_output_tokens=3)
    assert incomplete.incomplete_details and incomplete.incomplete_details.reason == "max_output_tokens"


def test_a_response_survives_its_server(own_server: Any) -> None:
    server = own_server()
    body = {"model": "mock/slow", "input": "hi", "stream": True, "background": True}
    seen: list[dict[str, Any]] = []
    for event in server.client().stream("POST", "/v1/responses", json=body):
        seen.append(json.loads(event.data))
        if seen[-1]["sequence_number"] == 6:
            break
    server.kill()
    client = server.start().client()
    path = f"/v1/responses/{seen[0]['response']['id']}"
    soon(lambda: client.json(path)["status"] == "failed")
    again = client.stream("GET", f"{path}?stream=true&starting_after={seen[-1]['sequence_number']}").to_end()
    assert again.pop().data == "[DONE]"
    seen += [json.loads(event.data) for event in again]
    assert [event["sequence_number"] for event in seen] == list(range(len(seen)))
    assert seen[-1]["type"] == "response.failed" and "stopped" in seen[-1]["response"]["error"]["message"]
    said = "".join(event["delta"] for event in seen if event["type"] == "response.output_text.delta")
    assert said == seen[-1]["response"]["output"][0]["content"][0]["text"]


def test_a_response_whose_log_is_gone_is_still_told(own_server: Any) -> None:
    server = own_server(CHATAPP_LOG_RETENTION_S="0.5", CHATAPP_LOG_URL="memory:")
    client = server.client()
    body = {"model": "mock/think", "input": "hi", "max_output_tokens": 45}
    whole = client.post("/v1/responses", body).json()
    path = f"/v1/responses/{whole['id']}"
    run_id = whole["id"].replace("resp_", "msg_")
    soon(lambda: len(client.stream("GET", f"{path}?stream=true").to_end()) < 20)
    assert client.json(path) == whole
    last, _done = client.stream("GET", f"{path}?stream=true&starting_after=9").to_end()
    assert json.loads(last.data)["response"] == whole
    chunks = client.follow(run_id, dialect="openai").to_end()
    said = "".join(json.loads(chunk.data)["choices"][0]["delta"].get("content", "") for chunk in chunks[:-1])
    assert said == whole["output"][1]["content"][0]["text"] and chunks[-1].data == "[DONE]"


def test_responses_belong_to_their_owner(server: Any) -> None:
    ann, bob = server.client(browser=True), server.client(browser=True)
    mine = ann.post("/v1/responses", {"model": "mock/words", "input": "hi", "max_output_tokens": 3}).json()["id"]
    assert ann.get(f"/v1/responses/{mine}").ok
    for method, path in (("GET", ""), ("GET", "?stream=true"), ("POST", "/cancel")):
        refused = bob.request(method, f"/v1/responses/{mine}{path}")
        assert refused.status_code == 404 and set(refused.json()["error"]) == {"message", "type", "param", "code"}
    body = {"model": "mock/words", "input": "hi", "previous_response_id": mine}
    assert bob.post("/v1/responses", body).status_code == 404


def test_everything_below_v1_fails_in_openai_s_shape(server: Any) -> None:
    client = server.client()
    for response, status in (
        (client.get("/v1/nothing"), 404),
        (client.get("/v1/chat/completions"), 405),
        (client.request("POST", "/v1/chat/completions", data="{", headers={"Content-Type": "application/json"}), 400),
        (client.request("POST", "/v1/responses", data="x"), 415),
    ):
        assert response.status_code == status
        assert set(response.json()["error"]) == {"message", "type", "param", "code"}


def run(server: Any, home: Path, *command: str, stdin: str = "") -> str:
    """A program of its own, with nothing of this machine's in its environment, and no way to the world."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "OPENAI_API_KEY": "anything",
        "OPENAI_BASE_URL": f"{server.url}/v1",
        "LLM_USER_PATH": str(home),
        "LLM_LOAD_PLUGINS": "",
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    done = subprocess.run(
        command, env=env, cwd=home, input=stdin, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


GUIDE = (Path(__file__).parents[2] / "docs/guides/openai-clients.md").read_text("utf-8")


def test_the_examples_of_the_guide_run(own_server: Any, tmp_path: Path) -> None:
    (tmp_path / "chatapp.toml").write_text('[providers.mock]\ntype = "mock"\ninterval_s = 0.002\n')
    server = own_server(CHATAPP_CONFIG=str(tmp_path / "chatapp.toml"))
    examples = re.findall(r"(?m)^```python\n(.*?)^```$", GUIDE, re.DOTALL)
    script = "\n".join(examples).replace("http://127.0.0.1:8000", server.url)
    said = run(server, tmp_path, sys.executable, "-c", script)
    assert said.count("> Hello") == 2 and said.endswith("response.completed\n")


LANGCHAIN = """
import sys
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

@tool
def weather(city: str) -> str:
    "The weather of a city."
    return f"{city}: 7 degrees"

for more in ({}, {"use_responses_api": True}):
    chat = ChatOpenAI(model="mock/words", max_retries=0, max_tokens=25, **more)
    pieces = list(chat.stream("hi"))
    whole = chat.invoke("hi")
    assert len(pieces) > 20
    assert "".join(piece.text for piece in pieces) == whole.text and whole.usage_metadata["output_tokens"] == 25
    bound = ChatOpenAI(model="mock/parallel-tools", max_retries=0, **more).bind_tools([weather])
    asked = [HumanMessage("Paris")]
    calling = None
    for piece in bound.stream(asked):
        calling = piece if calling is None else calling + piece
    assert [call["args"] for call in calling.tool_calls] == [{"city": "Paris"}] * 2, calling
    results = [weather.invoke(call) for call in calling.tool_calls]
    assert all(isinstance(result, ToolMessage) for result in results)
    print(bound.invoke([*asked, calling, *results]).text)
"""


def test_langchain_streams_and_runs_its_tools_over_both_endpoints(server: Any, tmp_path: Path) -> None:
    said = run(server, tmp_path, sys.executable, "-c", LANGCHAIN)
    assert said.splitlines() == ["The tool said: Paris: 7 degrees"] * 4


LLM_MODELS = """
- model_id: words
  model_name: mock/words
  api_base: {url}/v1
- model_id: tools
  model_name: mock/client-tool
  api_base: {url}/v1
  supports_tools: true
- model_id: responses
  model_name: mock/words
  api_base: {url}/v1
  responses: true
"""

LLM_TOOL = """
def weather(city: str) -> str:
    "The weather of a city."
    return city + ": 7 degrees"
"""


def test_the_llm_command_asks_goes_on_and_runs_its_tools(server: Any, tmp_path: Path) -> None:
    (tmp_path / "extra-openai-models.yaml").write_text(LLM_MODELS.format(url=server.url))
    llm = str(Path(sys.executable).parent / "llm")
    few = ("-o", "max_tokens", "9")
    assert "> hello there" in run(server, tmp_path, llm, "-m", "words", "hello there", *few)
    assert "> and again" in run(server, tmp_path, llm, "-c", "--no-stream", "and again", *few)
    assert "> hello there" in run(server, tmp_path, llm, "-m", "responses", "hello there", *few)
    said = run(server, tmp_path, llm, "-m", "tools", "--functions", LLM_TOOL, "Paris")
    assert said.strip() == "The tool said: Paris: 7 degrees"
