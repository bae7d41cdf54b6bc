"""Everything by the keyboard: from the top of the page to an answer, and through all that opens."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.slow

BRIEF = "truncated"
# What has the focus, and whether that can be seen: an outline, or a frame that changes.
FOCUS = """() => {
    const node = document.activeElement;
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(node);
    const box = node.getBoundingClientRect();
    return {
        name: node.getAttribute("aria-label") || node.labels?.[0]?.innerText || node.innerText?.trim() || node.localName,
        hook: Object.keys(node.dataset).join(" "),
        ring: (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none" || node.matches("textarea, input, [data-prompt]"),
        seen: box.width > 0 && box.height > 0 && box.top < innerHeight && box.bottom > 0,
        body: node === document.body,
    };
}"""


def walk(chat: Any, most: int = 60) -> list[dict[str, Any]]:
    """All that has the focus in turn, from the top of the page until it is left or comes round."""
    chat.page.evaluate("document.querySelector('.skip').focus()")
    found = [chat.page.evaluate(FOCUS)]
    for _ in range(most):
        chat.page.keyboard.press("Tab")
        at = chat.page.evaluate(FOCUS)
        if at["body"] or at == found[0]:
            break
        found.append(at)
    return found


def test_every_control_is_reached_is_seen_and_has_a_name(chat: Any) -> None:
    chat.ask("First", BRIEF).until_done()
    chat.ask("Second", "think").until_done()
    seen = walk(chat)
    assert [each for each in seen if not (each["ring"] and each["seen"] and each["name"])] == []
    hooks = " ".join(each["hook"] for each in seen)
    for hook in (
        *("search", "link", "pin", "rename", "delete", "themeButton", "shortcuts", "share", "edit", "copyAnswer"),
        *("regenerate", "replay", "prompt", "attach", "picker", "thinkingToggle", "offerSummary"),
    ):
        assert hook in hooks, f"{hook} is not reached: {hooks}"
    chat.hook("offer-summary").focus()
    back = []
    for _ in range(5):
        chat.page.keyboard.press("Shift+Tab")
        back.append(chat.page.evaluate(FOCUS)["hook"])
    at = [each["hook"] for each in seen].index("offerSummary")
    assert back == [each["hook"] for each in seen[at - 5 : at]][::-1]


def test_a_question_is_asked_stopped_edited_and_shared_without_a_mouse(chat: Any) -> None:
    keys = chat.page.keyboard
    chat.hook("picker").focus()
    keys.press("Enter")
    chat.page.locator(".models-search:focus").wait_for()
    keys.type("slow")
    chat.page.locator("[role=option].at", has_text="slow").wait_for()
    keys.press("Enter")
    chat.page.wait_for_function("() => document.activeElement.matches('[data-picker]')")
    keys.press("/")
    keys.type("By keyboard")
    keys.press("Enter")
    chat.until_text("You")
    keys.press("Escape")
    chat.until_done()
    chat.page.locator("[data-role=user] [data-edit]").focus()
    keys.press("Enter")
    chat.page.locator("[data-edit-form] textarea:focus").wait_for()
    keys.press("Control+A")
    keys.type("In other words")
    keys.press("Enter")
    chat.page.locator("[data-role=user]", has_text="In other words").wait_for()
    chat.until_text("You")
    keys.press("Escape")
    chat.until_done()
    chat.hook("share").focus()
    keys.press("Enter")
    chat.hook("share-go").wait_for()
    chat.page.wait_for_function("() => document.activeElement.closest('[data-share-dialog]')")
    keys.press("Escape")
    chat.page.wait_for_function("() => document.activeElement.matches('[data-share]')")


@pytest.mark.parametrize("opener", ["share", "shortcuts", "search"])
def test_a_dialog_keeps_the_focus_and_gives_it_back(chat: Any, opener: str) -> None:
    chat.ask("First", BRIEF).until_done()
    chat.hook(opener).focus()
    chat.page.keyboard.press("Enter")
    chat.page.locator("dialog[open]").wait_for()
    for key in ["Tab"] * 6 + ["Shift+Tab"] * 6:
        chat.page.keyboard.press(key)
        inside = "() => document.activeElement === document.body || Boolean(document.activeElement.closest('dialog'))"
        assert chat.page.evaluate(inside)
    chat.page.keyboard.press("Escape")
    chat.page.locator("dialog[open]").wait_for(state="detached")
    assert chat.page.evaluate("hook => document.activeElement.matches(`[data-${hook}]`)", opener)


def test_a_dialog_that_a_menu_opened_gives_the_focus_back_to_the_menu(chat: Any) -> None:
    chat.hook("menu").locator("summary").click()
    chat.hook("settings").click()
    chat.hook("settings-save").wait_for()
    chat.page.keyboard.press("Escape")
    chat.hook("settings-dialog").wait_for(state="detached")
    assert chat.hook("menu").evaluate("menu => document.activeElement === menu.querySelector('summary')")


@pytest.mark.parametrize("hook", ["menu", "list-menu", "offer"])
def test_a_menu_opens_and_closes_and_the_focus_stays_at_it(chat: Any, hook: str) -> None:
    chat.ask("First", BRIEF).until_done()
    summary = chat.hook(hook).locator("summary").first
    summary.wait_for()
    summary.focus()
    chat.page.keyboard.press("Enter")
    chat.page.keyboard.press("Tab")
    assert chat.hook(hook).evaluate("menu => menu.open && menu.contains(document.activeElement)")
    chat.page.keyboard.press("Escape")
    assert chat.hook(hook).evaluate("menu => !menu.open && document.activeElement === menu.querySelector('summary')")


def test_on_a_phone_the_drawer_keeps_the_focus_and_gives_it_back(reader: Callable[..., Any]) -> None:
    chat = reader(width="phone").open()
    chat.ask("First", BRIEF).until_done()
    chat.hook("drawer-open").focus()
    chat.page.keyboard.press("Enter")
    chat.hook("drawer").wait_for()
    chat.page.wait_for_function("() => document.activeElement.closest('[data-drawer]')")
    chat.page.keyboard.press("Escape")
    chat.hook("drawer").wait_for(state="hidden")
    assert chat.page.evaluate("document.activeElement.matches('[data-drawer-open]')")
