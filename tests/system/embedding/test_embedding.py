"""The example of examples/admin, as its README starts it: gunicorn, two workers, a login, a chat in
the page of the host."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from servers import free_port, listens
from waiting import START_S, soon

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parents[3] / "examples" / "admin"
STRICT = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'"


def test_the_host_needs_no_more_than_five_lines() -> None:
    app, page = (EXAMPLE / "app.py").read_text("utf-8"), (EXAMPLE / "templates" / "orders.html").read_text("utf-8")
    between = app.partition("# chatapp: begin\n")[2].partition("# chatapp: end")[0].splitlines()
    imported = re.findall(r"^from chatapp.*$", app, re.MULTILINE)
    placed = [line for line in page.splitlines() if "chatapp_chat" in line]
    assert between and imported and placed
    assert len(between) + len(imported) + len(placed) <= 5


def test_the_chat_looks_into_the_table_once_it_may_and_others_see_nothing_of_it(desk: Any) -> None:
    ann = desk("ann")
    ann.ask("How are the orders?")
    ann.hook("approve").click()
    ann.hook("content").get_by_text("shipped").wait_for()
    ann.page.reload()
    ann.ready()
    ann.hook("content").get_by_text("shipped").wait_for()  # the element remembers its conversation
    bob = desk("bob")
    assert bob.hook("content").count() == 0
    opened = bob.page.request.get(f"{ann.page.url.rstrip('/')}/chat/embed?conversation={remembered(ann)}")
    assert opened.status == 404


def test_two_chats_on_one_page_are_apart_themed_and_leave_the_focus_alone(desk: Any, host: Any) -> None:
    ann = desk("ann")
    src = ann.page.locator("chatapp-chat + *, script[type=module]").first.get_attribute("src")
    body = (
        f'<!doctype html><html lang="en"><title>Two</title><input autofocus><script type="module" src="{src}"></script>'
        '<chatapp-chat id="one" url="/chat" theme="dark" height="20rem" model="words"></chatapp-chat>'
        '<chatapp-chat id="two" url="/chat" height="20rem" model="tools" label="Ask here"></chatapp-chat>'
    )
    headers = {"Content-Type": "text/html", "Content-Security-Policy": STRICT}
    ann.page.route("**/two", lambda route: route.fulfill(headers=headers, body=body))
    ann.page.goto(f"{host.url}/two")
    one, two = ann.page.locator("#one"), ann.page.locator("#two")
    for side in (one, two):
        side.locator("[data-picker]:enabled").wait_for()
    assert ann.page.evaluate("document.activeElement.localName") == "input"
    assert two.locator(".welcome").inner_text().strip() == "Ask here"
    ground = "side => getComputedStyle(side.shadowRoot.querySelector('.page')).backgroundColor"
    assert one.evaluate(ground) != two.evaluate(ground)
    assert [side.evaluate("side => side.offsetHeight") for side in (one, two)] == [320, 320]
    assert ann.page.evaluate("document.querySelector('#one').ask('On the left')")
    one.locator("[data-content]").get_by_text("You asked").wait_for()
    assert two.locator("[data-text]").count() == 0
    one.evaluate("side => side.remove()")
    assert ann.page.evaluate("document.querySelectorAll('chatapp-chat').length") == 1


def test_the_whole_page_stands_below_the_prefix(desk: Any, host: Any) -> None:
    ann = desk("ann")
    ann.page.goto(f"{host.url}/chat/")
    ann.page.locator("html[data-ready] [data-picker]:enabled").wait_for()
    ann.choose("words")
    ann.page.fill("[data-prompt]", "Below")
    ann.page.press("[data-prompt]", "Enter")
    ann.page.wait_for_url("**/chat/c/*")
    ann.page.locator('[data-role="assistant"][data-status="done"]').wait_for()
    ann.page.reload()
    ann.page.locator("html[data-ready] [data-content]").get_by_text("You asked").wait_for()
    ann.page.locator("[data-new-chat]").first.click()
    ann.page.wait_for_url(f"{host.url}/chat/")


def test_workers_share_runs_and_strangers_are_sent_to_the_host_s_login(host: Any) -> None:
    stranger = httpx.get(f"{host.url}/chat/", headers={"Accept": "text/html"})
    assert (stranger.status_code, stranger.headers["Location"]) == (302, "/login")
    with host.signed_in("ann") as ann:
        asked = ann.post("/chat/api/v1/messages", json={"prompt": "Hello", "model": "slow"}).json()
        for _ in range(4):  # new connections, which either worker may take
            with host.signed_in("ann") as again:
                assert again.get(f"/chat/api/v1/messages/{asked['id']}").status_code == 200
        assert ann.post(f"/chat/api/v1/messages/{asked['id']}/cancel", json={}).status_code in (200, 202)
        assert "completed" in ann.get(asked["events_url"]).text


def remembered(desk: Any) -> str:
    found: str = desk.page.evaluate("JSON.parse(localStorage.getItem('chatapp.element.orders'))")
    return found


def test_a_page_of_another_origin_may_place_the_chat_with_a_key(
    module_server: Callable[..., Any], browser: Any, tmp_path: Path
) -> None:
    port = free_port()
    elsewhere = f"http://127.0.0.1:{port}"
    server = module_server(CHATAPP_AUTH="keys", CHATAPP_CORS_ORIGINS=elsewhere)
    command = [str(Path(sys.executable).parent / "chatapp"), "keys", "create", "ann"]
    env = {**os.environ, "CHATAPP_DATA": str(server.data)}
    key = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout.strip()
    body = (
        f'<!doctype html><title>Elsewhere</title><link rel="icon" href="data:,"><script type="module" src="{server.url}/static/js/chatapp-chat.js">'
        f'</script><chatapp-chat url="{server.url}" key="{key}" provider="mock" model="words"></chatapp-chat>'
    )
    (tmp_path / "index.html").write_text(body)
    served = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(tmp_path)]
    with subprocess.Popen(served, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as other:
        try:
            soon(lambda: listens(port), within=START_S)
            page = browser.new_page()
            said: list[str] = []
            page.on("console", lambda message: said.append(message.text))
            page.goto(elsewhere)
            page.locator("chatapp-chat [data-picker]:enabled").wait_for()
            assert page.evaluate("document.querySelector('chatapp-chat').ask('From afar')")
            page.locator("chatapp-chat [data-content]").get_by_text("You asked").wait_for()
            page.locator('chatapp-chat [data-role="assistant"][data-status="done"]').wait_for()
            assert said == []
            page.context.close()
        finally:
            other.terminate()
