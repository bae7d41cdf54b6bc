"""The page loses nothing of an answer and shows nothing twice: reloads, tabs, a server that goes
away."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def test_a_reload_in_the_middle_shows_all_of_it_once(chat: Any) -> None:
    chat.ask("Hello", "words").until_text("I am the mock")
    chat.reload().until_text("I am the mock")
    assert chat.message()["status"] == "running"
    chat.reload().until_done()
    assert chat.drawn() == chat.rendered(chat.message()["content"])
    assert chat.questions == ["Hello"]


def test_a_reloaded_finished_answer_is_drawn_as_it_was(chat: Any) -> None:
    chat.ask("Hello").until_done()
    drawn = chat.drawn()
    assert chat.reload().drawn() == drawn == chat.rendered(chat.message()["content"])


def test_two_tabs_watch_one_answer(reader: Callable[..., Any]) -> None:
    first = reader().open()
    first.ask("Hello").until_text("You asked")
    second = reader(beside=first).open(first.page.url.removeprefix(first.url))
    for tab in (first, second):
        tab.until_done()
    assert first.drawn() == second.drawn() == first.rendered(first.message()["content"])
    assert first.questions == second.questions == ["Hello"]


def test_a_tab_learns_what_another_asks_and_stops_in_the_same_conversation(reader: Callable[..., Any]) -> None:
    first = reader().open()
    first.ask("First", "truncated").until_done()
    second = reader(beside=first).open(first.page.url.removeprefix(first.url))
    first.ask("Second", "slow").until_text("You")
    second.answers.nth(1).wait_for()
    second.until_text("You")
    assert second.questions == ["First", "Second"]
    second.hook("stop").click()
    for tab in (first, second):
        tab.until_done()
        assert tab.answer.locator("[data-ending]").inner_text() == "You stopped this answer."
    assert first.drawn() == second.drawn()


def test_an_answer_goes_on_while_another_conversation_is_read(chat: Any) -> None:
    chat.ask("First", "truncated").until_done()
    chat.new_chat()
    chat.ask("Second").until_text("You asked")
    second = chat.page.url
    chat.page.locator("[data-link]", has_text="First").click()
    chat.page.locator("[data-text]", has_text="First").wait_for()
    assert chat.hook("send").is_visible()
    chat.page.locator("[data-link]", has_text="Second").click()
    chat.page.wait_for_url(second)
    chat.until_text("You asked").until_done()
    assert chat.questions == ["Second"]
    assert chat.drawn() == chat.rendered(chat.message()["content"])


def test_a_killed_server_that_comes_back_leaves_what_was_shown_and_says_so(
    own_server: Callable[..., Any], reader: Callable[..., Any]
) -> None:
    server = own_server()
    chat = reader(url=server.url).open()
    chat.ask("Hello", "slow").until_text("You asked")
    port = server.port
    server.kill()
    shown = chat.answer.locator("[data-content]").inner_text()
    chat.answer.locator("[data-pending-label]", has_text="Reconnecting").wait_for()
    server.start(port)
    chat.until_done()
    assert chat.message()["finish_reason"] == "interrupted"
    assert chat.answer.locator("[data-content]").inner_text().startswith(shown)
    assert chat.drawn() == chat.rendered(chat.message()["content"])
    assert chat.answer.locator("[data-retry]").is_visible()
    chat.expect_problem("ERR_")


def test_an_answer_whose_stream_cannot_be_opened_is_read_whole_when_it_is_done(chat: Any) -> None:
    chat.page.route("**/events", lambda route: route.fulfill(status=204))
    chat.ask("Hello").until_done()
    chat.page.wait_for_function(
        "drawn => document.querySelector('[data-role=assistant]:last-child [data-content]').innerHTML === drawn",
        arg=chat.rendered(chat.message()["content"]),
    )
    assert chat.answer.locator("[data-pending]").is_hidden()


def test_an_answer_that_is_gone_says_so_instead_of_waiting(chat: Any) -> None:
    gone = '{"error": {"code": "not_found", "message": "no such message", "trace_id": "t"}}'
    chat.page.route("**/events", lambda route: route.fulfill(status=404))
    chat.page.route("**/api/v1/messages/msg_*", lambda route: route.fulfill(status=404, body=gone))
    chat.ask("Hello").until_done()
    assert "no longer on the server" in chat.answer.locator("[data-failure]").inner_text()
    chat.expect_problem("404")


def test_instructions_to_the_model_are_no_part_of_the_talk(chat: Any) -> None:
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
    asked = chat.page.request.post(f"{chat.url}/api/v1/messages", data={"model": "mock/truncated", "messages": turns})
    chat.open(f"/c/{asked.json()['conversation_id']}").until_done()
    assert chat.questions == ["Hello"]
    assert "Be brief." not in chat.hook("thread").inner_text()


def test_a_reset_forgets_what_came_before_it(chat: Any) -> None:
    chat.answer_with(
        ("reasoning_delta", {"delta": "void"}),
        ("content_delta", {"delta": "void "}),
        ("tool_call", {"id": "1", "type": "function", "name": "void", "arguments": {}}),
        ("reset", {"reason": "another attempt"}),
        ("content_delta", {"delta": "what **counts**"}),
        ("completed", {"content": "what **counts**", "finish_reason": "length", "usage": None, "timing": None}),
    )
    chat.answer.locator("[data-content] strong").wait_for()  # drawn, once the library has come
    assert chat.answer.locator("[data-content]").inner_text() == "what counts"
    assert "void" not in chat.answer.inner_text()
    assert chat.answer.locator("[data-ending]").inner_text() == "The answer reached its length limit and stops here."


def test_the_steps_of_a_plan_are_listed(chat: Any) -> None:
    chat.answer_with(
        ("plan_step", {"index": 1, "text": "Look"}),
        ("plan_step", {"index": 2, "text": "Leap"}),
        ("completed", {"content": "", "finish_reason": "stop", "usage": None, "timing": None}),
    )
    assert chat.answer.locator("[data-steps] li").all_inner_texts() == ["Look", "Leap"]


def test_a_real_model_answers_and_a_reload_loses_nothing(chat: Any) -> None:
    offered = chat.page.request.get(f"{chat.url}/api/v1/providers").json()["providers"]
    models = {provider["name"]: provider["models"] for provider in offered}
    if not models.get("local"):
        pytest.skip("the local model is not installed: make install")
    chat.ask("Write a long story about a river.", models["local"][0], provider="local")
    chat.page.locator("[data-content] > *").first.wait_for()
    chat.reload().page.locator("[data-content] > *").first.wait_for()
    chat.page.evaluate("document.querySelector('[data-stop]:not([hidden])')?.click()")  # it may be done by itself
    chat.until_done()
    message = chat.message()
    assert message["finish_reason"] in ("cancelled", "stop", "length") and len(message["content"]) > 20
    assert chat.drawn() == chat.rendered(message["content"])
