"""A text that a model or a reader writes never acts in the page."""

from typing import Any

import pytest

pytestmark = pytest.mark.slow

HOSTILE = """\
Hello <script>window.owned = 1</script> <img src=x onerror="window.owned = 1"> <svg onload="window.owned = 1"><a href="javascript:window.owned=1">x</a></svg>

[one](javascript:window.owned=1) [two](JaVaScRiPt:window.owned=1) [three](data:text/html,<script>window.owned=1</script>) <javascript:window.owned=1> [four]( java\tscript:window.owned=1) [five](vbscript:x)

![pixel](https://tracker.invalid/pixel.png) ![a](x" onerror="window.owned=1) [![nested](https://tracker.invalid/n.png)](https://example.org)

<style>body { display: none }</style>

<iframe src="https://tracker.invalid"></iframe><object data="x"></object><embed src="x"><base href="https://tracker.invalid/">

<form action="https://tracker.invalid"><input name="q" autofocus onfocus="window.owned=1"><button>Go</button></form>

<div style="position:fixed;inset:0" onclick="window.owned=1" id="prompt" data-retry>cover</div>

<math><mtext><table><mglyph><style><img src=x onerror=window.owned=1></style></mglyph></table></mtext></math>

<b onmouseover="window.owned=1">b</b> <b>kept</b> <sub>2</sub>

```html"onmouseover="window.owned=1
<script>window.owned = 1</script>
```

- <img src=x onerror="window.owned=1">

> <iframe srcdoc="<script>window.owned=1</script>"></iframe>

| <img src=x onerror="window.owned=1"> | b |
|-|-|
| [x](javascript:window.owned=1) | <script>window.owned=1</script> |

[ref]: javascript:window.owned=1
[ref] and <a href="https://example.org" target="_self" onclick="window.owned=1">raw</a>"""

AUDIT = """(root) => {
    const allowed = new Set(("p br hr h1 h2 h3 h4 h5 h6 blockquote ul ol li pre code table thead tbody tr th td a b strong i em del s u "
        + "ins mark small sub sup kbd div figure figcaption span button").split(" "));
    const found = [];
    for (const node of root.querySelectorAll("*")) {
        if (!allowed.has(node.localName)) found.push(node.outerHTML);
        for (const { name } of node.attributes) if (/^on|^style$|^id$|^srcdoc$/.test(name)) found.push(node.outerHTML);
        if (node.localName === "a" && !/^(https?|mailto):$/.test(node.protocol)) found.push(node.outerHTML);
        if (node.localName === "a" && (node.rel !== "noopener noreferrer" || node.target !== "_blank")) found.push(node.outerHTML);
    }
    return found;
}"""


ACTIVE = ":is(script, iframe, style, img, object, embed, base, form:not([data-composer], [method=dialog], .languages))"


def test_hostile_markdown_is_inert_and_readable(chat: Any) -> None:
    drawn = chat.page.evaluate(
        """async (text) => {
            const audit = AUDIT;
            const { MarkdownView } = await import("/static/js/markdown/view.js");
            const node = document.body.appendChild(document.createElement("div"));
            const view = new MarkdownView(node);
            const found = [];
            for (let at = 0; at <= text.length; at += 1) {
                view.set(text.slice(0, at), at === text.length);
                found.push(...audit(node));
            }
            return { found, text: node.textContent, html: node.innerHTML };
        }""".replace("AUDIT", AUDIT),
        HOSTILE,
    )
    assert drawn["found"] == []
    assert "<script>window.owned = 1</script>" in drawn["text"]  # a model's words about tags stay readable
    assert "<b>kept</b>" in drawn["html"] and "<sub>2</sub>" in drawn["html"]
    assert chat.page.evaluate("window.owned") is None


def test_a_hostile_answer_is_inert_on_the_page(chat: Any) -> None:
    pieces = [("content_delta", {"delta": HOSTILE[at : at + 9]}) for at in range(0, len(HOSTILE), 9)]
    thought = ("reasoning_delta", {"delta": HOSTILE})
    called = ("tool_call", {"id": "1", "type": "mcp", "name": HOSTILE, "arguments": {HOSTILE: HOSTILE}})
    gave = ("tool_result", {"tool_call_id": "1", "result": HOSTILE})
    failed = ("error", {"code": "x", "message": HOSTILE, "retryable": True, "trace_id": HOSTILE})
    planned = ("plan_step", {"index": 1, "text": HOSTILE})
    chat.answer_with(planned, thought, called, gave, *pieces, failed)
    for name in ("content", "reasoning"):
        assert chat.answer.locator(f"[data-{name}]").evaluate(AUDIT) == []
    assert chat.page.evaluate("window.owned") is None
    assert chat.answer.locator(ACTIVE).count() == 0


def test_a_hostile_question_is_text_everywhere(chat: Any) -> None:
    line = HOSTILE.splitlines()[0]
    chat.ask(line).until_done()  # the mock quotes what it is asked
    for _ in range(2):
        assert chat.questions == [line]
        assert chat.hook("title").inner_text() == chat.hook("link").inner_text()
        assert chat.answer.locator("[data-content]").evaluate(AUDIT) == []
        assert chat.page.locator("main, nav").locator(ACTIVE).count() == 0
        chat.reload()
    assert chat.page.evaluate("window.owned") is None
