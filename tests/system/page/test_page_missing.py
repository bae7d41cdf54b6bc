"""Scripts that come late, or not at all: what the server has rendered can be read, what was asked
is asked once, and what is missing is told once."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.slow

MANY, PIECES = 8, 400
NEXT_TRY_MS = 5000  # for so long the page also waits for what is to draw its answers
NOT_THERE = "ERR_FAILED"
ALL_IN_VIEW = """(count) => Array.from({ length: count }, (_, at) => `END-${at}.`)
    .every((end) => document.querySelector("[data-thread]").innerText.includes(end))"""


class Held:
    """Requests for one module, which wait until `release`."""

    def __init__(self, chat: Any, module: str) -> None:
        self._waiting: list[Any] = []
        chat.page.route(f"**/js/{module}.js", lambda route: self._waiting.append(route))

    def release(self) -> None:
        while self._waiting:
            self._waiting.pop().continue_()


def posts(chat: Any) -> list[str]:
    """The questions that the page sends from now on."""
    found: list[str] = []
    chat.page.on("request", lambda request: request.method == "POST" and found.append(request.url))
    return found


@pytest.fixture
def long(reader: Callable[..., Any]) -> tuple[Any, str]:
    """A reader, and the address of a conversation of long answers."""
    chat = reader().open()
    text = "".join(f"Sentence {at} of a long answer. " for at in range(PIECES))
    return chat, chat.url + chat.bring(*[f"{text}END-{at}." for at in range(MANY)])


@pytest.mark.parametrize("missing", ["main", "chat", "views/answer", "markdown/view"])
def test_long_answers_can_be_read_to_their_ends_without_a_script(long: tuple[Any, str], missing: str) -> None:
    chat, address = long
    chat.page.route(f"**/js/{missing}.js", lambda route: route.abort())
    chat.page.goto(address)
    chat.page.wait_for_function(ALL_IN_VIEW, arg=MANY)
    chat.expect_problem(NOT_THERE)


def test_what_scripts_are_about_to_draw_is_laid_out_if_they_do_not_come(long: tuple[Any, str]) -> None:
    chat, address = long
    held = Held(chat, "main")
    chat.page.clock.install()
    chat.page.goto(address, wait_until="commit")
    chat.answers.nth(MANY - 1).wait_for(state="attached")
    assert not chat.page.evaluate(ALL_IN_VIEW, MANY)
    chat.page.clock.fast_forward(NEXT_TRY_MS)
    chat.page.wait_for_function(ALL_IN_VIEW, arg=MANY)
    held.release()
    chat.ready()


def test_a_shared_conversation_can_be_read_without_scripts(long: tuple[Any, str], reader: Callable[..., Any]) -> None:
    chat, address = long
    chat.page.goto(address)
    chat.ready().hook("share").click()
    chat.hook("share-go").click()
    viewer = reader()
    viewer.page.route("**/js/shared.js", lambda route: route.abort())
    viewer.page.goto(chat.hook("share-link", "[data-share-link]:visible").input_value())
    viewer.page.wait_for_function(ALL_IN_VIEW, arg=MANY)
    viewer.expect_problem(NOT_THERE)


def test_two_clicks_on_an_example_ask_one_question(reader: Callable[..., Any]) -> None:
    chat = reader()
    held, asked = Held(chat, "chat-views"), posts(chat)
    chat.page.goto(chat.url)
    chat.page.wait_for_function("() => performance.getEntriesByName('usable').length")
    example = chat.page.locator("[data-example]").first
    example.dblclick()
    example.wait_for(state="hidden")
    example.dispatch_event("click")  # as a browser without the styles would
    held.release()
    chat.until_done()
    chat.ready()
    assert (len(asked), chat.answers.count()) == (1, 1)


@pytest.mark.parametrize("status", [200, 422])
def test_what_is_on_its_way_when_the_rest_comes_is_asked_once(reader: Callable[..., Any], status: int) -> None:
    chat = reader()
    held, asked, replies = Held(chat, "chat-views"), posts(chat), []
    chat.page.route("**/api/v1/messages", lambda route: replies.append(route))
    chat.page.goto(chat.url)
    chat.hook("prompt").fill("Hello")
    chat.hook("prompt").press("Enter")
    chat.hook("stop").wait_for()
    held.release()
    chat.ready()
    refusal = {"error": {"code": "invalid_field", "message": "refused for a test", "trace_id": "x"}}
    for each in replies:
        each.continue_() if status == 200 else each.fulfill(status=status, json=refusal)
    if status == 200:
        chat.until_done()
        assert chat.answers.count() == 1
    else:
        chat.hook("notice").wait_for()
        assert (chat.hook("prompt").input_value(), chat.answers.count()) == ("Hello", 0)
        chat.expect_problem("422")
    assert len(asked) == 1


def test_what_is_missing_is_told_once_and_no_longer_when_it_is_there(reader: Callable[..., Any]) -> None:
    chat = reader()
    module = "**/js/chat-views.js"
    chat.page.clock.install()
    chat.page.route(module, lambda route: route.abort())
    chat.page.goto(chat.url)
    chat.hook("notice-close").click()
    chat.hook("notice").wait_for(state="hidden")
    for _ in range(2):  # with the second request, the page has heard of the first one's failure
        with chat.page.expect_request(module):
            chat.page.clock.fast_forward(NEXT_TRY_MS)
    assert chat.hook("notice").is_hidden()
    chat.page.reload()
    chat.hook("notice").wait_for()
    chat.page.unroute(module)
    chat.page.clock.fast_forward(NEXT_TRY_MS)
    chat.ready()
    assert chat.hook("notice").is_hidden()
    chat.expect_problem(NOT_THERE)


def test_a_page_that_is_left_closes_its_stream_whatever_else_is_missing(reader: Callable[..., Any]) -> None:
    chat = reader()
    held = Held(chat, "page-views")
    chat.page.goto(chat.url)
    chat.hook("picker", "[data-picker]:enabled").wait_for()
    with chat.page.expect_request(lambda request: "/events" in request.url) as opened:
        chat.choose("slow")
        chat.write("Hello")
        chat.hook("prompt").press("Enter")
    with chat.page.expect_event("requestfailed", lambda request: request == opened.value):
        chat.page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    with chat.page.expect_request(lambda request: "/events" in request.url):
        chat.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    held.release()
    chat.ready()
    chat.hook("stop").click()
