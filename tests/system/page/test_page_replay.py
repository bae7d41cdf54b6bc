"""A finished answer once more, and the probe's page."""

import json
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def test_a_finished_answer_is_replayed_from_any_moment(chat: Any) -> None:
    chat.ask("Hello", "think").until_done()
    whole = chat.drawn()
    chat.answer.locator("[data-replay]").click()
    bar = chat.answer.locator("[data-replay-bar]")
    bar.locator("[data-replay-play]", has_text="Pause").wait_for()
    chat.answer.locator("[data-thinking][data-active]").wait_for()  # it begins with the thought
    bar.locator("[data-replay-play]").click()
    bar.locator("[data-replay-play]", has_text="Play").wait_for()
    slider = bar.locator("[data-replay-position]")
    slider.evaluate("box => { box.value = box.max * 0.8; box.dispatchEvent(new Event('input', { bubbles: true })); }")
    chat.until_text("I am the mock")
    assert chat.answer.get_attribute("data-status") == "running" and chat.drawn() != whole
    bar.locator("[data-replay-pace]").select_option("16")
    bar.locator("[data-replay-play]").click()
    chat.until_done()
    assert chat.drawn() == whole and slider.input_value() == slider.get_attribute("max")
    bar.locator("[data-replay-close]").click()
    bar.wait_for(state="hidden")
    assert chat.answer.locator("[data-replay]").evaluate("button => button === document.activeElement")
    chat.ask("Again", "truncated").until_done()


def test_all_of_a_long_answer_is_there_at_the_end_of_its_replay(chat: Any) -> None:
    text = "The stone lets the **water** pass.\n\n" * 2000
    timing = {"first_byte_ms": 1, "first_token_ms": 1, "total_ms": 2000}
    delta = ("content_delta", {"delta": text})
    end = ("completed", {"content": text, "finish_reason": "stop", "usage": None, "timing": timing})
    chat.answer_with(delta, end)
    drawn = chat.answer.locator("[data-content] strong")
    drawn.nth(1999).wait_for()
    frame = f"event: content_delta\nid: 1\ndata: {json.dumps(delta[1])}\n\n"
    headers = {"Content-Type": "text/event-stream"}
    chat.page.route("**/events?pace=*", lambda route: route.fulfill(headers=headers, body=frame))
    chat.answer.locator("[data-replay]").click()
    play = chat.answer.locator("[data-replay-play]")
    play.get_by_text("Play").wait_for()  # the connection is lost, so it is at the end
    drawn.nth(1999).wait_for()
    play.click()
    chat.answer.locator("[data-replay-close]").click()
    drawn.nth(1999).wait_for()


def test_the_probe_draws_the_ticks_and_says_that_they_come_one_by_one(chat: Any) -> None:
    chat.page.goto(f"{chat.url}/probe")
    chat.page.locator("[data-probe-ticks] tr").nth(2).wait_for()
    assert chat.hook("probe-start").is_disabled()
    chat.page.locator("[data-probe-verdict]:not([hidden])").wait_for()
    assert "one by one" in chat.hook("probe-says").inner_text()
    assert chat.page.locator("[data-probe-picture] circle").count() == 16
    chat.page.set_viewport_size({"width": 320, "height": 640})
    words = chat.page.locator("[data-probe-picture] text").all()
    assert min(word.bounding_box()["height"] for word in words) > 9  # small, and still to be read
    assert chat.hook("probe-change").is_hidden()


def test_the_probe_names_the_line_if_something_holds_the_ticks_back(chat: Any) -> None:
    ticks = "".join(f'event: tick\ndata: {{"n": {n}, "count": 8, "sent_ms": {500 * n}}}\n\n' for n in range(8))
    headers = {"Content-Type": "text/event-stream", "Server": "nginx/1.22.1"}
    chat.page.route("**/sse_probe?*", lambda route: route.fulfill(body=ticks, headers=headers))
    chat.page.goto(f"{chat.url}/probe")
    chat.page.locator("[data-probe-lines]", has_text="proxy_buffering off;").wait_for()
    assert "nginx" in chat.hook("probe-hop").inner_text()
