"""The Python API in a process of its own: without a server, and without gevent's patches."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import click
import pytest
from click.testing import CliRunner
from drivers import ScriptedProvider

from chatapp.errors import RunFailed
from chatapp.events import (
    AttemptReset,
    ErrorInfo,
    ReasoningDelta,
    RunEnd,
    StreamEvent,
    TextDelta,
    Timing,
    ToolCall,
    ToolResult,
    Usage,
)
from chatapp.models import Model, mock
from chatapp.models.terminal import Screen, main, plain
from chatapp.providers import Finished
from chatapp.providers.local.server import LocalServer
from chatapp.wire.frames import SSEDecoder

PIECES = ("Hel", "lo", " wörld")


class Upstream(BaseHTTPRequestHandler):
    """Speaks OpenAI's chat completions. Each piece after the first is sent when `GET /next` was asked for it,
    which says 200 once a client has closed its connection too early."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar[list[dict[str, Any]]]
    tickets: ClassVar[threading.Semaphore]
    closed: ClassVar[threading.Event]

    def do_GET(self) -> None:
        Upstream.tickets.release()
        self.send_response(200 if Upstream.closed.is_set() else 204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Upstream.asked.append(body)
        if body["model"] == "refuses":
            return self._refuse()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for number, piece in enumerate(PIECES):
                if number:
                    Upstream.tickets.acquire()
                self._chunk({"choices": [{"index": 0, "delta": {"content": piece}}]})
            usage = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}
            self._chunk({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage})
            self._send(b"data: [DONE]\n\n")
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            Upstream.closed.set()

    def _chunk(self, chunk: dict[str, Any]) -> None:
        self._send(b"data: " + json.dumps(chunk).encode() + b"\n\n")

    def _send(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _refuse(self) -> None:
        data = b'{"error": {"message": "bad key sk-secret", "code": "invalid_api_key"}}'
        self.send_response(401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Tests have nothing to say."""


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Runs a script with `deepseek` configured to be the server here; gives what it prints."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    config = tmp_path / "chatapp.toml"
    config.write_text(
        f'[providers.deepseek]\ntype = "openai"\nbase_url = "{url}"\nthinking = "deepseek"\nmodels = ["chat", "refuses"]\n'
    )
    Upstream.asked, Upstream.tickets, Upstream.closed = [], threading.Semaphore(0), threading.Event()

    def run(*arguments: str, code: int = 0) -> str:
        env = {name: value for name, value in os.environ.items() if not name.startswith("CHATAPP_")}
        env |= {"CHATAPP_CONFIG": str(config), "PYTHONPATH": str(Path(__file__).parents[2]), "NEXT": f"{url}/next"}
        ended = subprocess.run(
            [sys.executable, "-W", "error", *arguments],
            check=False,
            env=env,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ended.returncode == code, ended.stderr
        return ended.stdout

    yield run
    server.shutdown()
    server.server_close()


UNPATCHED = """
import json, os, urllib.request
from gevent import monkey
from chatapp.models import deepseek, mock
assert not monkey.is_module_patched("socket")
def go_on():
    with urllib.request.urlopen(os.environ["NEXT"]) as response:
        return response.status
"""


def test_a_provider_is_imported_by_its_name_and_gives_text(run: Any) -> None:
    script = UNPATCHED + "go_on(); go_on(); print(json.dumps([deepseek.chat('hi', stream=False), deepseek.name]))"
    assert json.loads(run("-c", script)) == ["Hello wörld", "deepseek"]
    assert Upstream.asked[0]["messages"] == [{"role": "user", "content": "hi"}]
    assert Upstream.asked[0]["model"] == "chat"


def test_pieces_come_as_they_are_sent(run: Any) -> None:
    """The provider sends the next one only when the script has the one before."""
    script = UNPATCHED + "pieces = [(piece, go_on())[0] for piece in deepseek.chat('hi', stream=True)]\nprint(pieces)"
    assert run("-c", script) == f"{list(PIECES)}\n"


def test_frames_are_those_of_the_reasoning_dialect(run: Any) -> None:
    script = (
        UNPATCHED
        + "for frame in deepseek.chat('hi', stream=True, sse=True, thinking=False): print(frame, end=''); go_on()"
    )
    events = SSEDecoder().feed(run("-c", script).encode())
    assert [event.type for event in events] == ["start", "message", "message", "message", "end"]
    assert json.loads(events[0].data) == {"model": "chat", "reasoning": "disabled"}
    assert json.loads(events[-1].data)["stats"]["tokens"] == {"prompt": 5, "completion": 3, "total": 8}
    assert Upstream.asked[0]["thinking"] == {"type": "disabled"}


def test_a_failure_is_an_exception_or_in_frames_an_event(run: Any) -> None:
    script = """
from chatapp.errors import RunFailed
for options in ({}, {"stream": True}):
    try:
        list(deepseek.chat("hi", model="refuses", **options))
    except RunFailed as error:
        print(error.code, error.message)
print(list(deepseek.chat("hi", model="refuses", stream=True, sse=True))[-1])
"""
    printed = run("-c", UNPATCHED + script)
    first, second, frame = printed.split("\n", 2)
    assert first == second and first.startswith("upstream_rejected deepseek") and "sk-secret" not in printed
    assert SSEDecoder().feed(frame.encode())[0].type == "error"


def begun_anew(shown: StreamEvent) -> Model:
    """Its first attempt shows this before it breaks off."""
    again = [AttemptReset("it broke off"), TextDelta("whole"), Finished("stop")]
    return Model(ScriptedProvider([shown, *again]))


def test_an_answer_begun_anew_holds_nothing_of_the_void_attempt() -> None:
    assert begun_anew(TextDelta("half ")).chat("hi") == "whole"


def test_pieces_that_were_given_cannot_be_made_void() -> None:
    pieces = iter(begun_anew(TextDelta("half ")).chat("hi", stream=True))
    assert next(pieces) == "half "
    with pytest.raises(RunFailed) as failed:
        next(pieces)
    assert (failed.value.code, failed.value.retryable) == ("attempt_reset", True)


def test_an_attempt_that_gave_no_text_is_made_void_without_a_word() -> None:
    assert list(begun_anew(ReasoningDelta("hm")).chat("hi", stream=True)) == ["whole"]


def test_closing_the_iterator_closes_the_connection(run: Any) -> None:
    script = """
import time
pieces = deepseek.chat("hi", stream=True)
next(pieces)
pieces.close()
end = time.monotonic() + 10
while go_on() != 200 and time.monotonic() < end:
    time.sleep(0.02)
print(go_on())
"""
    assert run("-c", UNPATCHED + script) == "200\n"


def test_everything_that_happens_can_be_had_also_thinking_and_tools(run: Any) -> None:
    script = "print([type(event).__name__ for event in mock.events('hi', model='tool', thinking=True, max_tokens=100)])"
    names = run("-c", UNPATCHED + script)
    assert names.startswith("['RunStart', 'ReasoningDelta'") and names.endswith("'RunEnd']\n")
    assert "ToolCall" in names and "ToolResult" in names


def test_a_function_is_a_tool_that_is_called_here(run: Any) -> None:
    script = """
def word_length(word: str) -> int:
    return len(word)
for event in mock.events('hi', model='client-tool', tools=[word_length]):
    match type(event).__name__:
        case 'ToolCall': print(event.name)
        case 'ToolResult': print(event.result, event.error)
        case 'RunEnd': print(event.reason)
"""
    name, result, reason = run("-c", UNPATCHED + script).splitlines()
    assert (name, reason) == ("word_length", "stop") and result.endswith(" None")


def test_too_many_calls_are_an_error(run: Any) -> None:
    script = """
import os
os.environ["CHATAPP_MAX_TOOL_CALLS"] = "1"  # read when the first provider is imported
from chatapp.models import Model, mock
from chatapp.errors import RunFailed
def add(a: int, b: int) -> int:
    return a + b
try:
    mock.chat('hi', model='parallel-tools', tools=[add])
except RunFailed as error:
    print(error.code)
print(list(mock.chat('hi', model='parallel-tools', tools=[add], sse=True))[-1])
"""
    code, frame = run("-c", script).split("\n", 1)
    event = SSEDecoder().feed(frame.encode())[0]
    assert (code, event.type) == ("tool_limit", "error") and json.loads(event.data)["finish_reason"] == "length"


def test_two_replies_can_be_read_side_by_side(run: Any) -> None:
    script = """
one, two = (mock.chat(prompt, stream=True, max_tokens=6) for prompt in ("one", "two"))
print(["".join(pieces) for pieces in zip(*zip(one, two))])
"""
    assert run("-c", UNPATCHED + script) == "['You asked:\\n\\n> one\\n\\nI am', 'You asked:\\n\\n> two\\n\\nI am']\n"


@pytest.mark.slow
def test_the_model_on_this_machine_answers_and_goes_with_the_process(run: Any, tmp_path: Path) -> None:
    if reason := LocalServer(tmp_path).missing():
        pytest.skip(reason)
    script = """
import json
from chatapp.models import local
pieces = list(local.chat("Say hi.", stream=True, max_tokens=5))
print(json.dumps([pieces, json.load(open("var/local.json"))["pid"]]))
"""
    pieces, helper = json.loads(run("-c", script))
    assert len(pieces) > 1 and "".join(pieces)
    with pytest.raises(ProcessLookupError):
        os.kill(helper, 0)


def test_a_conversation_is_a_list_of_turns(run: Any) -> None:
    script = """
turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}]
go_on(); go_on(); deepseek.chat(turns)
from chatapp.errors import InvalidField
for bad in ("", [], [{"role": "nobody", "content": "hi"}]):
    try:
        deepseek.chat(bad)
    except InvalidField as error:
        print(error)
"""
    empty, none, foreign = run("-c", UNPATCHED + script).splitlines()
    assert empty == none == "prompt: must not be empty" and foreign.startswith("prompt[0].role: Invalid enum value")
    assert [turn["role"] for turn in Upstream.asked[0]["messages"]] == ["system", "user"]


def test_a_provider_that_is_not_there_cannot_be_imported(run: Any) -> None:
    script = """
try:
    from chatapp.models import nobody
except ImportError as error:
    print(error)
"""
    assert "nobody" in run("-c", script)


def test_it_works_in_a_patched_process_too() -> None:
    assert mock.chat("hi", model="words", max_tokens=3) == "You asked:\n\n>"


def test_the_terminal_shows_thinking_tools_text_and_what_it_took(run: Any) -> None:
    printed = run("-m", "chatapp.models", "mock", "hi", "--model", "tool", "--thinking")
    thinking, tools, text = (printed.index(part) for part in ("The user asks", "count_words {", "You asked:"))
    assert thinking < tools < text and '→ {"words":1}' in printed
    assert " tokens" in printed.splitlines()[-1] and printed.splitlines()[-1].startswith("stop · ")


def test_in_a_terminal_thinking_is_dimmed_and_a_failure_an_exit_code(run: Any) -> None:
    shown = CliRunner().invoke(main, ["mock", "hi", "--thinking", "--max-tokens", "3"], color=True)
    assert "\x1b[2mThe\x1b[0m" in shown.output and shown.exit_code == 0
    assert "failed after 5 words" in run("-m", "chatapp.models", "mock", "hi", "--model", "fail-late", code=1)
    run("-m", "chatapp.models", "nobody", "hi", code=1)


HOSTILE = "a\x1b]52;c;aGk=\x07b\r\x00\x7f\x9b2Jc\n\td é€"
HARMLESS = "a]52;c;aGk=b2Jc\n\td é€"


@pytest.mark.parametrize(
    "event",
    [
        TextDelta(HOSTILE),
        ReasoningDelta(HOSTILE),
        ToolCall("a", "function", HOSTILE, {}),
        ToolCall("a", "function", "f", {"x": "\x9b2J"}),
        ToolResult("a", "\x9b2J"),
        ToolResult("a", error=HOSTILE),
        AttemptReset(HOSTILE),
        RunEnd("error", Usage(), Timing(), ErrorInfo("failed", HOSTILE, False, "")),
    ],
)
def test_nothing_that_a_model_says_commands_the_terminal(event: StreamEvent, capsys: Any) -> None:
    Screen().show(event)
    shown = capsys.readouterr().out
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", click.unstyle(shown))
    assert "2J" in shown


def test_a_terminal_shows_line_ends_tabs_and_every_script() -> None:
    assert plain(HOSTILE) == HARMLESS
