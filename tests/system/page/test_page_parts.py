"""The parts of an answer in the order in which they came, and what it is at while it runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

# It waits for 9 s and writes for as long, so that a slow reload comes back before its end.
UNHURRIED = '[providers.mock]\ntype = "mock"\ninterval_s = 0.06\n'


def call(number: int) -> list[tuple[str, dict[str, Any]]]:
    name = f"tool{number}"
    return [
        ("tool_call", {"id": str(number), "type": "function", "name": name, "arguments": {}}),
        ("tool_result", {"tool_call_id": str(number), "result": number}),
    ]


def end(content: str) -> tuple[str, dict[str, Any]]:
    timing = {"first_byte_ms": 40, "first_token_ms": 500, "total_ms": 10_500}
    usage = {"prompt": 12, "completion": 200, "total": 212, "reasoning": 50, "cached": 4, "estimated": False}
    return (
        "completed",
        {
            "content": content,
            "finish_reason": "stop",
            "usage": {**usage, "cost": 0.02, "currency": "USD"},
            "timing": timing,
        },
    )


OTHER = {"provider": "spare", "model": "spare-1"}
IN_ORDER = """(parts) => [...parts.children].filter((each) => !each.hidden).map((each) => [
    Object.keys(each.dataset)[0], each.querySelector("[data-tool-name]")?.textContent
        ?? each.querySelector("[data-reasoning]")?.textContent ?? each.textContent])"""


def test_parts_stand_in_the_order_in_which_they_came(chat: Any) -> None:
    chat.answer_with(
        ("reasoning_delta", {"delta": "First"}),
        ("content_delta", {"delta": "I look it "}),
        ("content_delta", {"delta": "up."}),
        *call(1),
        *call(2),
        ("reasoning_delta", {"delta": "Second"}),
        ("content_delta", {"delta": "The result"}),
        *call(3),
        ("content_delta", {"delta": "is **4**."}),
        end("I look it up.The resultis **4**."),
    )
    assert chat.answer.locator("[data-parts]").evaluate(IN_ORDER) == [
        ["thinking", "First"],
        ["content", "I look it up."],
        ["tools", "tool1"],
        ["thinking", "Second"],
        ["content", "The result"],
        ["tools", "tool3"],
        ["content", "is 4."],
    ]
    assert chat.answer.locator("[data-tool]").count() == 3
    assert chat.answer.locator("details[data-thinking][open]").count() == 0


def test_the_figures_of_an_answer_can_be_looked_up(chat: Any) -> None:
    chat.answer_with(("content_delta", {"delta": "Hello"}), end("Hello"))
    chat.answer.locator("[data-meta]").click()
    told = chat.answer.locator("[data-figures]")
    told.locator("dt").first.wait_for()
    names = told.locator("dt").all_inner_texts()
    figures = dict(zip(names, told.locator("dd").all_inner_texts(), strict=True))
    assert figures["Time to first token"] == "0.5 s" and figures["Total time"] == "10.5 s"
    assert figures["Tokens in"] == "12 (4 cached)" and figures["Tokens out"] == "200 (50 thinking)"
    assert figures["Tokens/s"] == "20" and figures["Cost"] == "$0.02"
    chat.page.keyboard.press("Escape")
    assert told.is_hidden()


def test_all_figures_of_a_short_answer_are_in_view(chat: Any) -> None:
    chat.ask("Hello", "media").until_done()
    chat.answer.locator("[data-meta]").click()
    told = chat.answer.locator("[data-figures]")
    told.locator("dt").first.wait_for()
    box, scroller = told.bounding_box(), chat.hook("scroller").bounding_box()
    assert scroller["y"] <= box["y"] and box["y"] + box["height"] <= scroller["y"] + scroller["height"]


@pytest.mark.parametrize("model", ["truncated", "media"])
def test_what_an_answer_took_is_told_when_it_ends_as_well_as_later(chat: Any, model: str) -> None:
    told: list[tuple[str, bool, list[str]]] = []
    chat.ask("Hello", model).until_done()
    for look in (lambda: None, chat.reload):
        look()
        chat.answer.locator("[data-meta]").click()
        chat.answer.locator("[data-figures] dt").first.wait_for()
        figures = chat.answer.locator("[data-figures]").all_inner_texts()
        can_replay = chat.answer.locator("[data-replay]").is_visible()
        told.append((chat.answer.locator("[data-meta]").inner_text(), can_replay, figures))
    assert told[0] == told[1] and told[0][1]
    assert chat.message()["trace_id"] in told[0][2][0]


def test_the_model_that_answered_is_named(chat: Any) -> None:
    name, done = end("Hello")
    chat.answer_with(("content_delta", {"delta": "Hello"}), (name, {**done, "answered_by": OTHER}))
    assert chat.answer.locator("[data-meta]").inner_text().startswith("spare-1 · ")
    chat.answer.locator("[data-meta]").click()
    chat.answer.locator("[data-figures] dd").first.get_by_text("spare / spare-1").wait_for()


def test_a_running_answer_says_what_it_is_at(chat: Any) -> None:
    label = chat.page.locator("[data-role=assistant] [data-pending-label]").last
    chat.ask("Hello", "silent")
    label.get_by_text("Waiting for mock").wait_for()
    chat.answer.locator("[data-pending-clock]").get_by_text(" s").wait_for()
    chat.hook("stop").click()
    chat.until_done()
    assert chat.answer.locator("[data-pending]").is_hidden()
    chat.ask("Hello", "slow").until_text("You")
    label.get_by_text("Writing…").wait_for()
    chat.hook("stop").click()
    chat.until_done()


def test_a_wait_in_the_provider_s_queue_is_told_with_a_clock_until_the_turn_comes(
    own_server: Callable[..., Any], reader: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "chatapp.toml").write_text(UNHURRIED)
    chat = reader(url=own_server(CHATAPP_CONFIG=str(tmp_path / "chatapp.toml")).url).open()
    chat.ask("Hello", "queued")
    label = chat.answer.locator("[data-pending-label]")
    label.get_by_text("Queued at mock").wait_for()
    chat.answer.locator("[data-pending-clock]", has_text="2").wait_for()
    chat.reload()
    chat.answer.locator("[data-pending-label]", has_text="Writing").wait_for()
    chat.until_text("You asked")
    chat.hook("stop").click()
    chat.until_done()
    assert chat.answer.locator("[data-pending]").is_hidden()
