"""Search, settings, export and import, as a reader has them."""

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

BRIEF = "truncated"  # a model whose answer is over after a few words
ERROR = {"error": {"code": "unavailable", "message": "Later.", "trace_id": "t"}}


def post(chat: Any, path: str, **body: Any) -> Any:
    response = chat.page.request.post(chat.url + path, data=body)
    assert response.ok, response.text()
    return response.json()


def test_a_message_is_found_by_keyboard_and_shown_even_far_up_or_in_another_version(chat: Any) -> None:
    said = [{"role": "user", "content": f"message {number}"} for number in range(70)]
    said[3]["content"] = "今天天气很好 on the Zugspitze"
    long = post(chat, "/api/v1/messages", provider="mock", model=BRIEF, messages=said)
    first = post(chat, "/api/v1/messages", provider="mock", model=BRIEF, prompt="an old wording")
    chat.page.request.get(chat.url + first["events_url"])
    post(chat, "/api/v1/messages", provider="mock", model=BRIEF, edit_of=first["parent"], prompt="a new one")

    chat.reload().page.keyboard.press("Control+k")
    box = chat.hook("search-box")
    box.fill("天气")
    hit = chat.page.locator("[data-search-hits] a:has(mark)").first
    hit.wait_for()
    assert hit.locator("mark").inner_text() == "天气" and "message 0" in hit.inner_text()
    box.press("ArrowDown")
    chat.page.keyboard.press("Enter")
    chat.page.wait_for_url(f"**/c/{long['conversation_id']}")
    found = chat.page.get_by_text("今天天气很好")
    found.wait_for()
    assert found.locator("..").evaluate("message => message === document.activeElement")
    box_of_it = found.bounding_box()
    assert 0 < box_of_it["y"] < chat.WIDE["height"]

    chat.page.keyboard.press("Control+k")
    box.fill("wording")
    chat.page.locator("[data-search-hits] mark").first.wait_for()
    box.press("Enter")  # a title: the conversation as it is
    chat.page.get_by_text("a new one", exact=True).wait_for()
    chat.hook("search").click()
    box.fill("old wording")
    chat.page.locator("[data-search-hits] a", has_text="You").click()
    chat.page.locator("[data-role=user]", has_text="an old wording").wait_for()
    chat.hook("search").click()
    box.fill("nothing like it")
    chat.page.get_by_text("Nothing found.").wait_for()
    chat.page.keyboard.press("Escape")
    chat.hook("search-dialog").wait_for(state="detached")


def test_the_search_begins_with_the_last_conversations_and_enter_waits_for_what_was_written(chat: Any) -> None:
    for prompt in ("needle", "older", "newer", "open"):
        post(chat, "/api/v1/messages", provider="mock", model=BRIEF, prompt=prompt)
    chat.reload().page.locator("[data-link]", has_text="open").click()
    chat.page.wait_for_url("**/c/*")
    chat.page.keyboard.press("Control+k")
    hits = chat.page.get_by_role("list", name="Recent").locator("a .search-text")
    hits.first.wait_for()
    assert hits.all_inner_texts() == ["newer", "older", "needle"]
    chat.hook("search-box").fill("needle")
    chat.page.keyboard.press("Enter")  # the list is still of the last ones
    chat.page.locator("[data-link][aria-current]", has_text="needle").wait_for()
    chat.page.keyboard.press("Control+k")
    chat.page.get_by_role("list", name="Recent").wait_for()
    chat.page.keyboard.press("Enter")
    chat.page.locator("[data-link][aria-current]", has_text="open").wait_for()


def test_a_search_that_was_closed_leads_nowhere(chat: Any) -> None:
    post(chat, "/api/v1/messages", provider="mock", model=BRIEF, prompt="needle")
    held: list[Any] = []
    chat.page.route("**/api/v1/search?*", lambda route: held.append(route))
    chat.page.keyboard.press("Control+k")
    chat.hook("search-box").fill("needle")
    with chat.page.expect_request("**/api/v1/search?*"):
        chat.page.keyboard.press("Enter")
    chat.page.keyboard.press("Escape")
    chat.hook("search-dialog").wait_for(state="detached")
    with chat.page.expect_response("**/api/v1/search?*") as found:
        held[0].continue_()
    found.value.finished()
    chat.page.evaluate("() => new Promise((done) => setTimeout(done))")  # after all that the response led to
    assert chat.page.url == f"{chat.url}/"


def test_enter_asks_again_for_what_could_not_be_looked_for(chat: Any) -> None:
    post(chat, "/api/v1/messages", provider="mock", model=BRIEF, prompt="needle")
    chat.page.route("**/api/v1/search?*", lambda route: route.fulfill(status=503, json=ERROR), times=1)
    chat.page.keyboard.press("Control+k")
    chat.hook("search-box").fill("needle")
    chat.page.keyboard.press("Enter")
    chat.hook("notice").get_by_text("Later.").wait_for()
    assert chat.page.url == f"{chat.url}/"
    chat.page.keyboard.press("Enter")
    chat.page.wait_for_url("**/c/*")
    chat.expect_problem("503")


def test_a_search_that_cannot_be_loaded_says_so(chat: Any) -> None:
    chat.page.route("**/js/views/search.js", lambda route: route.abort())
    chat.page.keyboard.press("Control+k")
    chat.hook("notice").get_by_text("cannot be reached").wait_for()
    chat.problems = []


def test_settings_hold_from_the_first_question_on(chat: Any) -> None:
    chat.hook("attach-input").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"Sea"})
    chat.page.locator("[data-attached] li:not([data-uploading])").wait_for()
    chat.page.locator("[data-menu] summary").click()
    chat.hook("settings").click()
    chat.page.get_by_label("Instructions").fill("Be brief.")
    chat.page.get_by_label("Longest answer").fill("2")
    chat.hook("settings-save").click()
    chat.page.wait_for_url("**/c/*")
    assert chat.hook("attached-name").inner_text() == "a.txt"  # the draft goes with it
    chat.page.locator("[data-conversation] [aria-current=page]").wait_for()  # it is listed before it says anything
    assert chat.hook("menu").get_attribute("data-set") is not None
    chat.ask("Hello").until_done()
    assert chat.message()["finish_reason"] == "length" and chat.message()["usage"]["completion"] == 2
    chat.page.locator("[data-menu] summary").click()
    chat.hook("settings").click()
    assert chat.page.get_by_label("Instructions").input_value() == "Be brief."
    chat.page.get_by_label("Longest answer").fill("")
    chat.page.get_by_label("Temperature").fill("0.5")
    chat.hook("settings-save").click()
    chat.hook("settings-dialog").wait_for(state="detached")
    path = chat.page.url.replace("/c/", "/api/v1/conversations/")
    settings = chat.page.request.get(path).json()["settings"]
    assert settings == {"instructions": "Be brief.", "temperature": 0.5, "provider": "mock", "model": "words"}
    chat.reload().page.locator("[data-menu] summary").click()
    assert chat.hook("settings").inner_text() == "Settings… changed"
    chat.hook("settings").click()
    chat.page.get_by_label("Instructions").fill("")
    chat.page.get_by_label("Temperature").fill("")
    chat.hook("settings-save").click()
    chat.page.locator("[data-menu]:not([data-set])").wait_for()


def test_a_conversation_leaves_as_a_file_and_comes_back(chat: Any, tmp_path: Path) -> None:
    chat.ask("Hello", BRIEF).until_done()
    for name, kind in (("export-markdown", ".md"), ("export-json", ".json")):
        chat.page.locator("[data-menu] summary").click()
        with chat.page.expect_download() as download:
            chat.hook(name).click()
        assert download.value.suggested_filename == f"Hello{kind}"
        download.value.save_as(tmp_path / f"kept{kind}")
    assert (tmp_path / "kept.md").read_text("utf-8").startswith("# Hello")
    before = chat.page.url
    bad = {**json.loads((tmp_path / "kept.json").read_text("utf-8")), "shown": "nothing"}
    (tmp_path / "bad.json").write_text(json.dumps(bad), "utf-8")
    (tmp_path / "other.json").write_text('{"a": 1}', "utf-8")
    said = {
        "bad.json": "shown: expected the id of a message of this file",
        "other.json": "other.json is no conversation that was exported here as JSON.",
    }
    for name in (*said, "kept.json"):
        chat.page.locator("[data-list-menu] summary").click()
        with chat.page.expect_file_chooser() as chooser:
            chat.hook("import").click()
        chooser.value.set_files(tmp_path / name)
        if name in said:
            chat.page.get_by_text(said[name]).wait_for()
            chat.hook("notice-close").click()
    chat.page.wait_for_function("before => location.href !== before", arg=before)
    assert chat.questions == ["Hello"] and chat.page.locator("[data-link]").all_inner_texts() == ["Hello", "Hello"]
    chat.expect_problem("422")
