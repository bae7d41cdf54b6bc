"""Blocks of markdown in the page: code, what is drawn once, and texts that are costly to draw."""

from typing import Any

import pytest

pytestmark = pytest.mark.slow


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
