"""Files of a question: by button, paste and drop; kept, removed, shown later, and refused."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatapp.providers.mock.media import picture

pytestmark = pytest.mark.slow

BRIEF = "truncated"
GIVE = """([kind, name, type, data, text]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name, { type }));
    if (text) transfer.setData("text/plain", text);
    const field = kind === "paste" ? "clipboardData" : "dataTransfer";
    const event = new (kind === "paste" ? ClipboardEvent : DragEvent)(kind, { [field]: transfer, bubbles: true, cancelable: true });
    document.querySelector("[data-prompt]").dispatchEvent(event);
}"""
DRAW = """async ([width, height]) => {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    canvas.getContext("2d").fillRect(0, 0, width, height);
    return canvas.toDataURL("image/jpeg").split(",")[1];
}"""


def give(chat: Any, kind: str, name: str, type: str, data: bytes, text: str = "") -> None:
    """Paste or drop a file."""
    chat.page.evaluate(GIVE, [kind, name, type, base64.b64encode(data).decode(), text])


def test_what_is_dragged_over_the_page_sees_where_it_can_be_dropped(chat: Any) -> None:
    drag = """type => {
        const transfer = new DataTransfer();
        transfer.items.add(new File(["a"], "a.txt"));
        document.querySelector("[data-thread]").dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
    }"""
    target = chat.hook("drop")
    assert target.is_hidden()
    chat.page.evaluate(drag, "dragover")
    target.wait_for()
    box, page = target.bounding_box(), chat.hook("main").bounding_box()
    assert box["width"] * box["height"] > 0.9 * page["width"] * page["height"]
    chat.page.evaluate(drag, "dragleave")
    target.wait_for(state="hidden")


def names(chat: Any, count: int) -> list[str]:
    """Of the files of the draft, once so many are uploaded."""
    chat.page.locator(".attached-file:not([data-uploading])").nth(count - 1).wait_for()
    found: list[str] = chat.hook("attached-name").all_inner_texts()
    return found


def test_files_come_by_button_paste_and_drop_and_are_shown_in_the_question(chat: Any, tmp_path: Path) -> None:
    (tmp_path / "notes.py").write_text("print('a')")
    chat.choose(BRIEF)
    chat.hook("attach-input").set_input_files(tmp_path / "notes.py")
    assert names(chat, 1) == ["notes.py"]
    give(chat, "paste", "pasted.png", "image/png", picture())
    assert names(chat, 2) == ["notes.py", "pasted.png"]
    give(chat, "drop", "dropped.txt", "text/plain", b"not this one")
    assert names(chat, 3)[2] == "dropped.txt"
    chat.page.get_by_role("button", name="Remove dropped.txt").click()
    chat.reload()  # a draft keeps its files
    assert names(chat, 2) == ["notes.py", "pasted.png"]
    chat.hook("send").click()  # without a word
    chat.page.wait_for_url("**/c/*")
    chat.until_done()
    assert chat.hook("attached").is_hidden()
    for _ in range(2):
        files = chat.page.locator("[data-role=user] [data-files]")
        assert files.locator("a").all_inner_texts() == ["notes.py", ""]
        shown = files.locator("img")
        assert shown.get_attribute("alt") == "pasted.png" and shown.evaluate("each => each.decode().then(() => true)")
        chat.reload()
    assert chat.hook("attached").is_hidden()
    chat.hook("share").click()
    chat.hook("share-go").click()
    link = chat.hook("share-link")
    chat.page.wait_for_function("() => document.querySelector('[data-share-link]').value")
    chat.page.goto(link.input_value())
    assert chat.page.locator("[data-role=user] img").evaluate("each => each.decode().then(() => each.naturalWidth)") > 0


def test_text_that_comes_with_a_picture_of_it_stays_text(chat: Any) -> None:
    give(chat, "paste", "table.png", "image/png", picture(), text="a\tb")
    give(chat, "paste", "one.png", "image/png", picture())
    assert names(chat, 1) == ["one.png"]


def test_a_large_picture_is_made_smaller_here(chat: Any) -> None:
    large = base64.b64decode(chat.page.evaluate(DRAW, [3000, 1500]))
    give(chat, "drop", "large.jpg", "image/jpeg", large)
    assert names(chat, 1) == ["large.jpg"]
    size = chat.hook("attached-picture").evaluate(
        "each => each.decode().then(() => [each.naturalWidth, each.naturalHeight])"
    )
    assert size == [2048, 1024]


def test_what_is_refused_is_said_and_taken_away(chat: Any) -> None:
    give(chat, "drop", "a.zip", "application/zip", b"PK\x03\x04\0\0")
    chat.hook("notice-text").get_by_text("file: a.zip is of a type that no model takes").wait_for()
    assert chat.hook("attached").is_hidden() and chat.hook("send").is_disabled()
    chat.expect_problem("415")


def test_a_model_that_takes_no_pictures_is_named_before_anything_is_sent(reader: Callable[..., Any]) -> None:
    chat = reader()

    def blind(route: Any) -> None:
        known = route.fetch().json()
        for provider in known["providers"]:
            if provider["name"] == "mock":
                provider["facts"][BRIEF]["pictures"] = False
        route.fulfill(json=known)

    chat.page.route("**/api/v1/providers", blind)
    chat.open().choose(BRIEF)
    give(chat, "paste", "a.png", "image/png", picture())
    chat.page.get_by_text(f"{BRIEF} takes no pictures: choose another model, or remove them.").wait_for()
    assert chat.hook("send").is_disabled()
    chat.choose("words")
    chat.page.wait_for_function("() => !document.querySelector('[data-send]').disabled")
    assert chat.hook("attached-problem").is_hidden()


def test_queued_files_stay_with_their_question(chat: Any) -> None:
    chat.ask("First", "words").until_text("You")
    give(chat, "paste", "a.txt", "text/plain", b"hello")
    assert names(chat, 1) == ["a.txt"]
    chat.write("Second")
    chat.hook("prompt").press("Enter")
    assert chat.hook("queued-text").inner_text() == "Second · a.txt"
    assert chat.hook("attached").is_hidden()
    chat.page.keyboard.press("Escape")
    chat.until_done()
    assert chat.hook("prompt").input_value() == "Second" and names(chat, 1) == ["a.txt"]
