"""The page on a phone, in the dark, without a mouse, and for screen readers."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.slow

LIGHT_OF_PAGE = "() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"


def furnish(chat: Any) -> None:
    """A conversation with everything in it."""
    chat.ask("Hello\nwith a line", "tool").until_done()
    chat.answer.locator("[data-tool] summary").click()
    chat.ask("And a very_long_word_" + "x" * 200, "think").until_text("You asked")
    chat.hook("stop").click()
    chat.until_done()
    chat.answer.locator("[data-thinking] summary").click()
    chat.ask("Fail", "fail-late").until_done()


def test_every_text_can_be_read_and_nothing_sticks_out(chat: Any) -> None:
    assert chat.faint_texts() == []
    furnish(chat)
    for size in (chat.WIDE, chat.PHONE):
        chat.page.set_viewport_size(size)
        assert chat.page.evaluate("document.documentElement.scrollWidth") == size["width"]
        scroller = chat.hook("scroller")
        assert scroller.evaluate("box => box.scrollWidth") <= scroller.evaluate("box => box.clientWidth")
        for scheme in ("light", "dark"):
            chat.dress(scheme)
            assert chat.faint_texts() == []
            assert (sum(chat.page.evaluate(LIGHT_OF_PAGE)) > 600) == (scheme == "light")


def test_on_the_narrowest_screen_words_have_room_beside_buttons(reader: Callable[..., Any]) -> None:
    chat = reader().open()
    chat.ask("Fail", "fail-late").until_done()
    chat.page.set_viewport_size({"width": 320, "height": 640})
    box, words = (chat.answer.locator(each).bounding_box() for each in ("[data-failure]", "[data-failure] p"))
    assert words["width"] > 0.7 * box["width"]
    chat.hook("share").click()
    chat.hook("share-go").click()
    chat.hook("share-take-back").wait_for()
    buttons = chat.page.locator(".dialog-row .button:visible").all()
    assert len({button.bounding_box()["height"] for button in buttons}) == 1 < len(buttons)
    line = buttons[0].evaluate("button => parseFloat(getComputedStyle(button).lineHeight)")
    assert buttons[0].bounding_box()["height"] < 2 * line  # one line each


def test_a_chosen_colour_scheme_stays(reader: Callable[..., Any]) -> None:
    chat = reader(color_scheme="light").open()
    while chat.hook("theme-label").inner_text() != "Dark":
        chat.hook("theme-button").click()
    for _ in range(2):
        assert sum(chat.page.evaluate(LIGHT_OF_PAGE)) < 200
        chat.reload()


def test_on_a_phone_the_list_is_a_drawer(reader: Callable[..., Any]) -> None:
    chat = reader(width="phone").open()
    chat.ask("First question", "truncated").until_done()
    drawer = chat.hook("drawer")
    assert drawer.is_hidden()
    chat.hook("drawer-open").click()
    assert drawer.is_visible()
    assert chat.hook("drawer-close").evaluate("button => button === document.activeElement")
    assert chat.hook("main").evaluate("main => main.inert")
    chat.page.keyboard.press("Escape")
    drawer.wait_for(state="hidden")
    assert chat.hook("drawer-open").evaluate("button => button === document.activeElement")
    chat.hook("drawer-open").click()
    chat.hook("new-chat").click()
    drawer.wait_for(state="hidden")
    assert chat.questions == []


def test_on_a_phone_the_prompt_stays_above_the_keyboard(reader: Callable[..., Any]) -> None:
    chat = reader(width="phone").open()
    chat.ask("Hello", "truncated").until_done()
    chat.page.set_viewport_size({"width": 390, "height": 420})  # what a keyboard leaves
    box = chat.hook("composer").bounding_box()
    assert box["y"] + box["height"] <= 420 and box["y"] > 150


def test_all_of_it_works_without_a_mouse(chat: Any) -> None:
    chat.choose("slow")
    chat.page.locator(".brand").focus()
    press, focused = chat.page.keyboard.press, "document.activeElement.dataset"
    press("Shift+Tab")
    assert chat.page.evaluate("document.activeElement.className") == "skip"
    press("Enter")
    assert "prompt" in chat.page.evaluate(focused)
    chat.page.keyboard.type("Hello")
    press("Enter")
    chat.until_text("You")
    while "stop" not in chat.page.evaluate(focused):
        press("Tab")
        assert chat.page.evaluate("document.activeElement !== document.body"), "Stop was not reached"
    press("Enter")
    chat.until_done()
    assert "prompt" in chat.page.evaluate(focused)
    while "regenerate" not in chat.page.evaluate(focused):
        press("Shift+Tab")
        assert chat.page.evaluate("document.activeElement !== document.body"), "Regenerate was not reached"
    assert chat.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    chat.choose("words")
    chat.answer.locator("[data-regenerate]").focus()
    press("Enter")
    chat.until_text("You asked")


def test_the_text_is_no_live_region_and_the_end_is_said_once(chat: Any) -> None:
    chat.page.evaluate(
        """() => {
            window.said = [];
            const node = document.querySelector("[data-announcer]");
            new MutationObserver(() => window.said.push(node.textContent)).observe(node, { childList: true });
        }"""
    )
    chat.ask("Hello").until_done()
    assert chat.page.evaluate("window.said") == ["The answer is complete."]
    assert chat.page.locator("[data-thread] :is([aria-live], [role=status], [role=alert], [role=log])").count() == 0


def test_motion_is_reduced_for_those_who_ask(reader: Callable[..., Any]) -> None:
    chat = reader(reduced_motion="reduce").open()
    chat.ask("Hello", "silent")
    dots = chat.answer.locator(".pending-dots")
    assert dots.evaluate("dot => getComputedStyle(dot).animationName") == "none"
    chat.hook("stop").click()
    chat.until_done()


def test_without_scripts_the_conversation_can_still_be_read(reader: Callable[..., Any]) -> None:
    chat = reader().open()
    chat.ask("Hello", "truncated").until_done()
    state = chat.page.context.storage_state()
    plain = reader(java_script_enabled=False, storage_state=state)
    plain.page.goto(chat.page.url)
    assert plain.questions == ["Hello"]
    assert "You asked" in plain.answer.inner_text()


def test_a_table_that_scrolls_shows_at_which_side(reader: Callable[..., Any]) -> None:
    """The last column is empty, so what is seen of it is the ground alone."""
    table = f"| {'A head ' * 12} | {'Another ' * 12} | |\n|---|---|---|\n" + "| a | b | |\n" * 3
    chat = reader(width="phone").open()
    chat.answer_with(
        ("content_delta", {"delta": table}),
        ("completed", {"content": table, "finish_reason": "stop", "usage": None, "timing": None}),
    )
    box = chat.answer.locator(".table-box")
    box.evaluate("box => box.querySelectorAll('th, td').forEach((cell) => (cell.style.color = 'transparent'))")
    seen = []
    for at in (0, 100_000):
        box.evaluate("(box, at) => (box.scrollLeft = at)", at)
        where = box.bounding_box()
        edge = {"x": where["x"] + where["width"] - 12, "y": where["y"] + where["height"] / 2, "width": 10, "height": 4}
        seen.append(chat.page.screenshot(clip=edge, animations="disabled"))
    assert seen[0] != seen[1]
