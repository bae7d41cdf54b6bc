"""Many tabs of one browser share one connection for their answers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

TABS = 20  # a browser has six connections to a server
# A word every three seconds, so that an answer goes on for minutes.
SLOW = '[providers.mock]\ntype = "mock"\ninterval_s = 3.0\n'


def begun(chat: Any) -> str:
    """The address of a conversation whose answer is being written."""
    body = {"provider": "mock", "model": "words", "prompt": "Go on"}
    sent = chat.page.request.post(f"{chat.url}/api/v1/messages", data=body).json()
    return f"/c/{sent['conversation_id']}"


@pytest.mark.timeout(300)
def test_twenty_tabs_with_running_answers_leave_room_for_a_new_one(
    own_server: Callable[..., Any], reader: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "chatapp.toml").write_text(SLOW)
    server = own_server(CHATAPP_CONFIG=str(tmp_path / "chatapp.toml"))
    # All tabs of a headless browser are in view: their moving dots would be drawn, twenty at once.
    leader = reader(url=server.url, reduced_motion="reduce").open()
    first, *more = [begun(leader) for _ in range(TABS - 1)]
    leader.open(first).until_text("You")

    def another(path: str = "/") -> Any:
        return reader(beside=leader, url=server.url).open(path)

    others = [another(path).until_text("You") for path in more]
    fresh = another()
    assert fresh.page.title() == "chatapp"
    texts = [tab.drawn() for tab in others]
    leader.page.close()
    for tab, text in zip(others, texts, strict=True):
        tab.page.wait_for_function(
            "text => document.querySelector('[data-content]').innerHTML.length > text.length", arg=text
        )
    again = another(others[0].page.url.removeprefix(server.url))
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
