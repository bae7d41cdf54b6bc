"""How the page stands: on a phone, in the dark, without a mouse, and for those who listen."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.slow

# Texts whose contrast with what is behind them is below 4.5 to 1 (3 to 1 for large ones), as WCAG AA asks.
TOO_FAINT = """() => {
    const parse = (colour) => {
        const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
        const context = canvas.getContext("2d");
        context.fillStyle = colour;
        context.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = (top, under) => [0, 1, 2].map((at) => top[at] * top[3] + under[at] * (1 - top[3])).concat(1);
    const ground = (node) => {
        const colour = parse(getComputedStyle(node).backgroundColor);
        return colour[3] === 1 || !node.parentElement ? colour : over(colour, ground(node.parentElement));
    };
    const light = (colour) => {
        const [r, g, b] = colour.slice(0, 3).map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const found = [];
    for (const node of document.querySelectorAll("body *")) {
        const own = [...node.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
        if (!own || !node.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || node.disabled) continue;
        if (node.closest("template, script, option, optgroup")) continue;
        const style = getComputedStyle(node);
        const back = ground(node);
        const [a, b] = [light(over(parse(style.color), back)), light(back)].sort((x, y) => y - x);
        const ratio = (a + 0.05) / (b + 0.05);
        const large = parseFloat(style.fontSize) >= 24;
        if (ratio < (large ? 3 : 4.5)) found.push(`${ratio.toFixed(2)} ${node.className || node.localName}: ${node.textContent.trim().slice(0, 40)}`);
    }
    return found;
}"""

LIGHT_OF_PAGE = "() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"


def furnish(chat: Any) -> None:
    """A conversation with everything in it."""
    chat.ask("Hello\nwith a line", "tool").until_done()
    chat.answer.locator("[data-tool] summary").click()
    chat.ask("And a very_long_word_" + "x" * 200, "think").until_done()
    chat.answer.locator("[data-thinking] summary").click()
    chat.ask("Fail", "fail-late").until_done()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", ["wide", "phone"])
def test_every_text_can_be_read_and_nothing_sticks_out(reader: Callable[..., Any], scheme: str, width: str) -> None:
    chat = reader(width=width, color_scheme=scheme).open()
    assert chat.page.evaluate(TOO_FAINT) == []
    furnish(chat)
    assert chat.page.evaluate(TOO_FAINT) == []
    assert chat.page.evaluate("document.documentElement.scrollWidth") == chat.page.viewport_size["width"]
    scroller = chat.hook("scroller")
    assert scroller.evaluate("box => box.scrollWidth") <= scroller.evaluate("box => box.clientWidth")
    red, green, blue = chat.page.evaluate(LIGHT_OF_PAGE)
    assert (red + green + blue > 600) == (scheme == "light")


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
    chat.ask("Hello").until_done()
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
    chat.until_text("That is all I have to say.")


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
    chat.ask("Hello").until_done()
    state = chat.page.context.storage_state()
    plain = reader(java_script_enabled=False, storage_state=state)
    plain.page.goto(chat.page.url)
    assert plain.questions == ["Hello"]
    assert "That is all I have to say." in plain.answer.inner_text()
