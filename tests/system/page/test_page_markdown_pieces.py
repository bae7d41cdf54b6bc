"""Markdown in the page comes in pieces, which leave no trace."""

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
