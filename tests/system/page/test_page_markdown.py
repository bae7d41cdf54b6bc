"""Markdown in the page: the pieces it comes in leave no trace, and a model's text never acts."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.slow

# Draws a text whole, character by character, and in two pieces, cut at every place. All must be the
# same.
COMPARE = """async (text) => {
    const { MarkdownView } = await import("/static/js/markdown/view.js");
    const draw = (...pieces) => {
        const node = document.createElement("div");
        const view = new MarkdownView(node);
        pieces.forEach((piece, at) => view.set(piece, at === pieces.length - 1));
        return node.innerHTML;
    };
    const whole = draw(text);
    const prefixes = Array.from({ length: text.length + 1 }, (_, at) => text.slice(0, at));
    const differing = prefixes.findIndex((prefix) => draw(prefix, text) !== whole);
    return { whole, grown: draw(...prefixes, text), differing };
}"""

DOCUMENTS = {
    "prose": "# Title\n\nA *paragraph* with **bold**, `code` and\na second line.\n\nAnother one, with ~~no~~ marks: 2 * 3 * 4.",
    "lists": "1. one\n\n2. two\n   - deep\n   - deeper\n\n     still in it\n3. three\n\n- a\n- b\n\n* c\n\n+ d\n\n- [x] done\n- [ ] open",
    "a list that goes on after a gap": "1. a\n\n2\n\n1. a\n\n2. b\n\n\n3. c\n\ntext\n10. no list",
    "code": "Look:\n\n```python\nif a < b:\n    print('`')\n\n\n```\n\ntext\n\n~~~\ntilde ``` inside\n~~~\n\n    indented\n\n    more",
    "a fence in a list": "- do this:\n\n  ```js\n  const a = 1;\n\n  const b = `x`;\n  ```\n\n- then that\n\n> ```\n> quoted\n> ```",
    "an open fence": "before\n\n```rust\nfn main() {\n    let x = 1;\n",
    "an open fence in a list": "- do this:\n\n  ```js\n  const a = 1;\n",
    "a longer fence": "````md\n```\ninner\n```\n````\nafter",
    "tables": "| a | b |\n|:--|--:|\n| 1 | `x|y` |\n| 2 | **z** |\nafter it\n\n| not | a table\n\nx | y\n--|--\n1 | 2",
    "headings below": "Title\n=====\n\nSub\n---\n\ntext\n- item\n\n---\n\n***\n\nlast\n===",
    "links": 'See [here](https://example.org/a_(b) "title") and <https://example.org> or www.example.org.\n\n![x](data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=)',
    "references": "Read [the book][1], [the book] and [another][2].\n\n- also [1]\n\n[1]: https://example.org/one\n\nmore\n\n[the book]: https://example.org/book 'The book'\n[2]: https://example.org/two\n\nend [1]",
    "quotes": "> one\n> two\nlazy\n\n> > deep\n> - list\n>\n> end\n\nafter",
    "html": 'a <b>bold</b> <sub>2</sub><br>x\n\n<div class="x">\n\ninside\n\n</div>\n\n<!-- a comment\n\nstill it -->\n\n<script>\nalert(1)\n</script>\nafter\n\n<details>\n<summary>S</summary>\n\ntext\n</details>',
    "line ends": "one\r\ntwo\r\n\r\n- a\r\n- b\r\n\r\n```\r\ncode\r\n```\r\nend",
    "odd ends": "\n\n  text\\\nline  \nline\n\n\n&amp; &lt;b&gt; \\*no\\* [a](b\n\n**never closed\n\n`nor this\n\n[x",
    "marks": "***both*** __under__ _one_ **a *b* c** ~~x~~ ``a ` b`` $5 $$x$$ 20~25 2 ** 3 https://example.org/_a",
    "marks left open": "**never *closed ~~nor ``these ` and [a](b_(c) \n- ![x](y 'z\n- __d\n\n***e\n\n> `f\n\n[g",
    "other scripts": "日本語の**強調**です。\n\n- über 😀 naïve\n- עברית\n\n1. ١",
}


@pytest.fixture(scope="module")
def compare(browser: Any, server: Any) -> Any:
    page = browser.new_page()
    page.goto(server.url)
    yield lambda text: page.evaluate(COMPARE, text)
    page.close()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_looks_the_same_wherever_it_was_cut(compare: Any, name: str) -> None:
    result = compare(DOCUMENTS[name])
    assert result["grown"] == result["whole"]
    assert result["differing"] == -1, DOCUMENTS[name][: result["differing"]]


PIECES = st.sampled_from(
    [
        "a",
        "b c",
        " ",
        "  ",
        "    ",
        "\n",
        "\n\n",
        "- ",
        "* ",
        "1. ",
        "2. ",
        "> ",
        "# ",
        "```",
        "```js\n",
        "~~~",
        "`",
        "*",
        "**",
        "***",
        "_",
        "__",
        "~~",
        "$",
    ]
    + [
        "|",
        "|-|-|\n",
        "| a | b |\n",
        "---",
        "===",
        "[a]",
        "[a]: /u",
        "[a](u)",
        "[a](u_(",
        "![",
        "](",
        "<div>",
        "</div>",
        "<b>",
        "<!--",
        "-->",
        "\t",
        "\\",
        "\r\n",
        "2",
        ".",
    ]
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(PIECES, max_size=24).map("".join))
def test_any_text_looks_the_same_wherever_it_was_cut(compare: Any, text: str) -> None:
    result = compare(text)
    assert result["grown"] == result["whole"]
    assert result["differing"] == -1


# Draws a text character by character. Returns the first state that shows something else than the
# beginning of the whole text.
FIRST_FLICKER = """async (text) => {
    const { MarkdownView } = await import("/static/js/markdown/view.js");
    const node = document.createElement("div");
    const view = new MarkdownView(node);
    const shown = () => node.textContent.replace(/\\s+/g, " ").trim();
    view.set(text, true);
    const whole = shown();
    for (let at = 1; at <= text.length; at += 1) {
        view.set(text.slice(0, at));
        if (!whole.startsWith(shown())) return [text.slice(0, at), shown()];
    }
    return null;
}"""

STEADY = {
    "emphasis": "It is *really* **truly** ***both*** and __under__ or _one_.\n\n**Title**: *x*",
    "over lines": "A **bold\nover lines** and *more\nof it*.",
    "code": "Use `a * b[0]`, `f(x)[y](z` and ``x ` y``, then *this*.",
    "strike": "It is ~~gone~~ now.",
    "links": "See [the book](https://example.org/a_(b)_c 'A title') and [two](https://example.org/x_y).",
    "no marks": "It costs $5, *not* $6: 2 * 3 and 2 ** 3 at https://example.org/a/_b, **so** *there*.",
    "lists": "- **One**: a *first* thing\n- **Two**: `code`\n  - deep **bold**\n- > 25 items\n\n1. **A** b\n2. *c* d",
    "a lone mark": "- a lone * star and ** stars\n- a **good** one",
    "a table": "| a | **b** |\n|---|---|\n| `x` | *y* |\n",
    "headings": "# A *title*\n\nBelow\n===\n\ntext\n\n---\n\n- item",
    "quotes": "> Some **bold** and `code`\n> more",
}


@pytest.mark.parametrize("name", STEADY)
def test_marks_that_are_not_complete_never_show(kept_chat: Any, name: str) -> None:
    assert kept_chat.page.evaluate(FIRST_FLICKER, STEADY[name]) is None


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


def test_code_has_its_language_its_colours_and_a_copy_button(chat: Any) -> None:
    chat.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    chat.ask("Hello").until_done()
    block = chat.answer.locator("figure[data-code='python']")
    assert "python" in block.locator("figcaption").inner_text()
    assert block.locator(".hljs-keyword").first.inner_text() == "for"
    block.locator("[data-copy-code]").click()
    block.get_by_text("Copied").wait_for()
    assert (
        chat.page.evaluate("navigator.clipboard.readText()") == 'for word in answer.split():\n    print(word, end=" ")'
    )


def test_an_open_fence_is_code_while_it_grows_and_is_coloured_when_it_closes(kept_chat: Any) -> None:
    states = kept_chat.page.evaluate(
        """async () => {
            const { MarkdownView } = await import("/static/js/markdown/view.js");
            const { highlighter } = await import(document.querySelector("script[type=module]").src.replace("main.js", "markdown/libraries.js"));
            highlighter.get();
            await highlighter.arriving;
            const node = document.createElement("div");
            const view = new MarkdownView(node);
            const states = [];
            for (const text of ["```js\\nconst", "```js\\nconst a", "```js\\nconst a = 1;\\n``", "```js\\nconst a = 1;\\n```"]) {
                view.set(text);
                const code = node.querySelector("figure code");
                states.push([code.textContent, code.children.length > 0, states.length ? code === states.code : true]);
                states.code = code;
            }
            return states;
        }"""
    )
    assert [state[0] for state in states] == ["const", "const a", "const a = 1;", "const a = 1;"]
    assert [state[1] for state in states] == [False, False, False, True]
    assert states[1][2] and states[2][2]  # the same node grew
    assert "hljs-keyword" in kept_chat.rendered("- so:\n\n  ```js\n  const a = 1;\n")  # the end closes it


def test_finished_blocks_are_drawn_once(kept_chat: Any) -> None:
    kept = kept_chat.page.evaluate(
        """async () => {
            const { MarkdownView } = await import("/static/js/markdown/view.js");
            const node = document.createElement("div");
            const view = new MarkdownView(node);
            const text = "# One\\n\\nTwo **words**.\\n\\n- three\\n\\nFour.\\n\\nFive";
            view.set(text);
            const before = [...node.children];
            for (const more of [" and", " and more", " and more\\n\\nSix"]) view.set(text + more);
            return before.slice(0, 4).every((each, at) => node.children[at] === each);
        }"""
    )
    assert kept


COSTLY = {
    "stars": "*a ",
    "stars and lines": "*_a",
    "lines in words": "a_",
    "half addresses": "a.b-c_d",
    "addresses": "http://a.b/(",
    "brackets": "![",
    "tags": "<a ",
    "ticks": "`a``b```c ",
    "formulas": "\\[ x ",
}


@pytest.mark.parametrize("name", COSTLY)
def test_50_kb_of_marks_that_open_and_never_close_are_drawn(kept_chat: Any, name: str) -> None:
    """Without bounds some of these take a minute."""
    text = COSTLY[name] * (50_000 // len(COSTLY[name]))
    assert len(kept_chat.rendered(text)) >= len(text) // 2


@pytest.mark.parametrize("mark", [">", "> ", "- ", "1. ", "> - "])
def test_thousands_of_levels_do_not_break_the_page(kept_chat: Any, mark: str) -> None:
    drawn = kept_chat.rendered(mark * 2000 + "**deep** below\n\n**after**")
    assert "deep" in drawn and "<strong>after</strong>" in drawn
    levels = drawn.count("<blockquote") + drawn.count("<li>")
    assert 10 < levels < 100


def test_ordinary_depth_and_emphasis_stay(kept_chat: Any) -> None:
    drawn = kept_chat.rendered("> > > a\n\n" + "".join(f"{'  ' * level}- **level** {level}\n" for level in range(10)))
    assert drawn.count("<blockquote") == 3 and drawn.count("<strong>level</strong>") == 10
