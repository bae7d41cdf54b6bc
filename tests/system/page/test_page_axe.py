"""axe-core finds nothing in any state of the page, light and dark, wide and narrow."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

AXE = Path(sys.prefix) / "npm/node_modules/axe-core/axe.min.js"
# All that axe knows, best practices too.
RUN = """async () => {
    const { violations } = await axe.run(document, { resultTypes: ["violations"] });
    return violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => [id, target.join(" "), failureSummary]));
}"""
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
        if not AXE.exists():
            pytest.skip("axe-core is not installed: make test installs the packages of tests/npm")
        self.chat = chat
        self.found: dict[str, list[Any]] = {}

    def look(self, state: str, schemes: tuple[str, ...] = ("light", "dark")) -> None:
        page = self.chat.page
        if not page.evaluate("'axe' in window"):
            page.evaluate(AXE.read_text("utf-8"))  # past the policy, as only a test's debugger can
        for scheme in schemes:
            self.chat.dress(scheme)
            if found := page.evaluate(RUN):
                self.found[f"{state}, {scheme}"] = found


def answered(chat: Any, content: str, *events: tuple[str, dict[str, Any]]) -> None:
    done = ("completed", {"content": content, "finish_reason": "stop", "usage": None, "timing": None})
    chat.answer_with(*events, done)


def waiting(chat: Any, *events: tuple[str, dict[str, Any]]) -> None:
    """Ask, and let the answer wait for its reader after these events."""
    frames = [f"event: {name}\nid: {seq}\ndata: {json.dumps(data)}\n\n" for seq, (name, data) in enumerate(events, 1)]
    body = "retry: 600000\n\n" + "".join(frames)
    chat.page.route("**/events", lambda route: route.fulfill(content_type="text/event-stream", body=body))
    chat.ask("Hello")


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


def test_what_a_model_writes_and_what_its_tools_ask(chat: Any) -> None:
    checked = Checked(chat)
    call = {"id": "1", "type": "function", "name": "look", "arguments": {"at": "stones"}}
    asked = {"tool_call_id": "1", "state": "asked", "expires": 4_000_000_000}
    plan = [("plan_step", {"index": n, "text": f"Step {n}"}) for n in (1, 2)]
    answered(chat, ALL_OF_IT, *plan)
    chat.answer.locator("math").first.wait_for()
    checked.look("all of markdown")
    chat.answer.locator("[data-draw-diagram]").click()
    chat.answer.frame_locator("iframe").locator("svg").wait_for()
    checked.look("a diagram", ("light",))
    chat.page.unroute("**/events")
    chat.new_chat()
    waiting(chat, ("tool_call", call), ("tool_approval", asked))
    chat.card("look", "asks")
    checked.look("an approval")
    chat.page.unroute("**/events")
    chat.new_chat()
    schema = {"properties": {"sea": {"type": "string"}, "deep": {"type": "boolean"}, "way": {"enum": ["a", "b"]}}}
    question = {"tool_call_id": "1", "question": "q", "state": "asked", "expires": 4_000_000_000, "message": "Which?"}
    waiting(chat, ("tool_call", call), ("tool_question", {**question, "schema": {"type": "object", **schema}}))
    chat.hook("question-fields").locator("input").first.wait_for()
    checked.look("a question of a tool")
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
