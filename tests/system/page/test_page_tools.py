"""Tools, plans and agents on the page: calls and approvals, the current step, the menu."""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ASKING = Path(__file__).parents[2] / "tools/mcp/asking_server.py"

pytestmark = pytest.mark.slow

TOOLS = '''
from pathlib import Path

import gevent

from chatapp.tools.functions import tool


@tool(ask=True)
def launch(target: str = "moon") -> str:
    """Launch a rocket, which cannot be undone."""
    return f"{target}\\n" * 40


@tool
def wait() -> None:
    """Wait for a file."""
    while not Path("go").exists():
        gevent.sleep(0.02)
'''


@pytest.fixture(scope="module")
def tool_server(server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("tools")
    (folder / "mytools.py").write_text(TOOLS)
    table = f'[mcp_servers.asking]\ncommand = "{sys.executable}"\nargs = ["{ASKING}", "stdio"]\n'
    (folder / "chatapp.toml").write_text(table)
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
    started = type(server)(folder / "var", PYTHONPATH=path, CHATAPP_TOOL_MODULES="mytools").start()
    yield started
    started.kill()


def cards(chat: Any) -> list[str]:
    """All the text on the cards, folded or not."""
    texts: list[str] = chat.answer.locator("[data-tool]").all_text_contents()
    return [" ".join(text.split()) for text in texts]


def test_a_call_waits_on_its_card_in_every_tab_until_its_reader_decides(
    reader: Callable[..., Any], tool_server: Any
) -> None:
    first = reader(url=tool_server.url).open().offer("launch", "wait").ask("Go", "tools")
    card = first.card("launch", "asks")
    assert card.locator("[data-tool-arguments]").is_visible() and "moon" in card.inner_text()
    assert re.search(r"\d:\d\d left", card.locator("[data-tool-left]").inner_text())
    first.hook("announcer").get_by_text("The tool launch waits for your approval.").wait_for()
    first.card("wait", "running").get_by_text(re.compile(r"running… \d+ s")).wait_for()
    first.reload()
    second = reader(beside=first, url=tool_server.url).open(first.page.url.removeprefix(first.url))
    first.card("launch", "asks")
    second.card("launch", "asks").locator("[data-deny]").focus()
    second.page.keyboard.press("Shift+Tab")
    second.page.keyboard.press("Enter")
    for tab in (first, second):
        assert "approved" in tab.card("launch", "done").locator("summary").inner_text()
        assert tab.card("launch", "done").locator("[data-approve]").is_hidden()
        tab.card("wait", "running")
    assert second.page.evaluate("document.activeElement.closest('[data-tool]').dataset.tool") == "launch"
    (Path(tool_server.data).parent / "go").touch()
    shown = [cards(tab.until_done()) for tab in (first, second, first.reload())]
    assert shown[0] == shown[1] == shown[2] and "null" in shown[0][1]
    card = first.card("launch", "done")
    card.locator("summary").press("Enter")
    assert card.locator("[data-tool-result]").bounding_box()["height"] < 400


def test_a_call_that_waits_in_another_conversation_is_seen_from_everywhere(
    reader: Callable[..., Any], tool_server: Any
) -> None:
    first = reader(url=tool_server.url).open().offer("launch").ask("Go", "tools")
    first.card("launch", "asks")
    first.page.locator("[data-activity=waits]").wait_for()
    first.new_chat()  # the one that is left goes on to say so
    assert first.page.title() == "(!) Waiting for you · chatapp"
    assert first.page.locator("[data-conversation]").get_attribute("data-activity") == "waits"
    second = reader(beside=first, url=tool_server.url)
    second.page.set_viewport_size(second.PHONE)
    second.open()
    second.page.locator("[data-drawer-open][data-waits]").wait_for()
    first.page.locator("[data-link]").click()
    first.card("launch", "asks").locator("[data-deny]").click()
    first.until_done()
    second.page.locator("[data-drawer-open]:not([data-waits])").wait_for()
    assert second.page.title() == "chatapp"
    second.ask("Again", "tools")
    first.new_chat()  # before anything waits
    first.hook("announcer").get_by_text("“Again” waits for you.").wait_for()
    first.page.locator("[data-activity=waits]", has_text="Again").wait_for()


def test_a_tool_asks_and_is_answered_by_keyboard(reader: Callable[..., Any], tool_server: Any) -> None:
    chat = reader(width="phone", url=tool_server.url).open().offer("book", "wait").ask("Go", "tools")
    form = chat.card("book", "asks").locator("[data-tool-question]")
    assert form.locator("[data-question-message]").inner_text() == "Which seat?"
    chat.hook("announcer").get_by_text("The tool book asks you something.").wait_for()
    for scheme in ("light", "dark"):
        chat.dress(scheme)
        assert chat.faint_texts() == []
    assert chat.page.evaluate("document.documentElement.scrollWidth") == chat.PHONE["width"]
    chat.reload()
    row = form.get_by_label("Row")
    row.focus()
    chat.page.keyboard.type("31")
    chat.page.keyboard.press("Enter")
    assert row.evaluate("field => field.validity.rangeOverflow") and form.is_visible()
    row.fill("12")
    chat.page.keyboard.press("Tab")
    chat.page.keyboard.press("Space")
    chat.page.keyboard.press("Enter")
    card = chat.card("book", "done")
    assert form.count() == 0
    assert "accept {'row': 12, 'window': True}" in card.locator("[data-tool-result]").text_content()
    assert chat.page.evaluate("document.activeElement.closest('[data-tool]').dataset.tool") == "book"
    (Path(tool_server.data).parent / "go").touch()
    chat.until_done()


def test_a_question_is_in_view_to_its_buttons(reader: Callable[..., Any], tool_server: Any) -> None:
    """The form is loaded when the first question comes: the card grows behind the event."""
    chat = reader(url=tool_server.url)
    chat.page.set_viewport_size({"width": 600, "height": 560})
    chat.open().offer("book", "wait").ask("Go", "tools")
    chat.card("book", "asks").locator("[data-decline]").wait_for()
    chat.page.wait_for_function(
        """() => {
            const { scrollHeight, scrollTop, clientHeight } = document.querySelector("[data-scroller]");
            return scrollHeight - scrollTop - clientHeight < 4;
        }"""
    )
    chat.hook("stop").click()
    chat.until_done()


def test_an_agents_plan_fills_and_its_calls_can_be_denied_on_a_phone(
    reader: Callable[..., Any], tool_server: Any
) -> None:
    chat = reader(width="phone", url=tool_server.url).open().offer("calculate", "launch", agent="planner")
    chat.ask("Fly", "agent")
    card, current = chat.card("launch", "asks"), chat.answer.locator('[data-steps] [aria-current="step"]')
    assert len(chat.answer.locator("[data-steps] li").all()) == 3
    assert current.inner_text() == "Use the tools that there are"
    chat.hook("offer-summary").click()
    for scheme in ("light", "dark"):
        chat.dress(scheme)
        assert chat.faint_texts() == []
    chat.page.keyboard.press("Escape")
    assert chat.page.evaluate("document.documentElement.scrollWidth") == chat.PHONE["width"]
    chat.page.set_viewport_size({"width": 320, "height": 700})
    assert chat.hook("composer").evaluate("box => box.scrollWidth <= box.clientWidth")
    card.locator("[data-deny]").click()
    assert "denied" in chat.card("launch", "refused").inner_text()
    for view in (chat.until_done, chat.reload):
        view()
        assert chat.answer.locator("[data-steps] li").all_inner_texts()[1:] == [
            "Use the tools that there are",
            "Put together what was found",
        ]
        assert current.count() == 0
        assert [text.partition(" ")[0] for text in cards(chat)] == ["calculate", "launch", "calculate"]
        assert "The user denied this call." in cards(chat)[1]
        assert chat.answer.locator("[data-thinking-label]").first.inner_text().startswith("Thought")
    assert chat.hook("offer-label").inner_text() == "planner" and chat.hook("offer-count").inner_text() == "2"


def test_tools_are_chosen_by_keyboard_and_servers_that_fail_are_named(chat: Any) -> None:
    tool = {"name": "calculate", "type": "mcp", "server": "abacus", "description": "Sums.", "ask": True}
    offer = {"tools": [{**tool, "default": False, "agent_default": False}], "problems": {"gone": "no such command"}}
    chat.page.route("**/api/v1/tools", lambda route: route.fulfill(json=offer))
    chat.page.route("**/api/v1/agents", lambda route: route.fulfill(json={"agents": []}))
    chat.reload()
    chat.hook("offer-summary").press("Enter")
    assert chat.hook("problems").inner_text() == "gone: no such command"
    assert "abacus · asks first" in chat.hook("tool-choices").inner_text() and chat.hook("agent").is_hidden()
    chat.page.keyboard.press("Tab")
    chat.page.keyboard.press("Space")
    chat.page.keyboard.press("Escape")
    assert "offerSummary" in chat.page.evaluate("document.activeElement.dataset")
    assert chat.hook("tool-choices").is_hidden()
    chat.reload().hook("offer-count").get_by_text("1").wait_for()
    call = {"id": "1", "type": "mcp", "name": "calculate", "arguments": {}}
    with chat.page.expect_request(lambda request: request.method == "POST") as asked:
        chat.answer_with(
            ("tool_call", call), ("completed", {"content": "", "finish_reason": "stop", "usage": None, "timing": None})
        )
    assert json.loads(asked.value.post_data)["tools"] == ["calculate"]
    assert "abacus" in chat.card("calculate", "open").inner_text()
    offer = {"tools": [], "problems": {}}
    with chat.page.expect_response("**/api/v1/agents"), chat.page.expect_response("**/api/v1/tools"):
        chat.reload()
    assert chat.hook("offer").is_hidden()  # nothing to choose


def test_a_call_that_waits_out_of_view_is_said_above_the_prompt(reader: Callable[..., Any], tool_server: Any) -> None:
    chat = reader(url=tool_server.url).open().offer("launch").ask("Go\n" * 60, "tools")
    chat.card("launch", "asks")
    pinned = chat.hook("pinned")
    assert pinned.is_hidden() and chat.page.title().startswith("(!)")
    chat.page.locator('[data-conversation][data-activity="waits"]').wait_for()
    chat.hook("scroller").hover()
    chat.page.mouse.wheel(0, -2000)
    pinned.wait_for()
    assert "launch" in pinned.inner_text() and "left" in pinned.inner_text()
    chat.hook("pinned-show").click()
    pinned.wait_for(state="hidden")
    chat.page.mouse.wheel(0, -2000)
    chat.hook("pinned-approve").click()
    chat.card("launch", "done")
    pinned.wait_for(state="hidden")
    chat.until_done()
    assert not chat.page.title().startswith("(!)")


def test_the_pinned_call_is_the_next_one_as_soon_as_one_is_decided(chat: Any) -> None:
    """The server may take its time to say that it has heard."""
    frames = "retry: 600000\n\n"
    for seq, name in enumerate(("first", "second"), 1):
        call = {"id": name, "type": "function", "name": name, "arguments": {}}
        asked = {"tool_call_id": name, "state": "asked", "expires": 4_000_000_000}
        for kind, data, at in (("tool_call", call, 2 * seq - 1), ("tool_approval", asked, 2 * seq)):
            frames += f"event: {kind}\nid: {at}\ndata: {json.dumps(data)}\n\n"
    chat.page.route("**/events", lambda route: route.fulfill(content_type="text/event-stream", body=frames))
    chat.ask("Go\n" * 60)
    chat.card("second", "asks")
    decisions: list[Any] = []
    chat.page.route("**/messages/*/tools/*", lambda route: decisions.append(route))
    chat.hook("scroller").hover()
    chat.page.mouse.wheel(0, -4000)
    chat.hook("pinned", "[data-pinned]:visible [data-pinned-name]:text-is('first')").wait_for()
    chat.hook("pinned-deny").click()
    chat.hook("pinned", "[data-pinned]:visible [data-pinned-name]:text-is('second')").wait_for()
    chat.hook("pinned-deny").click()
    chat.hook("pinned").wait_for(state="hidden")
    assert len(decisions) == 2
    for decision in decisions:
        decision.fulfill(json={})
