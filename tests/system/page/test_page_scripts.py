"""Scripts and signs of the world: right to left, without spaces, and mathematics."""

from typing import Any

import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("markdown", "tag", "direction"),
    [
        ("שלום! זו תשובה.", "p", "rtl"),
        ("1. פריט\n2. item", "ol", "rtl"),
        ("- العربية", "ul", "rtl"),
        ("| עמודה | ערך |\n|---|---|\n| א | 1 |", "table", "rtl"),
        ("> שלום", "blockquote", "rtl"),
        ("# שלום", "h1", "rtl"),
        ("- שלום\n\n  ```py\n  print(1)\n  ```", "pre", "ltr"),
        ("plain", "p", "ltr"),
    ],
)
def test_a_block_runs_as_its_text_does(kept_chat: Any, markdown: str, tag: str, direction: str) -> None:
    found = kept_chat.page.evaluate(
        """async ([text, tag]) => {
            const { MarkdownView } = await import("/static/js/markdown/view.js");
            const node = document.body.appendChild(document.createElement("div"));
            new MarkdownView(node).set(text, true);
            const found = getComputedStyle(node.querySelector(tag)).direction;
            node.remove();
            return found;
        }""",
        [markdown, tag],
    )
    assert found == direction


@pytest.mark.parametrize(
    ("markdown", "drawn"),
    [
        ("这是**“强调”**的文字", "这是<strong>“强调”</strong>的文字"),
        ("**注意：**后面", "<strong>注意：</strong>后面"),
        ("これは*「強調」*です", "これは<em>「強調」</em>です"),
        ("강조는 ***“이것”***입니다", "강조는 <em><strong>“이것”</strong></em>입니다"),
        ("**第一**、**第二：**和**第三**", "<strong>第一</strong>、<strong>第二：</strong>和<strong>第三</strong>"),
        ("2 * 3 和 **粗体**", "2 * 3 和 <strong>粗体</strong>"),
    ],
)
def test_emphasis_stands_beside_signs_without_spaces(kept_chat: Any, markdown: str, drawn: str) -> None:
    assert kept_chat.rendered(markdown) == f'<p dir="auto">{drawn}</p>'


@pytest.mark.parametrize(
    ("markdown", "address"),
    [
        ("见 https://a.test/x。然后", "https://a.test/x"),
        ("（https://a.test/x）", "https://a.test/x"),
        ("「https://a.test/x」", "https://a.test/x"),
        ("https://a.test/x，以及", "https://a.test/x"),
        ("https://zh.test/wiki/中国 是", "https://zh.test/wiki/%E4%B8%AD%E5%9B%BD"),
    ],
)
def test_an_address_ends_where_the_sentence_does(kept_chat: Any, markdown: str, address: str) -> None:
    assert f'href="{address}"' in kept_chat.rendered(markdown)


FORMULAS = """async (text) => {
    const { MarkdownView } = await import("/static/js/markdown/view.js");
    const { mathematics } = await import(document.querySelector("script[type=module]").src.replace("main.js", "markdown/libraries.js"));
    mathematics.get();
    await mathematics.arriving;
    const node = document.createElement("div");
    new MarkdownView(node).set(text, true);
    return [...node.querySelectorAll(".math:has(math)")].map((math) => [
        math.querySelector(".math-source").textContent, math.matches(".math-display") ? "display" : "inline",
    ]);
}"""


@pytest.mark.parametrize(
    ("markdown", "formulas"),
    [
        ("Let \\(a_1 * b_1 * c\\) be", [["\\(a_1 * b_1 * c\\)", "inline"]]),
        ("\\[ \\sum_i x_i \\\\ y \\]", [["\\[ \\sum_i x_i \\\\ y \\]", "display"]]),
        ("With $E = mc^2$ and $\\alpha$.", [["$E = mc^2$", "inline"], ["$\\alpha$", "inline"]]),
        ("Up to $2b$, or $10$ of $5m and $6k.", [["$2b$", "inline"], ["$10$", "inline"]]),
        ("$$\na \\\\\n+ b\n- c\n$$", [["$$\na \\\\\n+ b\n- c\n$$", "display"]]),
        ("text\n$$\nx\n$$\nmore", [["$$\nx\n$$", "display"]]),
        ("- item \\(x\\)\n\n  $$y$$", [["\\(x\\)", "inline"], ["$$y$$", "display"]]),
        ("It costs $5 and $6, or $5-$6, or 5$ or 6$.", []),
        ("From $20,000 to $30,000 and so on$", []),
        ("`$x$` and `\\(y\\)`\n\n```\n$$z$$\n```", []),
        ("$PATH and $HOME, a \\$x\\$ and $ x $", []),
    ],
)
def test_formulas_are_set_and_nothing_else_is(kept_chat: Any, markdown: str, formulas: list[list[str]]) -> None:
    assert kept_chat.page.evaluate(FORMULAS, markdown) == formulas


def test_what_is_no_formula_keeps_its_source(kept_chat: Any) -> None:
    broken = "\\(\\frac{1}{\\) and \\(\\href{javascript:alert(1)}{x}\\) and \\[open"
    assert kept_chat.page.evaluate(FORMULAS, broken) in ([], [["\\(\\href{javascript:alert(1)}{x}\\)", "inline"]])
    assert "\\frac{1}{\\)" in kept_chat.rendered(broken) and "\\[open" in kept_chat.rendered(broken)
    assert "<a" not in kept_chat.rendered(broken)


def test_the_library_is_loaded_when_a_formula_is_seen(chat: Any) -> None:
    asked: list[str] = []
    chat.page.on("request", lambda request: asked.append(request.url))
    chat.answer_with(
        ("content_delta", {"delta": "Just text."}),
        ("completed", {"content": "Just text.", "finish_reason": "stop", "usage": None, "timing": None}),
    )
    assert [url for url in asked if any(name in url for name in ("temml", "stix", "highlight"))] == []
    chat.page.unroute("**/events")
    formula = "So \\(x^2\\)."
    chat.answer_with(
        ("content_delta", {"delta": formula}),
        ("completed", {"content": formula, "finish_reason": "stop", "usage": None, "timing": None}),
    )
    chat.answer.locator(".math math").wait_for()
    assert [url for url in asked if "temml.mjs" in url] != []
    assert "\\(x^2\\)" in chat.answer.locator("[data-content]").inner_text()


# Of `(`, what it encloses, a sum and a letter.
HEIGHTS = """async () => {
    document.querySelector(".math").getBoundingClientRect(); // only what is laid out asks for its font
    await document.fonts.ready;
    const height = (selector) => document.querySelector(`.math ${selector}`).getBoundingClientRect().height;
    return [height("mo"), height("mtable"), height("munderover > mo"), height("mtd mi")];
}"""

# Whether ours was fetched, or the machine has one that comes before it.
HAS_FONT = """async () => {
    const isInstalled = (name) => new FontFace("probe", `local("${name}")`).load().then(() => true, () => false);
    document.querySelector(".math").getBoundingClientRect();
    await document.fonts.ready;
    const ours = [...document.fonts].filter(({ family, status }) => family.includes("chatapp-math") && status === "loaded");
    return ours.length === 1 || await isInstalled("Cambria Math") || await isInstalled("STIX Two Math");
}"""


def test_brackets_and_sums_grow_on_any_machine(chat: Any) -> None:
    """Chromium takes the sizes from a font for mathematics, which few machines have."""
    formula = "$$\\left(\\begin{matrix} a \\\\ b \\\\ c \\\\ d \\end{matrix}\\right) \\sum_{i=1}^n x$$"
    chat.answer_with(
        ("content_delta", {"delta": formula}),
        ("completed", {"content": formula, "finish_reason": "stop", "usage": None, "timing": None}),
    )
    chat.answer.locator(".math math").wait_for()
    assert chat.page.evaluate(HAS_FONT)
    bracket, matrix, sum_sign, letter = chat.page.evaluate(HEIGHTS)
    assert bracket >= matrix
    assert sum_sign > 2 * letter
