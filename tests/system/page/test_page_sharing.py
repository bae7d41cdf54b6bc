"""A conversation is shared from the page, followed by somebody else's browser, and taken back; and
the page's login."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

CHATAPP = str(Path(sys.executable).parent / "chatapp")


def test_a_viewer_follows_a_shared_conversation_until_it_is_taken_back(chat: Any, reader: Callable[..., Any]) -> None:
    chat.ask("first", model="slow")
    chat.hook("share").click()
    chat.hook("share-go").click()
    link = chat.hook("share-link", "[data-share-link]:visible").input_value()
    viewer = reader()
    viewer.page.goto(link)
    answer = viewer.page.locator('html[data-ready] [data-role="assistant"]')
    answer.locator("[data-content]", has_text="You asked").wait_for()
    assert answer.get_attribute("data-status") == "running"
    assert viewer.page.locator("[data-prompt], [data-regenerate]:visible, [data-share]").count() == 0
    chat.hook("share-dialog").get_by_role("button", name="Close").click()
    chat.hook("stop").click()
    viewer.page.locator('[data-role="assistant"][data-finish="cancelled"]').wait_for()
    chat.hook("share").click()
    chat.hook("share-take-back").click()
    chat.hook("share-link", "[data-share-link][hidden]").wait_for(state="attached")
    viewer.page.reload()
    viewer.page.get_by_text("There is nothing here").wait_for()
    viewer.problems.clear()  # the browser's own line about the 404


def test_the_page_asks_for_a_key_and_signs_out(own_server: Callable[..., Any], browser: Any) -> None:
    server = own_server(CHATAPP_AUTH="keys")
    env = {**os.environ, "CHATAPP_DATA": str(server.data)}

    def keys(*words: str) -> str:
        command = [CHATAPP, "keys", *words]
        return subprocess.run(
            command, env=env, cwd=server.data.parent, capture_output=True, text=True, check=True
        ).stdout.strip()

    context = browser.new_context()
    page = context.new_page()

    def sign_in(key: str) -> None:
        page.get_by_label("Your key").fill(key)
        page.get_by_role("button", name="Sign in").click()

    bob, eve = keys("create", "bob"), keys("create", "eve")
    prompt = page.locator("[data-prompt]")
    page.goto(server.url + "/docs")
    sign_in("chatapp_wrong")
    page.get_by_role("alert").wait_for()
    sign_in(bob)
    page.wait_for_url("**/docs")
    for name, draft in (("bob", ""), ("eve", ""), ("bob", "for bob's eyes")):
        page.goto(server.url)
        page.locator("html[data-ready]").wait_for()
        assert prompt.input_value() == draft, name  # what one has written does not come up for the next
        if name == "bob":
            prompt.fill("for bob's eyes")
        page.get_by_role("button", name="Sign out").click()
        page.goto(server.url)
        sign_in(eve if name == "bob" else bob)
        page.wait_for_url(server.url + "/")
    keys("revoke", "eve")
    prompt.fill("hi")
    prompt.press("Enter")
    page.get_by_label("Your key").wait_for()
    context.close()
