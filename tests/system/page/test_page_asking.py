"""Asking: drafts, the list of what waits, the model that a conversation has, and the keyboard."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.slow

BRIEF = "truncated"  # a model whose answer is over after a few words


def test_each_conversation_keeps_its_draft_also_over_a_reload(chat: Any) -> None:
    chat.ask("First", BRIEF).until_done()
    first = chat.page.url
    chat.write("a draft of the first")
    chat.new_chat()
    assert chat.hook("prompt").input_value() == ""
    chat.write("a draft of the new one")
    chat.page.locator("[data-link]", has_text="First").click()
    chat.page.wait_for_url(first)
    assert chat.hook("prompt").input_value() == "a draft of the first"
    assert chat.reload().hook("prompt").input_value() == "a draft of the first"
    chat.hook("prompt").press("Enter")
    chat.until_done()
    assert chat.reload().hook("prompt").input_value() == ""
    chat.new_chat()
    assert chat.hook("prompt").input_value() == "a draft of the new one"
    chat.hook("prompt").press("Enter")
    chat.page.wait_for_url("**/c/*")
    chat.until_done().new_chat()
    assert chat.hook("prompt").input_value() == ""


def test_what_is_written_while_a_new_chat_is_accepted_stays_its_draft(chat: Any) -> None:
    held: list[Any] = []
    chat.page.route("**/api/v1/messages", lambda route: held.append(route))
    chat.choose(BRIEF).write("Hello")
    chat.hook("prompt").press("Enter")
    chat.write("and then")
    while not held:
        chat.page.wait_for_timeout(10)
    held[0].continue_()
    chat.page.wait_for_url("**/c/*")
    chat.until_done()
    assert chat.hook("prompt").input_value() == "and then"
    chat.new_chat()
    assert chat.hook("prompt").input_value() == ""


def test_what_is_sent_while_an_answer_runs_waits_for_its_end(chat: Any) -> None:
    held: list[Any] = []
    chat.page.route("**/events", lambda route: held.append(route))
    chat.ask("First", "words")
    for prompt in ("Second", "No, not this", "Third"):
        chat.write(prompt)
        chat.hook("prompt").press("Enter")
    waiting = chat.hook("queued-text")
    assert waiting.all_inner_texts() == ["Second", "No, not this", "Third"]
    chat.hook("queue").locator("li", has_text="No, not").locator("button").click()
    chat.choose(BRIEF)
    for route in held:  # it ends now, and not while this test was still writing
        route.continue_()
    chat.page.unroute("**/events")
    chat.page.locator("[data-role=user]").nth(1).wait_for()
    chat.until_done()
    chat.page.wait_for_function("() => document.querySelectorAll('[data-role=user]').length >= 2")
    assert chat.questions[:2] == ["First", "Second"]
    assert "No, not this" not in chat.questions


def test_what_waits_outlives_a_reload(chat: Any) -> None:
    chat.ask("First", "slow").until_text("You")
    chat.hook("attach-input").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"hello"})
    chat.page.locator(".attached-file:not([data-uploading])").wait_for()
    chat.write("Second")
    chat.hook("prompt").press("Enter")
    chat.hook("queued-text").get_by_text("Second · a.txt").wait_for()
    chat.write("and a thought")
    chat.reload().until_text("You")
    assert chat.hook("prompt").input_value() == "Second\n\nand a thought" and chat.hook("queue").is_hidden()
    chat.page.locator(".attached-file", has_text="a.txt").wait_for()
    chat.hook("stop").click()
    chat.until_done()
    chat.reload()
    assert chat.hook("prompt").input_value() == "Second\n\nand a thought" and chat.questions == ["First"]


def test_after_a_stop_what_waited_comes_back_to_be_decided_anew(chat: Any) -> None:
    chat.ask("First", "slow").until_text("You")
    chat.write("Second")
    chat.hook("prompt").press("Enter")
    chat.page.keyboard.press("Escape")
    chat.until_done()
    assert chat.hook("prompt").input_value() == "Second"
    assert chat.questions == ["First"] and chat.hook("queue").is_hidden()


def test_escape_closes_what_is_open_before_it_stops_an_answer(reader: Callable[..., Any]) -> None:
    chat = reader(width="phone").open()
    chat.ask("First", "slow").until_text("You")
    chat.hook("drawer-open").click()
    chat.hook("search").click()
    chat.hook("search-box").press("Escape")
    chat.hook("search-dialog").wait_for(state="detached")
    assert chat.hook("drawer").is_visible()
    chat.page.keyboard.press("Escape")
    chat.hook("drawer").wait_for(state="hidden")
    assert chat.answer.get_attribute("data-status") == "running" and chat.hook("stop").is_enabled()
    chat.page.keyboard.press("Escape")
    chat.until_done()


def test_a_conversation_goes_on_with_its_model(chat: Any) -> None:
    chat.ask("First", BRIEF).until_done()
    first = chat.page.url
    chat.new_chat().choose("think")
    chat.page.locator("[data-link]", has_text="First").click()
    chat.page.wait_for_url(first)
    assert f'"model":"{BRIEF}"' in chat.hook("picker").get_attribute("data-value")
    assert f'"model":"{BRIEF}"' in chat.reload().hook("picker").get_attribute("data-value")
    chat.new_chat()
    assert '"model":"think"' in chat.hook("picker").get_attribute("data-value")


def test_thinking_is_on_off_or_as_the_model_likes(chat: Any) -> None:
    asked: list[Any] = []
    chat.page.on("request", lambda request: request.method == "POST" and asked.append(request.post_data_json))
    toggle = chat.choose(BRIEF).hook("thinking-toggle")
    for pressed, thinking in (("true", True), ("false", False), ("mixed", None)):
        toggle.click()
        assert toggle.get_attribute("aria-pressed") == pressed
        chat.reload()
        assert toggle.get_attribute("aria-pressed") == pressed
        chat.ask("Hello", BRIEF).until_done()
        assert asked[-1]["thinking"] is thinking


def test_on_a_touch_screen_enter_begins_a_line(reader: Callable[..., Any]) -> None:
    chat = reader(width="phone", has_touch=True, is_mobile=True).open()
    chat.choose(BRIEF)
    chat.hook("prompt").focus()
    chat.page.keyboard.type("one")
    chat.page.keyboard.press("Enter")
    chat.page.keyboard.type("two")
    assert chat.hook("prompt").input_value() == "one\ntwo" and chat.answers.count() == 0
    chat.hook("send").tap()
    chat.until_done()
    assert chat.questions == ["one\ntwo"]


def test_after_deleting_the_focus_is_on_what_follows(chat: Any) -> None:
    for prompt in ("One", "Two", "Three"):
        chat.ask(prompt, BRIEF).until_done()
        chat.new_chat()
    for prompt, then in (("Two", "One"), ("One", "Three")):
        item = chat.page.locator("li[data-conversation]", has_text=prompt)
        item.hover()
        item.locator("[data-delete]").click()
        chat.hook("undo").wait_for()
        item.wait_for(state="detached")
        chat.page.wait_for_function(
            "title => document.activeElement.matches('[data-link]') && document.activeElement.textContent === title",
            arg=then,
        )


def test_the_open_conversation_is_in_view_in_a_long_list(chat: Any) -> None:
    chat.ask("The oldest", BRIEF).until_done()
    oldest = chat.page.url
    for _ in range(25):
        asked = {"model": "mock/truncated", "messages": [{"role": "user", "content": "Another"}]}
        assert chat.page.request.post(f"{chat.url}/api/v1/messages", data=asked).ok
    chat.page.set_viewport_size({"width": 1280, "height": 420})
    chat.open(oldest.removeprefix(chat.url))
    box, lowest = chat.page.locator('[aria-current="page"]').bounding_box(), chat.hook("conversations").bounding_box()
    assert lowest["y"] <= box["y"] and box["y"] + box["height"] <= lowest["y"] + lowest["height"] + 1


def test_the_page_works_where_nothing_may_be_remembered(reader: Callable[..., Any]) -> None:
    chat = reader()
    chat.page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } })"
    )
    chat.open().ask("Hello", BRIEF).until_done()
    assert chat.questions == ["Hello"]
