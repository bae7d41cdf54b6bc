"""The page in Chinese: no state shows an English word of ours, and a reader changes the language."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from axe import violations
from page_states import STATES, begin, forgive

pytestmark = pytest.mark.slow

# All that a reader sees or hears, except what people, models and tools have said.
TOLD = """() => {
    const said = "[data-text], [data-content], [data-reasoning], [data-title], [data-link], [data-queued-text], [data-sources] li, "
        + "[data-tool] code, [data-tool] pre, .search-text, [data-question-message], [data-field-label], [data-pinned-name], [data-option] b, [data-choice-name], "
        + "[data-picker], kbd, [data-agent] option, .brand, [lang=en]";
    const names = ["aria-label", "title", "placeholder"];
    const found = [];
    for (const node of document.querySelectorAll("body *")) {
        if (node.closest(said) || node.closest("script, template, svg, math") || !node.checkVisibility()) continue;
        for (const each of node.childNodes) if (each.nodeType === 3) found.push(each.data);
        for (const name of names) if (node.getAttribute(name)) found.push(node.getAttribute(name));
    }
    return found.map((text) => text.trim()).filter(Boolean);
}"""
MODELS = {"mock", "local", "words", "think", "tool", "fail", "late", "slow", "count", "truncated", "media"}
SAID = {"Hello", "First", "Second", "txt", "look"}  # by the states, and then named by the page
NAMES = MODELS | SAID | {"chatapp", "Python", "Markdown", "JSON", "USD", "US", "English"}


def english(chat: Any) -> set[str]:
    """The words in Latin letters that are no names, of what the page tells now."""
    words = {word for text in chat.page.evaluate(TOLD) for word in re.findall(r"[A-Za-z]{2,}", text)}
    return {word for word in words - NAMES if not re.fullmatch(r"[0-9a-f]{2,}", word)}


@pytest.fixture
def chinese(reader: Callable[..., Any]) -> Any:
    return reader(locale="zh-CN").open()


def test_no_state_of_the_page_has_an_english_word(chinese: Any) -> None:
    chat = chinese
    assert chat.page.locator("html").get_attribute("lang") == "zh-Hans"
    assert english(chat) == set()
    chat.ask("你好", "slow").until_text("You")
    assert english(chat) == set()
    chat.hook("stop").click()
    chat.until_done()
    assert chat.hook("ending", "[data-ending]:visible").inner_text() == "你停止了这次回答。"
    for model in ("think", "tool", "fail-late"):
        chat.ask("你好", model).until_done()
        for fold in chat.answer.locator("summary:visible").all():
            fold.click()
        assert english(chat) == set(), model


def test_nothing_that_opens_or_waits_has_an_english_word_or_is_refused_by_axe(chinese: Any) -> None:
    chat = chinese
    chat.dress("light")
    begin(chat)
    found, refused = {}, {}
    for name, state in STATES.items():
        with state(chat):
            found[name] = english(chat)
            refused[name] = violations(chat.page)
    forgive(chat)
    assert {name: words for name, words in found.items() if words} == {}
    assert {name: faults for name, faults in refused.items() if faults} == {}


def test_nor_have_the_pages_around_it(own_server: Callable[..., Any], chinese: Any, reader: Callable[..., Any]) -> None:
    chat = chinese
    found = {}
    chat.ask("你好", "think").until_done()
    conversation = chat.page.url.rpartition("/")[2]
    shared = chat.page.request.post(f"{chat.url}/api/v1/conversations/{conversation}/share").json()["url"]
    for path, ready in (
        (shared.removeprefix(chat.url), "html[data-ready]"),
        ("/status?refresh=0", "main"),
        ("/status?refresh=never", "main"),
        ("/c/none", "main"),
        ("/probe", "[data-probe-verdict]:not([hidden])"),
    ):
        chat.page.goto(chat.url + path)
        chat.page.locator(ready).wait_for()
        for fold in chat.page.locator("summary:visible").all():
            fold.click()
        found[path.partition("?")[0]] = english(chat)
    chat.problems = [each for each in chat.problems if not re.search("404|422", each)]
    guest = reader(url=own_server(CHATAPP_AUTH="keys").url, locale="zh-CN")
    guest.page.goto(f"{guest.url}/login")
    found["login"] = english(guest)
    guest.page.locator("[name=key]").fill("chatapp_wrong")
    guest.page.locator("form.login button").click()
    guest.page.get_by_role("alert").wait_for()
    found["a wrong key"] = english(guest)
    guest.expect_problem("401")
    assert {name: words for name, words in found.items() if words} == {}


def test_a_reader_changes_the_language_and_stays_where_they_are(chinese: Any) -> None:
    chat = chinese.ask("你好", "truncated").until_done()
    where = chat.page.url
    chat.page.get_by_role("button", name="English").click()
    chat.page.locator("html[lang=en][data-ready]").wait_for()
    assert chat.page.url == where
    assert chat.hook("new-chat").inner_text() == "New chat"
    chat.page.get_by_role("button", name="中文").click()
    chat.page.locator("html[lang=zh-Hans][data-ready]").wait_for()
    assert chat.hook("new-chat").inner_text() == "新对话"


def test_an_interface_from_right_to_left_is_the_mirror_image(chat: Any) -> None:
    chat.ask("مرحبا", "tool").until_done()
    chat.dress("light")
    chat.page.evaluate("document.documentElement.dir = 'rtl'")
    for size in (chat.WIDE, chat.PHONE):
        chat.page.set_viewport_size(size)
        assert chat.page.evaluate("document.documentElement.scrollWidth") == size["width"]
    chat.hook("drawer").wait_for(state="hidden")
    chat.hook("drawer-open").click()
    drawer = chat.hook("drawer").bounding_box()
    assert drawer["x"] + drawer["width"] == chat.PHONE["width"]
    chat.page.set_viewport_size(chat.WIDE)
    question, column = (
        chat.hook("", of).last.bounding_box() for of in ("[data-role=user] [data-text]", "[data-thread]")
    )
    assert question["x"] - column["x"] < column["width"] / 4
    assert chat.hook("send").bounding_box()["x"] < chat.hook("picker").bounding_box()["x"]


def test_enter_that_ends_a_composition_does_nothing_else(chat: Any) -> None:
    """Safari ends the composition before it tells of the key, with the key code 229."""
    chat.ask("一", "truncated").until_done()
    chat.page.locator("[data-conversation]").hover()
    chat.hook("rename").click()
    field = chat.hook("rename-field")
    for ended in ({"isComposing": True}, {"keyCode": 229}):
        field.evaluate(
            "(node, ended) => node.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, ...ended }))",
            ended,
        )
        assert field.is_visible()
