"""Every protocol against aimock, an independent implementation of the providers' side: npm's @copilotkit/aimock."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import gevent
import pytest
import requests
from servers import free_port
from waiting import START_S, soon

from chatapp.cancel import CancelScope
from chatapp.chat import Chat, Message, Native, Pieces, ToolSpec
from chatapp.errors import Rejected, Truncated, UpstreamError
from chatapp.events import NativePiece, ReasoningDelta, TextDelta, ToolCall, ToolResult
from chatapp.generation.tool_loop import ToolLoop
from chatapp.providers import AttemptFailed, Finished, ReplyItem
from chatapp.providers.catalog import ProviderCatalog
from chatapp.settings import Settings
from chatapp.settings.tables import ProviderConfig
from chatapp.tools import Decision
from chatapp.tools.functions import tool
from chatapp.tools.toolbox import Limits, Toolbox

pytestmark = pytest.mark.slow

AIMOCK = Path(sys.prefix) / "npm/node_modules/@copilotkit/aimock/dist/cli.js"
BOUND = 10
SENTENCE = "A sentence that is long enough for several chunks, with ünïcödé and a family: 👩‍👧."
WEATHER = ToolSpec(
    "get_weather", "The weather at a place", {"type": "object", "properties": {"place": {"type": "string"}}}
)

# (type, path of the base URL, a model that reasons)
PROTOCOLS: dict[str, tuple[Any, str, str]] = {
    "openai": ("openai", "/v1", "o4-mini"),
    "responses": ("openai-responses", "/v1", "o4-mini"),
    "anthropic": ("anthropic", "", "claude-sonnet-4"),
    "gemini": ("gemini", "/v1beta", "gemini-2.5-flash"),
    "ollama": ("ollama", "", "deepseek-r1"),
}


def fixtures() -> list[dict[str, Any]]:
    broken = {"content": SENTENCE}
    return [
        *({"match": {"userMessage": f"busy {name}", "sequenceIndex": 0}, **error(429)} for name in PROTOCOLS),
        {"match": {"userMessage": "busy"}, "response": {"content": "Better now."}},
        {"match": {"userMessage": "refused"}, **error(401)},
        {"match": {"userMessage": "text"}, "response": {"content": SENTENCE}},
        {"match": {"userMessage": "think"}, "response": {"content": "42", "reasoning": "Six times seven, let me see."}},
        {"match": {"userMessage": "truncated"}, "response": broken, "truncateAfterChunks": 5, "latency": 10},
        {"match": {"userMessage": "cut"}, "response": broken, "disconnectAfterMs": 100, "latency": 10},
        {"match": {"userMessage": "slow"}, "response": broken, "streamingProfile": {"ttft": 300, "tps": 40}},
        {"match": {"hasToolResult": True}, "response": {"content": "It is sunny."}},
        {
            "match": {"userMessage": "weather"},
            "response": {"toolCalls": [{"name": "get_weather", "arguments": {"place": "Delft"}}]},
        },
    ]


def error(status: int) -> dict[str, Any]:
    return {"response": {"error": {"message": "no, sk-secret", "type": "an_error"}, "status": status}}


@pytest.fixture(scope="module")
def aimock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if not AIMOCK.exists():
        pytest.skip("aimock is not installed: make .venv/.npm")
    file = tmp_path_factory.mktemp("aimock") / "fixtures.json"
    file.write_text(json.dumps({"fixtures": fixtures()}))
    port = free_port()
    command = ["node", str(AIMOCK), "--port", str(port), "--fixtures", str(file), "--chunk-size", "8"]
    with subprocess.Popen([*command, "--log-level", "silent"]) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            soon(lambda: requests.get(f"{url}/health", timeout=5).status_code, requests.ConnectionError, within=START_S)
            yield url
        finally:
            process.terminate()


@pytest.fixture
def providers(aimock: str) -> Iterator[ProviderCatalog]:
    configs = {
        name: ProviderConfig(type=kind, base_url=aimock + path, api_key_env="KEY", models=(model,))
        for name, (kind, path, model) in PROTOCOLS.items()
    }
    providers = ProviderCatalog(Settings(providers=configs, upstream_retries=1), {"KEY": "sk-secret"})
    yield providers
    providers.close()


class Reply:
    """What a provider said, and when the first and the last text of it came, in seconds."""

    def __init__(self, providers: ProviderCatalog, name: str, *messages: Message, **fields: Any) -> None:
        self.items: list[ReplyItem] = []
        self.error: UpstreamError | None = None
        self.times: list[float] = []
        start = monotonic()
        chat = Chat(model=PROTOCOLS[name][2], messages=list(messages), **fields)
        try:
            for item in providers.by_name[name].stream(chat, CancelScope()):
                self.items.append(item)
                if isinstance(item, TextDelta):
                    self.times.append(monotonic() - start)
        except UpstreamError as error:
            self.error = error

    def joined(self, kind: type[TextDelta | ReasoningDelta] = TextDelta) -> str:
        return "".join(item.text for item in self.items if isinstance(item, kind))

    @property
    def finish(self) -> Finished:
        assert self.error is None and isinstance(self.items[-1], Finished)
        return self.items[-1]

    @property
    def native(self) -> Native | None:
        pieces = Pieces()
        for item in self.items:
            if isinstance(item, NativePiece):
                pieces.add(item)
        return pieces.native


def user(text: str) -> Message:
    return Message("user", text)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_text_arrives_in_pieces(providers: ProviderCatalog, name: str) -> None:
    reply = Reply(providers, name, Message("system", "Be brief."), user("text"), max_tokens=100)
    assert reply.joined() == SENTENCE and len(reply.times) > 5
    assert reply.finish.reason == "stop" and reply.finish.usage is not None


@pytest.mark.parametrize(
    "name", [name for name in PROTOCOLS if name != "ollama"]
)  # its thinking has another name there
def test_thinking_is_told_from_the_answer(providers: ProviderCatalog, name: str) -> None:
    reply = Reply(providers, name, user("think"), thinking=True)
    assert (reply.joined(ReasoningDelta), reply.joined()) == ("Six times seven, let me see.", "42")


@pytest.mark.parametrize("name", PROTOCOLS)
def test_tools_are_called_and_their_results_are_understood(providers: ProviderCatalog, name: str) -> None:
    asked = Reply(providers, name, user("weather"), tools=[WEATHER])
    (call,) = [item for item in asked.items if isinstance(item, ToolCall)]
    assert (call.name, call.arguments) == ("get_weather", {"place": "Delft"})
    turn = Message("assistant", "", tool_calls=[call], native=asked.native)
    result = Message("tool", '{"sky": "clear"}', tool_call_id=call.id)
    assert Reply(providers, name, user("weather"), turn, result, tools=[WEATHER]).joined() == "It is sunny."


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_tool_loop_runs_what_is_called_and_asks_on(providers: ProviderCatalog, name: str) -> None:
    @tool
    def get_weather(place: str) -> dict[str, str]:
        """The weather at a place."""
        return {"sky": f"clear over {place}"}

    limits = Limits(calls=8, seconds=5.0, result_bytes=1000, approval_s=1.0)
    toolbox = Toolbox("run", {"get_weather": get_weather}, limits, NoApprovals())
    chat = Chat(model=PROTOCOLS[name][2], messages=[user("weather")])
    items = list(ToolLoop(providers.by_name[name], toolbox).stream(chat, CancelScope()))
    (call,) = [item for item in items if isinstance(item, ToolCall)]
    assert ToolResult(call.id, {"sky": "clear over Delft"}) in items
    assert "".join(item.text for item in items if isinstance(item, TextDelta)) == "It is sunny."
    assert isinstance(items[-1], Finished) and items[-1].reason == "stop"


class NoApprovals:
    def decision(self, run_id: str, call_id: str) -> Decision | None:
        return None

    def decide(self, run_id: str, call_id: str, decision: Decision) -> Decision:
        return decision


def test_who_is_busy_is_asked_again_when_it_says(providers: ProviderCatalog) -> None:
    asked = {name: gevent.spawn(Reply, providers, name, user(f"busy {name}")) for name in PROTOCOLS}
    for name, asking in asked.items():
        reply = asking.get(timeout=BOUND)
        assert reply.items[0] == AttemptFailed(name, "rate_limited", again=True)
        assert reply.joined() == "Better now." and reply.times[0] >= 1


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_refusal_is_told_without_its_words(providers: ProviderCatalog, name: str) -> None:
    reply = Reply(providers, name, user("refused"))
    assert isinstance(reply.error, Rejected)
    assert name in reply.error.message and "sk-secret" not in reply.error.message


@pytest.mark.parametrize("how", ["truncated", "cut"])
@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_reply_that_breaks_off_is_no_reply(providers: ProviderCatalog, name: str, how: str) -> None:
    reply = Reply(providers, name, user(how))
    assert isinstance(reply.error, Truncated)
    assert SENTENCE.startswith(reply.joined()) and reply.joined() != SENTENCE


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_slow_reply_is_shown_as_it_comes(providers: ProviderCatalog, name: str) -> None:
    reply = Reply(providers, name, user("slow"))
    assert reply.joined() == SENTENCE
    assert reply.times[0] >= 0.2 and reply.times[-1] - reply.times[0] >= 0.1
