"""Many tabs of one browser share one connection for their answers."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.slow

TABS = 8  # a browser has six connections to a server


def test_many_tabs_with_running_answers_leave_room_for_a_new_one(reader: Callable[..., Any]) -> None:
    tabs = [reader().open()]
    while len(tabs) < TABS:
        tabs[-1].ask(f"Question {len(tabs)}", "slow").until_text("You")
        tabs.append(reader(beside=tabs[0]).open())
    leader, *others, fresh = tabs
    assert fresh.page.title() == "chatapp"
    texts = [tab.drawn() for tab in others]
    leader.page.close()
    for tab, text in zip(others, texts, strict=True):
        tab.page.wait_for_function(
            "text => document.querySelector('[data-content]').innerHTML.length > text.length", arg=text
        )
    again = reader(beside=fresh).open(others[0].page.url.removeprefix(fresh.url))
    again.until_text("You asked")
    for tab in others:
        tab.hook("stop").click()
        tab.until_done()
        assert tab.message()["finish_reason"] == "cancelled"
        assert tab.drawn() == tab.rendered(tab.message()["content"])
    again.until_done()
    assert again.drawn() == others[0].drawn()


def test_without_locks_a_tab_has_a_stream_of_its_own(reader: Callable[..., Any]) -> None:
    chat = reader()
    chat.page.add_init_script("delete Navigator.prototype.locks")
    chat.open().ask("Hello").until_done()
    assert chat.drawn() == chat.rendered(chat.message()["content"])
