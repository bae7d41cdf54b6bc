"""Long answers: what is drawn for each piece that comes does not grow with the answer."""

import re
from itertools import pairwise
from typing import Any

import pytest

pytestmark = pytest.mark.slow

# Each is one block that does not end.
ENDLESS = {
    "paragraph": "The **river** finds its way to the `sea`, as rivers do. ",
    "words": "river",
    "list": "- **stone**: a stone lets the water pass\n",
    "numbers": "{n}. the stone lets the water pass\n",
    "table": "| stone | water | **sea** |\n",
    "quote": "> The river finds its way to the sea.\n",
    "code": "    stone = water[1]  # and `more`\n",
    "formula": "\\[ x + y ",
}
STARTS = {"table": "| a | b | c |\n|---|--:|---|\n", "code": "```python\n"}
PIECE, LENGTH, MOST_IN_ONE = 400, 60_000, 7000

# Draws a text in pieces. `drawn` counts the characters of the nodes that were put in or changed,
# `longest` those of the longest box of its own, and `kept` tells whether the first box stayed.
GROW = """async ([text, piece]) => {
    const { MarkdownView } = await import("/static/js/markdown/view.js");
    const node = document.body.appendChild(document.createElement("div"));
    const view = new MarkdownView(node);
    let drawn = 0;
    const seen = new MutationObserver(() => {});
    seen.observe(node, { childList: true, subtree: true, characterData: true });
    let first = null;
    for (let at = piece; at < text.length + piece; at += piece) {
        view.set(text.slice(0, at));
        for (const { type, target, addedNodes } of seen.takeRecords()) {
            drawn += type === "characterData" ? piece : [...addedNodes].reduce((sum, { textContent }) => sum + textContent.length, 0);
        }
        if (at > text.length / 2) first ??= node.firstElementChild;
    }
    const boxes = [...node.querySelectorAll(":scope > *, .code-lines")].filter((box) => !box.querySelector(".code-lines"));
    const longest = Math.max(...boxes.map(({ textContent }) => textContent.length));
    const grown = node.innerHTML;
    view.set(text + "\\n\\nend", true);
    const whole = document.createElement("div");
    new MarkdownView(whole).set(text + "\\n\\nend", true);
    const same = node.innerHTML === whole.innerHTML;
    node.remove();
    return { drawn, longest, same, kept: first === null || grown.startsWith(first.outerHTML.slice(0, 200)) };
}"""


def endless(name: str) -> str:
    line = ENDLESS[name]
    lines = (line.replace("{n}", str(number)) for number in range(1, LENGTH // len(line)))
    return STARTS.get(name, "") + "".join(lines)


@pytest.mark.parametrize("name", ENDLESS)
def test_a_block_that_never_ends_costs_each_piece_the_same(kept_chat: Any, name: str) -> None:
    text = endless(name)
    grown = kept_chat.page.evaluate(GROW, [text, PIECE])
    assert grown["longest"] <= MOST_IN_ONE
    assert grown["drawn"] <= 12 * len(text)
    assert grown["same"]


# Draws a text in pieces, and counts the characters that were parsed as HTML and the elements that were
# made, in each quarter of the text.
COUNT = """async ([text, piece]) => {
    const { MarkdownView } = await import("/static/js/markdown/view.js");
    const { parseFromString } = DOMParser.prototype;
    const { createElement } = document;
    let [quarter, counts] = [0, [0, 0, 0, 0]];
    DOMParser.prototype.parseFromString = function (html, type) {
        counts[quarter] += String(html).length; // it may be of a trusted type
        return parseFromString.call(this, html, type);
    };
    document.createElement = function (...names) {
        counts[quarter] += 10;
        return createElement.apply(this, names);
    };
    const view = new MarkdownView(document.createElement("div"));
    for (let at = piece; at < text.length; at += piece) {
        quarter = Math.floor((4 * at) / text.length);
        view.set(text.slice(0, at));
    }
    Object.assign(DOMParser.prototype, { parseFromString });
    delete document.createElement;
    const whole = document.createElement("div");
    new MarkdownView(whole).set(text, true);
    view.set(text, true);
    const numberless = (node) => node.innerHTML.replace(/note-\\d+-/g, "note-");
    return { counts, same: numberless(view.node) === numberless(whole) };
}"""
NAMED = {
    "definitions": "The river {n} [finds][Way  {n}] its way.\n\n[way {n}]: https://example.org/{n}\n\n",
    "definitions at the end": "The river {n} [finds][way 1] its way.\n\n",
    "footnotes": "The river {n} finds its way.[^{n}]\n\n[^{n}]: It is *the* easiest.\n\n",
    "one footnote": "The river {n} finds its way.[^1]\n\n",
}


@pytest.mark.parametrize("name", NAMED)
def test_names_that_a_text_defines_and_mentions_cost_each_piece_the_same(kept_chat: Any, name: str) -> None:
    lines = [NAMED[name].replace("{n}", str(number)) for number in range(600)]
    text = "".join(lines) + "[way 1]: https://example.org\n\n[^1]: It is the easiest.\n"
    counted = kept_chat.page.evaluate(COUNT, [text, 100])
    assert counted["same"]
    assert counted["counts"][2] <= 1.3 * counted["counts"][1]


def test_a_list_that_goes_on_goes_on_counting_and_a_table_has_its_head_again(kept_chat: Any) -> None:
    drawn = kept_chat.rendered(endless("numbers"))
    assert drawn.count("<ol") > 5 and drawn.count("<li>") == LENGTH // len(ENDLESS["numbers"]) - 1
    lists = re.findall(r'<ol(?: start="(\d+)")?[^>]*>(.*?)</ol>', drawn, re.DOTALL)
    starts = [(int(start or 1), items.count("<li>")) for start, items in lists]
    assert all(start + count == after for (start, count), (after, _) in pairwise(starts))
    tables = kept_chat.rendered(endless("table"))
    assert tables.count("<thead>") == tables.count("<table") > 5


def test_what_comes_in_a_heap_is_drawn_in_turns(kept_chat: Any) -> None:
    turns = kept_chat.page.evaluate(
        """async (text) => {
            const { MarkdownView } = await import("/static/js/markdown/view.js");
            const [node, whole] = [document.createElement("div"), document.createElement("div")];
            const view = new MarkdownView(node);
            let turns = 1;
            while (!view.set(text, true, 5000)) turns += 1;
            new MarkdownView(whole).set(text, true);
            return [turns, node.innerHTML === whole.innerHTML];
        }""",
        "A paragraph with some **words**.\n\n" * 2000,
    )
    assert turns == [2000 * 34 // 5000 + 1, True]


def test_long_code_is_coloured_elsewhere_and_stays_the_same_text(chat: Any) -> None:
    code = "".join(f"def stone_{number}():\n    '''{number}\n    more'''\n" for number in range(400))
    told = chat.page.evaluate(
        """async (code) => {
            const { MarkdownView } = await import("/static/js/markdown/view.js");
            const node = document.body.appendChild(document.createElement("div"));
            new MarkdownView(node).set("```python\\n" + code + "```", true);
            const shown = node.querySelector("code");
            const before = shown.querySelectorAll(".hljs-keyword").length;
            while (node.querySelector("[data-uncoloured]") || !shown.lastChild.querySelector("span")) {
                await new Promise((resolve) => setTimeout(resolve, 20));
            }
            const boxes = [...shown.children].map((box) => box.textContent.split("\\n").length - 1);
            return { before, text: shown.textContent, keywords: shown.querySelectorAll(".hljs-keyword").length, boxes };
        }""",
        code,
    )
    assert told["before"] == 0 and told["keywords"] == 400
    assert told["text"] == code.removesuffix("\n")
    assert max(told["boxes"]) == 50
