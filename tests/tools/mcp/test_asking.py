"""Servers that ask the user of a call, and tell how far it is: over both transports, and hostile ones."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent.queue import SimpleQueue
from servers import free_port, listens
from waiting import START_S, soon

from chatapp.cancel import CancelScope
from chatapp.tools import ToolFailed, UserInput
from chatapp.tools.mcp.client import MCPHelper, MCPServer, MCPTool

HERE = Path(__file__).parent
HOSTILE = ("asks", "asks-late", "asks-twice", "asks-nested", "asks-elsewhere", "asks-much", "takes-back")

CANCELLED = UserInput("cancelled")

pytestmark = pytest.mark.slow


class Owner:
    """Says the same to each question, or nothing if that is None."""

    def __init__(self, said: UserInput | None = CANCELLED) -> None:
        self.said = said
        self.told: list[tuple[float, float | None, str]] = []
        self.asked: SimpleQueue[tuple[str, dict[str, Any], Callable[[UserInput], None]]] = SimpleQueue()
        self.taken_back = 0

    def progress(self, done: float, total: float | None, message: str) -> None:
        self.told.append((done, total, message))

    def ask(self, message: str, schema: Mapping[str, object], told: Callable[[UserInput], None]) -> Callable[[], None]:
        self.asked.put((message, dict(schema), told))
        if self.said is not None:
            told(self.said)
        return self._take_back

    def _take_back(self) -> None:
        self.taken_back += 1


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, MCPServer]]:
    """One helper for all of them: `stdio` and `http` are the SDK's, the others break the rules."""
    port = free_port()
    far = subprocess.Popen(
        [sys.executable, str(HERE / "asking_server.py"), "http", str(port)], stderr=subprocess.DEVNULL
    )
    configs: dict[str, dict[str, object]] = {
        "http": {"url": f"http://127.0.0.1:{port}/mcp", "headers": {}},
        "stdio": {"command": sys.executable, "args": [str(HERE / "asking_server.py"), "stdio"], "env": {}},
    }
    for mode in HOSTILE:
        configs[mode] = {"command": sys.executable, "args": [str(HERE / "raw_server.py"), mode], "env": {}}
    helper = MCPHelper(configs, 20.0, tmp_path_factory.mktemp("mcp") / "mcp.log")
    try:
        soon(lambda: listens(port), within=START_S)
        with closing(helper):
            yield {name: MCPServer(name, helper) for name in configs}
    finally:
        far.kill()
        far.wait()


def tool(server: MCPServer, name: str = "echo") -> MCPTool:
    return next(tool for tool in server.tools() if tool.spec.name == name)


def call(found: MCPTool, owner: Owner, **arguments: object) -> Any:
    with gevent.Timeout(20):
        return found.call_for(owner, arguments, CancelScope())


def said(result: Any) -> Any:
    return json.loads(result)


@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_a_call_asks_its_owner(servers: dict[str, MCPServer], transport: str) -> None:
    book = tool(servers[transport], "book")
    owner = Owner(UserInput("accepted", {"row": 3, "window": True}))
    assert call(book, owner) == {"result": "accept {'row': 3, 'window': True}"}
    message, schema, _ = owner.asked.get()
    assert message == "Which seat?" and schema["properties"]["row"]["maximum"] == 30
    for state, action in (("declined", "decline"), ("cancelled", "cancel"), ("expired", "cancel")):
        assert call(book, Owner(UserInput(state)))["result"].strip() == action  # type: ignore[arg-type]


def test_two_users_at_once_over_http_each_answer_their_own_call(servers: dict[str, MCPServer]) -> None:
    book, owners = tool(servers["http"], "book"), [Owner(None), Owner(None)]
    calling = [gevent.spawn(call, book, owner) for owner in owners]
    asked = [owner.asked.get(timeout=10) for owner in owners]
    for row, (_, _, told) in enumerate(asked, 1):
        told(UserInput("accepted", {"row": row}))
    results = [greenlet.get(timeout=10)["result"] for greenlet in calling]
    assert results == [f"accept {{'row': {row}, 'window': False}}" for row in (1, 2)]


def test_nobody_is_asked_if_it_is_not_known_whose_call_it_is(servers: dict[str, MCPServer]) -> None:
    book, first, second = tool(servers["stdio"], "book"), Owner(None), Owner(None)
    calling = gevent.spawn(call, book, first)
    _, _, told = first.asked.get(timeout=10)
    assert call(book, second)["result"].strip() == "cancel" and second.asked.empty()
    told(UserInput("declined"))
    assert calling.get(timeout=10)["result"].strip() == "decline"


@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_a_flood_of_progress_is_told_in_few_words(servers: dict[str, MCPServer], transport: str) -> None:
    owner = Owner()
    call(tool(servers[transport], "climb"), owner, steps=2000)
    assert owner.told[0] == (1.0, 2000.0, "step 1")
    done = [step for step, _, _ in owner.told]
    assert done == sorted(done) and len(done) < 100


def test_two_questions_at_once_are_both_asked(servers: dict[str, MCPServer]) -> None:
    owner = Owner(UserInput("accepted", {"name": "Ada"}))
    both = said(call(tool(servers["asks-twice"]), owner))
    assert [each["content"] for each in both] == [{"name": "Ada"}] * 2
    assert {owner.asked.get()[0], owner.asked.get()[0]} == {"Who?", "And who?"}


def test_what_is_no_flat_form_and_what_leads_elsewhere_never_reaches_the_owner(servers: dict[str, MCPServer]) -> None:
    owner = Owner()
    [nested] = said(call(tool(servers["asks-nested"]), owner))
    assert isinstance(nested, str)  # an error
    [elsewhere] = said(call(tool(servers["asks-elsewhere"]), owner))
    assert elsewhere["action"] == "decline" and owner.asked.empty()


def test_questions_are_bounded(servers: dict[str, MCPServer]) -> None:
    owner = Owner(UserInput("declined"))
    actions = [each["action"] for each in said(call(tool(servers["asks-much"]), owner))]
    assert actions.count("decline") == owner.asked.qsize() <= 20
    assert len(actions) == 30 and set(actions) == {"decline", "cancel"}


def test_a_question_after_the_call_is_cancelled(servers: dict[str, MCPServer]) -> None:
    owner = Owner(UserInput("accepted", {"name": "Ada"}))
    echo = tool(servers["asks-late"])
    assert said(call(echo, owner)) == []
    assert [each["action"] for each in said(call(echo, owner))] == ["cancel"] and owner.asked.empty()


def test_a_question_is_taken_back(servers: dict[str, MCPServer]) -> None:
    owner = Owner(None)
    assert said(call(tool(servers["takes-back"]), owner)) == ["taken back"]
    assert owner.taken_back == owner.asked.qsize() <= 1


def test_a_call_without_an_owner_asks_nobody(servers: dict[str, MCPServer]) -> None:
    with gevent.Timeout(20):
        [nobody] = said(tool(servers["asks"]).call({}, CancelScope()))
    assert nobody["action"] == "cancel"


def test_a_call_that_is_stopped_while_it_asks_leaves_the_server_to_others(servers: dict[str, MCPServer]) -> None:
    book, owner, scope = tool(servers["stdio"], "book"), Owner(None), CancelScope()
    calling = gevent.spawn(book.call_for, owner, {}, scope)
    owner.asked.get(timeout=10)
    scope.cancel(lambda: ToolFailed("stopped"))
    with pytest.raises(ToolFailed, match="stopped"):
        calling.get(timeout=10)
    assert call(book, Owner(UserInput("declined")))["result"].strip() == "decline"
