"""Footnotes and task lists, however they came."""

from typing import Any

import pytest

pytestmark = pytest.mark.slow

NOTED = """\
A river[^1] finds its way[^way], and the sea[^1] waits. This[^none] is none, and `[^1]` is code.

| a | b |
|---|---|
| in a table[^way] | c |

[^way]: It takes the **easiest** one,
and goes on here.

    And after a gap.
[^1]: Water that [runs](https://example.org).

- [x] seen
- [ ] not yet
"""


def test_footnotes_are_numbered_in_the_order_of_the_text_and_lead_back(chat: Any) -> None:
    pieces = [("content_delta", {"delta": NOTED[at : at + 3]}) for at in range(0, len(NOTED), 3)]
    chat.answer_with(*pieces, ("completed", {"content": NOTED, "finish_reason": "stop", "usage": None, "timing": None}))
    text = chat.answer.locator("[data-content]")
    mentions = text.locator("sup a")
    assert mentions.all_inner_texts() == ["1", "2", "1", "2"]
    assert "[^none]" in text.inner_text() and text.locator("code").first.inner_text() == "[^1]"
    notes = text.locator("[data-footnote]").all_inner_texts()
    assert notes[0].startswith("2. It takes the easiest one,") and notes[0].endswith("↩ ↩2")
    assert notes[1].startswith("1. Water that runs")
    mentions.nth(1).click()
    focused = "document.activeElement.textContent"
    assert chat.page.evaluate(focused).startswith("2. It takes")
    text.locator("[data-footnote]").first.locator("[role=doc-backlink]").last.click()
    assert chat.page.evaluate("document.activeElement.closest('td') !== null")
    assert chat.page.url.endswith(chat.page.url.rpartition("/")[2]) and "#" not in chat.page.url


def test_a_note_that_was_jumped_to_stands_clear_of_the_edges(chat: Any) -> None:
    text = "A stone[^1].\n\n" + "Water.\n\n" * 60 + "[^1]: It is hard.\n\n" + "Water.\n\n" * 60
    chat.answer_with(
        ("content_delta", {"delta": text}),
        ("completed", {"content": text, "finish_reason": "stop", "usage": None, "timing": None}),
    )
    drawn, frame = chat.answer.locator("[data-content]"), chat.hook("scroller").bounding_box()
    for link in (drawn.locator("sup a"), drawn.locator("[role=doc-backlink]")):
        link.evaluate("link => link.click()")
        place = chat.page.evaluate(
            "(({ top, bottom }) => [top, bottom])(document.activeElement.getBoundingClientRect())"
        )
        assert frame["y"] + 20 < place[0] and place[1] < frame["y"] + frame["height"] - 20, (place, frame)


def test_two_answers_have_ids_of_their_own(chat: Any) -> None:
    end = ("completed", {"content": NOTED, "finish_reason": "stop", "usage": None, "timing": None})
    chat.answer_with(("content_delta", {"delta": NOTED}), end)
    chat.ask("Again").until_done()
    ids = chat.page.locator("[data-content] [id]").evaluate_all("nodes => nodes.map((node) => node.id)")
    assert len(ids) == len(set(ids)) == 12


def test_a_task_is_a_box_with_a_name_that_nobody_can_tick(kept_chat: Any) -> None:
    drawn = kept_chat.rendered(NOTED)
    assert drawn.count('<input type="checkbox" disabled="" aria-label="') == 2
    assert 'aria-label="Done" checked=""' in drawn and 'aria-label="Open">' in drawn


UNFINISHED = """async (text) => {
    const { MarkdownView } = await import("/static/js/markdown/view.js");
    const draw = (...pieces) => {
        const node = document.createElement("div");
        const view = new MarkdownView(node);
        pieces.forEach((piece, at) => view.set(piece, at === pieces.length - 1));
        return node.innerHTML.replaceAll(/note-\\d+-/g, "note-");
    };
    const whole = draw(text);
    return Array.from({ length: text.length }, (_, at) => text.slice(0, at)).filter((prefix) => draw(prefix, text) !== whole);
}"""


def test_footnotes_are_the_same_wherever_the_text_was_cut(kept_chat: Any) -> None:
    assert kept_chat.page.evaluate(UNFINISHED, NOTED) == []
