"""The network or the server is away: a banner, nothing is lost, and each question is sent once."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.slow

BRIEF = "truncated"


def ask_in_vain(chat: Any, prompt: str) -> None:
    chat.write(prompt)
    chat.hook("prompt").press("Enter")
    chat.hook("pending-label").last.get_by_text("Waiting for the connection…").wait_for()


def test_what_is_asked_offline_is_shown_and_sent_once_when_the_network_is_back(chat: Any) -> None:
    chat.choose(BRIEF)
    chat.ask("First", BRIEF).until_done()
    asked: list[str] = []
    chat.page.on("request", lambda each: asked.append(each.method) if each.url.endswith("/api/v1/messages") else None)
    chat.page.context.set_offline(True)
    chat.hook("away-words").get_by_text("You are offline. What you ask is sent when you are back.").wait_for()
    ask_in_vain(chat, "While away")
    chat.write("And then")
    chat.hook("prompt").press("Enter")  # it waits behind the other
    assert chat.questions == ["First", "While away"] and chat.hook("queued-text").inner_text() == "And then"
    chat.page.context.set_offline(False)
    chat.hook("away").wait_for(state="hidden")
    chat.page.locator("[data-role=user]", has_text="While away").wait_for()
    chat.page.locator('[data-role="assistant"][data-status="done"]').nth(1).wait_for()
    conversation = chat.page.request.get(f"{chat.url}/api/v1/conversations/{chat.page.url.rpartition('/')[2]}").json()
    said = [each["content"] for each in conversation["messages"] if each["role"] == "user"]
    assert said.count("While away") == 1 and "POST" in asked
    chat.problems = [each for each in chat.problems if "ERR_INTERNET_DISCONNECTED" not in each]


def test_a_question_that_waits_survives_a_reload_and_can_be_taken_back(reader: Callable[..., Any]) -> None:
    chat = reader().open()
    chat.choose(BRIEF)
    gone = lambda route: route.abort()
    for path in ("**/api/v1/messages", "**/healthz"):
        chat.page.route(path, gone)
    ask_in_vain(chat, "Not this one")
    chat.hook("stop").click()
    assert chat.hook("prompt").input_value() == "Not this one" and chat.questions == []
    ask_in_vain(chat, "This one")
    for path in ("**/api/v1/messages", "**/healthz"):
        chat.page.unroute(path)
    chat.page.goto(chat.url)  # in a hurry
    chat.page.locator("[data-role=user]", has_text="This one").wait_for()
    chat.until_done()
    assert chat.questions == ["This one"]
    listed = chat.page.request.get(f"{chat.url}/api/v1/conversations").json()["conversations"]
    assert [each["title"] for each in listed] == ["This one"]
    chat.problems = [each for each in chat.problems if "ERR_FAILED" not in each]


def test_a_refused_question_that_waited_says_so(chat: Any) -> None:
    chat.choose(BRIEF)
    gone = lambda route: route.abort()
    for path in ("**/api/v1/messages", "**/healthz"):
        chat.page.route(path, gone)
    ask_in_vain(chat, "Hello")
    chat.page.unroute("**/api/v1/messages")
    refusal = {"error": {"code": "overloaded", "message": "too much", "trace_id": "t"}}
    chat.page.route("**/api/v1/messages", lambda route: route.fulfill(status=503, json=refusal))
    chat.page.unroute("**/healthz")
    chat.hook("away-now").click()
    chat.hook("notice").wait_for()
    assert chat.questions == [] and chat.hook("away").is_hidden()
    assert chat.hook("prompt").input_value() == "Hello"
    chat.problems = []


def test_a_network_that_comes_and_goes_loses_nothing_of_an_answer(chat: Any) -> None:
    chat.ask("Hello", "words").until_text("You")
    for _ in range(3):
        chat.page.context.set_offline(True)
        chat.hook("away-words").get_by_text("You are offline.").wait_for()
        chat.page.context.set_offline(False)
        chat.hook("away").wait_for(state="hidden")
    chat.until_done()
    assert chat.questions == ["Hello"]
    assert chat.drawn() == chat.rendered(chat.message()["content"])
    chat.problems = [each for each in chat.problems if "ERR_INTERNET_DISCONNECTED" not in each]
