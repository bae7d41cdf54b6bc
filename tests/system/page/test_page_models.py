"""The list of models: searched, by keyboard and finger, with what is known; and the shortcuts."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.slow

BRIEF = "truncated"


def many(route: Any) -> None:
    known = route.fetch().json()
    facts = {f"m-{n}": {"context": 1000 * n, "pictures": n % 2 == 0, "thinking": "never"} for n in range(1, 60)}
    facts["m-7"] |= {"price": {"prompt": 1, "completion": 2, "currency": "USD"}, "thinking": "always"}
    known["providers"].append({"name": "router", "models": list(facts), "facts": facts})
    route.fulfill(json=known)


@pytest.fixture
def chat(reader: Callable[..., Any]) -> Any:
    chat = reader()
    chat.page.route("**/api/v1/providers", many)
    return chat.open()


def options(chat: Any) -> list[str]:
    found: list[str] = chat.page.locator("[role=option] b").all_inner_texts()
    return found


@pytest.mark.parametrize("width", ["wide", "phone"])
def test_the_search_stays_where_it_is_while_options_go(reader: Callable[..., Any], width: str) -> None:
    chat = reader(width=width)
    chat.page.route("**/api/v1/providers", many)
    chat.open().ask("Hello", BRIEF).until_done()
    chat.hook("picker").click()
    search = chat.page.get_by_role("combobox", name="Search models")
    box = search.bounding_box()
    for words, found in (("m-7", 1), ("nothing like it", 0)):
        search.fill(words)
        assert len(options(chat)) == found and search.bounding_box() == box


def test_models_are_found_and_picked_by_keyboard(chat: Any) -> None:
    picker, keyboard = chat.hook("picker"), chat.page.keyboard
    picker.focus()
    keyboard.press("Enter")
    search = chat.page.get_by_role("combobox", name="Search models")
    search.wait_for()
    assert picker.get_attribute("aria-expanded") == "true" and len(options(chat)) > 60
    keyboard.type("router 7k")
    assert options(chat) == ["m-7", "m-17", "m-27", "m-37", "m-47", "m-57"]
    assert (
        "always thinks · 7k tokens of room · USD 1 in, 2 out" in chat.page.locator("[role=option]").first.inner_text()
    )
    keyboard.press("ArrowDown")
    active = search.get_attribute("aria-activedescendant")
    assert chat.page.locator(f"#{active} b").inner_text() == "m-17"
    keyboard.press("ArrowUp")
    keyboard.press("Enter")
    assert picker.inner_text() == "m-7" and chat.page.evaluate("document.activeElement.matches('[data-picker]')")
    assert chat.hook("thinking-toggle").is_hidden()  # it always thinks: there is nothing to choose
    keyboard.press("Enter")
    assert chat.page.locator(".models-group").first.inner_text() == "Recent" and options(chat)[0] == "m-7"
    chat.page.get_by_role("button", name="Pictures").click()
    assert "m-7" not in options(chat) and "m-8" in options(chat)
    keyboard.press("Escape")
    assert search.count() == 0 and picker.get_attribute("aria-expanded") == "false"
    chat.choose(BRIEF)
    assert chat.hook("thinking-toggle").is_visible()


def test_escape_in_the_list_stops_no_answer(chat: Any) -> None:
    chat.ask("Hello", "slow")
    chat.hook("picker").click()
    chat.page.get_by_role("combobox", name="Search models").press("Escape")
    assert chat.hook("stop").is_visible() and chat.hook("stop").is_enabled()
    chat.page.keyboard.press("Escape")
    chat.until_done()


def test_the_list_fits_on_a_phone(reader: Callable[..., Any]) -> None:
    chat = reader(width="phone", has_touch=True, is_mobile=True)
    chat.page.route("**/api/v1/providers", many)
    chat.open().hook("picker").tap()
    box = chat.page.locator(".models").bounding_box()
    assert box["x"] == 0 and box["width"] == 390 and box["y"] > 150 and box["y"] + box["height"] <= 844
    assert chat.page.evaluate("document.activeElement.matches('.models')")  # a keyboard would cover the options
    chat.page.keyboard.type("m-3")  # one that is there already
    assert chat.page.get_by_role("combobox", name="Search models").input_value() == "m-3"
    chat.page.locator("[role=option]", has_text="m-3").first.tap()
    assert chat.hook("picker").inner_text().startswith("m-3")


def test_the_sheet_names_the_shortcuts_and_they_work(chat: Any) -> None:
    keyboard = chat.page.keyboard
    chat.hook("prompt").press("?")
    assert chat.hook("prompt").input_value() == "?"  # in a text it is a question mark
    chat.write("")
    chat.ask("Hello", BRIEF).until_done()
    chat.hook("picker").focus()
    keyboard.press("?")
    sheet = chat.page.get_by_role("dialog", name="Keyboard shortcuts")
    sheet.wait_for()
    assert "Stop the answer" in sheet.inner_text() and "This sheet, while you write" in sheet.inner_text()
    keyboard.press("Escape")
    sheet.wait_for(state="hidden")
    keyboard.press("/")
    assert chat.page.evaluate("document.activeElement.matches('[data-prompt]')")
    keyboard.press("Control+/")
    sheet.wait_for()
    chat.page.get_by_role("button", name="Close", exact=True).click()
    keyboard.press("Control+Shift+KeyO")
    chat.page.wait_for_url(chat.url + "/")
