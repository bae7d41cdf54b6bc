"""A question is asked once and answered once, whatever happens meanwhile: the server dies and comes
back as a new process, the machine sleeps, the page is frozen or reloaded, another tab is there."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

pytestmark = pytest.mark.slow

BRIEF = "truncated"
WAITS = "Waiting for the connection…"
NO_SERVER = ("ERR_CONNECTION_REFUSED", "ERR_FAILED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET")


class Wire:
    """Between browser and server. `sleep`: a stream that is open stays open and silent, as after a
    machine has slept; idle connections are gone, and what is opened afterwards works."""

    def __init__(self, port: int) -> None:
        self._server = port
        self._asleep: set[socket.socket] = set()
        self._open: set[socket.socket] = set()
        self._streams: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def sleep(self) -> None:
        self._asleep |= self._streams
        for each in self._open - self._streams:
            with suppress(OSError):  # closed already
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for each in (self._listener, *self._open):
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                browser, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._server))
            self._open |= {browser, server}
            for pair in ((browser, server), (server, browser)):
                threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                if b"/events?" in data[:300] or b"/events " in data[:300]:
                    self._streams |= {source, target}
                if source not in self._asleep:
                    target.sendall(data)
            if source not in self._asleep:
                target.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # one of them was closed


@pytest.fixture
def wire(server: Any) -> Iterator[Wire]:
    wire = Wire(server.port)
    yield wire
    wire.close()


def forgive(*chats: Any) -> None:
    """The browser's own complaints about a server that is not there."""
    for chat in chats:
        chat.problems = [each for each in chat.problems if not any(word in each for word in NO_SERVER)]


def away(chat: Any) -> None:
    """For this tab the server is away; the page itself can still be loaded."""
    for path in ("**/api/v1/messages", "**/healthz"):
        chat.page.route(path, lambda route: route.abort())


def back(*chats: Any) -> None:
    for chat in chats:
        for path in ("**/api/v1/messages", "**/healthz"):
            chat.page.unroute(path)


def look(chat: Any) -> None:
    """Try now; the page may have found the server by itself meanwhile."""
    chat.page.evaluate("document.querySelector('[data-away-now]').click()")


def ask_in_vain(chat: Any, prompt: str) -> None:
    chat.write(prompt)
    chat.hook("prompt").press("Enter")
    chat.hook("pending-label").last.get_by_text(WAITS).wait_for()


def said(chat: Any) -> list[tuple[str, str]]:
    """All messages of the conversation, as the server has them."""
    path = f"/api/v1/conversations/{chat.page.url.rpartition('/')[2]}"
    messages = chat.page.request.get(chat.url + path).json()["messages"]
    return [(each["role"], each["content"]) for each in messages]


def test_what_is_asked_of_a_dead_server_is_answered_once_by_its_successor(
    own_server: Callable[..., Any], reader: Callable[..., Any]
) -> None:
    server = own_server()
    chat = reader(url=server.url).open()
    chat.ask("First", BRIEF).until_done()
    chat.ask("Second", "slow").until_text("You")
    port = server.port
    server.kill()
    chat.hook("away-words").get_by_text("The server cannot be reached.").wait_for()
    chat.write("Third")
    chat.choose(BRIEF)
    chat.hook("prompt").press("Enter")  # behind the answer that was being written
    other = server.start(port)
    assert other.url == chat.url
    chat.hook("away").wait_for(state="hidden")
    chat.answer.locator("[data-failure]").wait_for()
    chat.hook("prompt").and_(chat.page.locator(":focus")).wait_for()
    assert chat.hook("prompt").input_value() == "Third"  # the answer failed: its reader decides anew
    server.kill()
    chat.hook("prompt").press("Enter")
    chat.hook("pending-label").last.get_by_text(WAITS).wait_for()
    server.start(port)
    chat.hook("away").wait_for(state="hidden")
    chat.until_done()
    told = said(chat)
    assert [role for role, _ in told] == ["user", "assistant"] * 3
    assert [text for role, text in told if role == "user"] == ["First", "Second", "Third"] == chat.questions
    forgive(chat)


def test_a_question_whose_reply_was_lost_is_not_asked_twice(chat: Any) -> None:
    """The server has it, and the connection broke before it could say so."""
    chat.ask("First", BRIEF).until_done()

    def lose(route: Any) -> None:
        route.fetch()
        route.abort()

    chat.page.route("**/api/v1/messages", lose)
    chat.page.route("**/healthz", lambda route: route.abort())
    ask_in_vain(chat, "Second")
    back(chat)
    look(chat)
    chat.until_done()
    chat.hook("away").wait_for(state="hidden")
    assert [text for role, text in said(chat) if role == "user"] == ["First", "Second"] == chat.questions
    forgive(chat)


def test_a_reload_while_a_question_is_on_its_way_loses_and_doubles_nothing(chat: Any) -> None:
    chat.ask("First", BRIEF).until_done()
    held: list[Any] = []
    chat.page.route("**/api/v1/messages", lambda route: held.append(route))
    for prompt, arrives in (("Second", False), ("Third", True)):
        chat.write(prompt)
        chat.hook("prompt").press("Enter")
        chat.page.locator("[data-role=user]", has_text=prompt).wait_for()
        while not held:
            chat.page.wait_for_timeout(10)
        if arrives:
            held[0].fetch()  # the server has it, but the page does not know
        chat.page.unroute("**/api/v1/messages")
        chat.reload()
        chat.page.locator("[data-role=user]", has_text=prompt).wait_for()
        chat.until_done()
        held.clear()
        chat.page.route("**/api/v1/messages", lambda route: held.append(route))
    chat.page.unroute("**/api/v1/messages")
    chat.page.wait_for_function("() => !Object.keys(localStorage).some((key) => key.startsWith('chatapp.unsent'))")
    assert [text for role, text in said(chat) if role == "user"] == ["First", "Second", "Third"] == chat.questions


def test_a_question_with_a_file_waits_over_a_reload_and_is_taken_back_with_it(chat: Any) -> None:
    chat.ask("First", BRIEF).until_done()
    chat.hook("attach-input").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"hello"})
    chat.page.locator(".attached-file:not([data-uploading])").wait_for()
    away(chat)
    ask_in_vain(chat, "With a file")
    chat.reload()
    chat.hook("pending-label").last.get_by_text(WAITS).wait_for()
    assert chat.questions == ["First", "With a file"]
    assert chat.page.locator("[data-role=user] [data-files]").last.inner_text() == "a.txt"
    chat.hook("stop").click()
    assert chat.questions == ["First"] and chat.hook("prompt").input_value() == "With a file"
    chat.page.locator(".attached-file", has_text="a.txt").wait_for()
    back(chat)
    look(chat)
    chat.hook("away").wait_for(state="hidden")
    chat.hook("prompt").press("Enter")
    chat.answers.nth(1).wait_for()
    chat.until_done()
    path = f"/api/v1/conversations/{chat.page.url.rpartition('/')[2]}"
    asked = chat.page.request.get(chat.url + path).json()["messages"][-2]
    assert asked["content"] == "With a file" and [each["name"] for each in asked["files"]] == ["a.txt"]
    forgive(chat)


def test_of_two_tabs_one_sends_and_both_show_it(reader: Callable[..., Any]) -> None:
    first = reader().open()
    first.ask("First", BRIEF).until_done()
    where = first.page.url.removeprefix(first.url)
    away(first)
    ask_in_vain(first, "Second")
    second = reader(beside=first)
    away(second)
    second.open(where).hook("pending-label").last.get_by_text(WAITS).wait_for()
    back(first, second)
    for tab in (first, second):
        look(tab)
    for tab in (first, second):
        tab.answers.nth(1).wait_for()
        tab.until_done()
        tab.hook("away").wait_for(state="hidden")
        assert tab.questions == ["First", "Second"]
    assert [text for role, text in said(first) if role == "user"] == ["First", "Second"]
    forgive(first, second)


def test_a_new_tab_sends_what_another_left_behind_and_stays_where_it_is(reader: Callable[..., Any]) -> None:
    first = reader().open()
    away(first)
    first.choose(BRIEF)
    ask_in_vain(first, "Left behind")
    forgive(first)
    first.page.close()
    second = reader(beside=first)
    away(second)
    second.open().hook("away-words").get_by_text("1 question asked elsewhere waits, too.").wait_for()
    assert second.questions == []
    back(second)
    look(second)
    link = second.hook("conversations").get_by_role("link", name="Left behind")
    link.wait_for()
    assert second.questions == [] and second.page.url == f"{second.url}/"
    link.click()
    second.until_done()
    assert second.questions == ["Left behind"]
    assert [text for role, text in said(second) if role == "user"] == ["Left behind"]
    forgive(second)


def test_what_one_tab_takes_back_the_other_does_not_send(reader: Callable[..., Any]) -> None:
    first = reader().open()
    first.ask("First", BRIEF).until_done()
    where = first.page.url.removeprefix(first.url)
    away(first)
    ask_in_vain(first, "Not this")
    second = reader(beside=first)
    away(second)
    second.open(where).hook("pending-label").last.get_by_text(WAITS).wait_for()
    second.hook("stop").click()
    first.page.locator("[data-role=user]", has_text="Not this").wait_for(state="detached")
    back(first, second)
    look(first)
    first.hook("away").wait_for(state="hidden")
    assert first.ask("Second", BRIEF).until_done().questions == ["First", "Second"]
    assert [text for role, text in said(first) if role == "user"] == ["First", "Second"]
    forgive(first, second)


def test_after_a_sleep_the_answer_is_taken_up_at_once(reader: Callable[..., Any], wire: Wire) -> None:
    """Its connection looks alive, and brings nothing any more."""
    chat = reader(url=wire.url)
    chat.page.clock.install()
    chat.open().ask("Hello", "slow").until_text("You")
    wire.sleep()
    chat.page.clock.fast_forward(180_000)  # as a lid that was closed for three minutes
    seen = chat.answer.inner_text()
    chat.page.wait_for_function(
        "seen => [...document.querySelectorAll('[data-role=assistant]')].at(-1).innerText.length > seen.length + 5",
        arg=seen,
    )
    chat.hook("stop").click()
    chat.until_done()
    assert chat.drawn() == chat.rendered(chat.message()["content"])


def test_a_frozen_page_has_the_whole_answer_when_it_thaws(reader: Callable[..., Any]) -> None:
    chat = reader().open()
    beside = reader(beside=chat)
    chat.ask("Hello", "words").until_text("You")
    where = chat.page.url.removeprefix(chat.url)
    browser = chat.page.context.new_cdp_session(chat.page)
    browser.send("Page.setWebLifecycleState", {"state": "frozen"})
    beside.open(where).until_done()
    browser.send("Page.setWebLifecycleState", {"state": "active"})
    chat.until_done()
    assert chat.drawn() == beside.drawn() == chat.rendered(chat.message()["content"])
