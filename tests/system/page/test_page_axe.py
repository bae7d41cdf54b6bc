"""axe-core finds nothing in any state of the page, light and dark, wide and narrow."""

from collections.abc import Callable
from typing import Any

import pytest
from axe import COLOURS, violations
from page_states import STATES, begin, forgive

pytestmark = pytest.mark.slow

ALL_OF_IT = """\
# A title

With **words**, [a link](https://example.org), a note[^1] and \\(x^2\\).

- [x] done
- [ ] open

| a | b |
|---|---|
| 1 | 2 |

```mermaid
graph TD; A-->B
```

[^1]: The note.
"""


class Checked:
    """A page, looked at in each state that a test brings it to."""

    def __init__(self, chat: Any) -> None:
        self.chat = chat
        self.found: dict[str, list[Any]] = {}

    def look(self, state: str, schemes: tuple[str, ...] = ("light", "dark")) -> None:
        """All rules in the first scheme; in another one those that it can break."""
        for scheme in schemes:
            self.chat.dress(scheme)
            if found := violations(self.chat.page, () if scheme == schemes[0] else COLOURS):
                self.found[f"{state}, {scheme}"] = found


def answered(chat: Any, content: str, *events: tuple[str, dict[str, Any]]) -> None:
    done = ("completed", {"content": content, "finish_reason": "stop", "usage": None, "timing": None})
    chat.answer_with(*events, done)


def test_the_chat_in_all_its_states(chat: Any) -> None:
    checked = Checked(chat)
    checked.look("empty")
    chat.ask("Hello", "slow").until_text("You")
    checked.look("streaming", ("light",))
    chat.hook("stop").click()
    chat.until_done()
    checked.look("stopped", ("dark",))
    chat.ask("Think", "think").until_done()
    chat.answer.locator("[data-thinking] summary").click()
    chat.answer.locator(".figures summary").click()
    checked.look("thoughts and figures")
    chat.ask("Media", "media").until_done()
    checked.look("sources and files")
    chat.ask("Fail", "fail-late").until_done()
    checked.look("failed")
    chat.page.set_viewport_size({"width": 320, "height": 640})
    checked.look("320 px", ("light",))
    chat.hook("drawer-open").click()
    checked.look("drawer", ("dark",))
    assert checked.found == {}


def test_what_a_model_writes(chat: Any) -> None:
    checked = Checked(chat)
    plan = [("plan_step", {"index": n, "text": f"Step {n}"}) for n in (1, 2)]
    answered(chat, ALL_OF_IT, *plan)
    chat.answer.locator("math").first.wait_for()
    checked.look("all of markdown")
    chat.answer.locator("[data-draw-diagram]").click()
    chat.answer.frame_locator("iframe").locator("svg").wait_for()
    checked.look("a diagram", ("light",))
    assert checked.found == {}


def test_the_pages_around_it(reader: Callable[..., Any]) -> None:
    chat = reader().open()
    checked = Checked(chat)
    chat.ask("Hello", "truncated").until_done()
    shared = chat.page.request.post(f"{chat.url}/api/v1/conversations/{chat.page.url.rpartition('/')[2]}/share").json()
    for path, ready in (
        (shared["url"].removeprefix(chat.url), "html[data-ready]"),
        ("/status?refresh=0", "main"),
        ("/docs", "main"),
        ("/c/none", "main"),
    ):
        chat.page.goto(chat.url + path)
        chat.page.locator(ready).wait_for()
        checked.look(path.partition("?")[0])
    chat.page.goto(f"{chat.url}/probe")
    chat.page.locator("[data-probe-verdict]:not([hidden])").wait_for()
    checked.look("probe")
    chat.expect_problem("404")
    assert checked.found == {}


@pytest.mark.parametrize("width", ["wide", "phone"])
def test_all_that_opens_and_all_that_waits(reader: Callable[..., Any], width: str) -> None:
    """In Chinese too: test_page_languages.py."""
    chat = reader(locale="en").open()
    begin(chat)
    checked = Checked(chat)
    schemes = ("light", "dark") if width == "wide" else ("light",)
    for name, state in STATES.items():
        with state(chat):
            if width == "phone":
                chat.page.set_viewport_size({"width": 320, "height": 640})
            checked.look(name, schemes)
            chat.page.set_viewport_size(chat.WIDE)
    forgive(chat)
    assert checked.found == {}


def test_the_way_in(own_server: Callable[..., Any], reader: Callable[..., Any]) -> None:
    server = own_server(CHATAPP_AUTH="keys")
    for locale in ("en", "zh-CN"):
        guest = reader(url=server.url, locale=locale)
        checked = Checked(guest)
        guest.page.goto(f"{server.url}/login")
        checked.look("login")
        guest.page.locator("[name=key]").fill("chatapp_wrong")
        guest.page.locator("form.login button").click()
        guest.page.get_by_role("alert").wait_for()
        checked.look("a wrong key")
        guest.expect_problem("401")
        assert checked.found == {}
