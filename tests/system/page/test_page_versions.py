"""Versions of answers and questions, and answers that go on, as a reader has them."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.slow

BRIEF = "truncated"  # a model whose answer is over after a few words


def versions(message: Any) -> str:
    text: str = message.locator("[data-version]").inner_text()
    return text


def test_a_failed_regenerate_keeps_the_good_answer_for_all_tabs_and_reloads(reader: Callable[..., Any]) -> None:
    chat = reader().open()
    chat.ask("Hello").until_done()
    good = chat.message()
    chat.choose("fail-first").answer.locator("[data-regenerate]").click()
    chat.page.locator(f'[data-message="{good["id"]}"]').wait_for(state="detached")
    chat.until_done()
    assert versions(chat.answer) == "2/2" and chat.answer.locator("[data-failure]").is_visible()
    other = reader(beside=chat).open(chat.page.url.removeprefix(chat.url)).until_done()
    assert versions(other.answer) == "2/2"
    chat.answer.locator("[data-previous-version]").press("Enter")
    for tab in (chat, other):
        tab.page.locator(f'[data-message="{good["id"]}"]').wait_for()
        assert versions(tab.answer) == "1/2"
    assert chat.answer.locator("[data-next-version]").evaluate("button => button === document.activeElement")
    assert chat.reload().until_done().message()["content"] == good["content"]
    chat.answer.locator("[data-next-version]").click()
    chat.answer.locator("[data-failure]").wait_for()


def test_a_question_is_edited_by_keyboard_into_a_branch(chat: Any) -> None:
    chat.ask("one", BRIEF).until_done()
    chat.ask("two", BRIEF).until_done()
    first = chat.page.locator('[data-role="user"]').first
    first.locator("[data-edit]").press("Enter")
    box = first.locator("textarea")
    assert box.input_value() == "one" and box.evaluate("box => box === document.activeElement")
    box.press("Escape")
    assert chat.questions == ["one", "two"] and first.locator("[data-edit]").evaluate(
        "it => it === document.activeElement"
    )
    first.locator("[data-edit]").press("Enter")
    box.fill("another one")
    box.press("Enter")
    chat.page.wait_for_function("document.querySelectorAll('[data-role=user]').length === 1")
    chat.until_done()
    question = chat.page.locator('[data-role="user"]')
    assert chat.questions == ["another one"] and versions(question) == "2/2"
    question.locator("[data-previous-version]").click()
    question.nth(1).wait_for()
    assert chat.questions == ["one", "two"]
    chat.reload().until_done()
    assert chat.questions == ["one", "two"]
    chat.page.locator('[data-role="user"]').last.locator("[data-edit]").press(
        "Enter"
    )  # of one that was just asked, too
    chat.page.locator("[data-edit-form] textarea").fill("three")
    chat.hook("edit-send").click()
    chat.page.get_by_text("three", exact=True).wait_for()
    chat.until_done()
    assert chat.questions == ["one", "three"]


def test_a_refused_edit_leaves_the_question_and_its_words_in_the_prompt(chat: Any) -> None:
    chat.ask("Old words", "truncated").until_done()
    refusal = {"error": {"code": "rate_limited", "message": "too fast", "trace_id": "t"}}
    chat.page.route("**/api/v1/messages", lambda route: route.fulfill(status=429, json=refusal))
    chat.page.locator("[data-role=user]").hover()
    chat.hook("edit").click()
    chat.page.locator("[data-edit-form] textarea").fill("New words")
    chat.hook("edit-send").click()
    chat.hook("notice").wait_for()
    assert chat.questions == ["Old words"] and chat.hook("prompt").input_value() == "New words"
    chat.expect_problem("429")


def test_an_answer_that_was_stopped_goes_on_as_one(chat: Any) -> None:
    chat.ask("Hello", "slow").until_text("You asked")
    chat.hook("stop").click()
    chat.until_done()
    first = chat.message()["content"]
    chat.choose("words").answer.locator("[data-continue]").click()
    chat.hook("stop").wait_for()
    chat.until_done()
    second = chat.message()
    assert chat.answers.count() == 1 and second["continues"]
    chat.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for _ in range(2):
        chat.answer.locator("[data-copy-answer]").click()
        chat.answer.get_by_text("Copied").wait_for()
        assert chat.page.evaluate("navigator.clipboard.readText()") == first + second["content"]
        assert chat.answer.locator("[data-continue]").is_hidden()
        chat.reload().until_done()
    chat.choose(BRIEF).answer.locator("[data-regenerate]").click()  # all of it
    chat.page.locator(f'[data-message="{second["id"]}"]').wait_for(state="detached")
    chat.until_done()
    assert versions(chat.answer) == "2/2" and chat.answers.count() == 1


def test_a_long_conversation_comes_by_pages_and_keeps_its_place(chat: Any) -> None:
    messages = [{"role": "user", "content": f"message {number}"} for number in range(119)]
    asked = chat.page.request.post(
        chat.url + "/api/v1/messages", data={"provider": "mock", "model": BRIEF, "messages": messages}
    )
    chat.open(f"/c/{asked.json()['conversation_id']}")
    chat.page.locator('[data-role="assistant"][data-status="done"]').wait_for()
    assert len(chat.questions) == 49
    shown = chat.page.get_by_text("message 70", exact=True)
    shown.scroll_into_view_if_needed()
    top = shown.bounding_box()["y"]
    chat.page.get_by_text("message 21", exact=True).wait_for(state="attached")
    assert abs(shown.bounding_box()["y"] - top) < 2
    chat.hook("older").focus()
    chat.page.keyboard.press("Enter")
    chat.hook("older").wait_for(state="hidden")
    assert chat.questions == [message["content"] for message in messages]
