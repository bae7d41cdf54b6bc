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
