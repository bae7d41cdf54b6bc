"""The list of conversations: by dates and pages, with pins and dots, and what is deleted comes back."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.slow

BRIEF = "truncated"  # a model whose answer is over after a few words

GROUPS = """async (agos) => {
    const { groupOf } = await import("/static/js/state/list.js");
    const now = new Date(2026, 10, 26, 9);
    return agos.map((days) => groupOf({ updated: now.getTime() / 1000 - days * 86400 }, now));
}"""


def post(chat: Any, path: str, **body: Any) -> Any:
    response = chat.page.request.post(chat.url + path, data=body)
    assert response.ok, response.text()
    return response.json()


def begun(chat: Any, prompt: str, **more: Any) -> dict[str, Any]:
    """A conversation that another client of the same reader begins."""
    made: dict[str, Any] = post(chat, "/api/v1/messages", provider="mock", model=BRIEF, prompt=prompt, **more)
    chat.page.request.get(chat.url + made["events_url"])  # until its end
    return made


def item(chat: Any, title: str) -> Any:
    return chat.page.locator("[data-conversation]", has=chat.page.get_by_text(title, exact=True))


def in_order(chat: Any) -> list[str]:
    """Headings and titles, from top to bottom."""
    texts: list[str] = chat.page.locator("[data-group], [data-link]").all_inner_texts()
    return texts


def test_conversations_stand_under_their_dates(chat: Any) -> None:
    assert chat.page.evaluate(GROUPS, [0.1, 0.4, 1.3, 2, 7.3, 8, 29, 60]) == [
        *["Today", "Yesterday", "Yesterday", "Previous 7 days", "Previous 7 days"],
        *["Previous 30 days", "Previous 30 days", "September 2026"],
    ]


def test_the_first_conversation_that_is_opened_is_drawn(reader: Callable[..., Any]) -> None:
    chat = reader().open()
    begun(chat, "Kept")
    item(chat.reload(), "Kept").locator("[data-link]").click()
    chat.answer.locator("[data-content][data-rendered]").wait_for()
    assert chat.questions == ["Kept"]


def test_pins_dots_and_undo(chat: Any, reader: Callable[..., Any]) -> None:
    for prompt in ("one", "two"):
        begun(chat, prompt)
    chat.reload()
    assert in_order(chat) == ["Today", "two", "one"]
    assert item(chat, "one").get_attribute("data-activity") == "unread"
    item(chat, "one").locator("[data-pin]").press("Enter")
    chat.page.locator("[data-group=Pinned]").wait_for()
    assert in_order(chat) == ["Pinned", "one", "Today", "two"]
    item(chat, "one").locator("[data-link]").click()
    chat.page.wait_for_url("**/c/*")
    chat.page.locator('[data-activity="unread"]', has_text="one").wait_for(state="detached")
    other = reader(beside=chat).open()
    assert in_order(other) == ["Pinned", "one", "Today", "two"]
    assert [item(other, title).get_attribute("data-activity") for title in ("one", "two")] == ["", "unread"]

    address = chat.page.url
    item(chat, "one").locator("[data-delete]").press("Enter")
    for tab in (chat, other):
        item(tab, "one").wait_for(state="detached")
    assert chat.page.request.get(address.replace("/c/", "/api/v1/conversations/")).status == 404
    chat.page.keyboard.press("Control+z")
    for tab in (chat, other):
        item(tab, "one").wait_for()
    chat.page.wait_for_url(address)
    assert chat.questions == ["one"] and chat.hook("undo").count() == 0


def test_what_runs_elsewhere_has_a_dot_until_it_was_seen(chat: Any) -> None:
    chat.ask("slowly", "slow")
    chat.new_chat()
    chat.page.locator('[data-activity="runs"]').wait_for()
    running = chat.page.request.get(chat.url + "/api/v1/conversations").json()["conversations"][0]
    assert running["running"]
    messages = chat.page.request.get(f"{chat.url}/api/v1/conversations/{running['id']}").json()["messages"]
    post(chat, f"/api/v1/messages/{messages[-1]['id']}/cancel")
    chat.page.locator('[data-activity="unread"]').click()
    chat.page.locator('[data-activity=""]').wait_for()
    assert not chat.reload().page.locator("[data-activity=unread]").count()


def test_a_long_list_comes_by_pages(chat: Any) -> None:
    for number in range(60):
        said = [{"type": "message", "role": "user", "content": f"conversation {number}"}]
        post(chat, "/v1/conversations", items=said)
    chat.reload()
    assert chat.page.locator("[data-link]").count() == 50
    chat.hook("conversations").evaluate("list => (list.scrollTop = list.scrollHeight)")
    item(chat, "conversation 0").wait_for(state="attached")
    assert in_order(chat) == ["Today", *(f"conversation {number}" for number in reversed(range(60)))]
    chat.ask("the newest", BRIEF).until_done()
    item(chat, "the newest").wait_for()
    assert chat.page.locator("[data-link]").count() == 61  # older pages stay
