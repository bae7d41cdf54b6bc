"""What an export leaves active: code as it was, and nothing that loads or runs."""

import json
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatapp.exchange.inert import LONG_CHARS, PIECE_CHARS, inert

MARKED = Path(__file__).parents[2] / "static/vendor/marked/marked.esm.js"


def said(text: str) -> str:
    return "".join(inert(text))


@pytest.mark.parametrize(
    ("text", "exported"),
    [
        ("![x](https://a.test/p.png)", "&#33;[x](https://a.test/p.png)"),
        ("[![x][y]](z)\n\n[y]: u", "[&#33;[x][y]](z)\n\n[y]: u"),
        ("<img src=x> <!-- --> </p> <?x", "&lt;img src=x> &lt;!-- --> &lt;/p> &lt;?x"),
        ("1 < 2, a<3, <https://a.test/?a=1&b=2>, <mailto:a@b.test>", "1 < 2, a<3, <https://a.test/?a=1&b=2>, <mailto:a@b.test>"),
        ("<https://a.test onload=x>", "&lt;https://a.test onload=x>"),
        (r"https://a.test/\<b>", r"https://a.test/\&lt;b>"),
        ("`![x](u)` ``<b> ` `` ![y](u)", "`![x](u)` ``<b> ` `` &#33;[y](u)"),
        (r"\` ![x](u) `", r"\` &#33;[x](u) `"),
        ("` ![x](u)\n`", "` &#33;[x](u)\n`"),
        ("| ` | ![x](u) ` |", "| ` | &#33;[x](u) ` |"),
        ("```html\n<b>![x](u)\n```\n<b>", "```html\n<b>![x](u)\n```\n&lt;b>"),
        ("~~~~\n<b>\n~~~\n<b>\n   ~~~~~ \n<b>", "~~~~\n<b>\n~~~\n<b>\n   ~~~~~ \n&lt;b>"),
        ("``` a`b\n<b>\n```", "``` a`b\n&lt;b>\n```"),
        ("- ```\n<b>\n```\n<b>", "- ```\n&lt;b>\n```\n&lt;b>"),
        ("1. x\n   ```\n   <b>\n   ```\n```\n<b>\n```", "1. x\n   ```\n   &lt;b>\n   ```\n```\n<b>\n```"),
        ("1. x\n   ```\n<b>\n   ```\n<b>\n```\n<b>", "1. x\n   ```\n&lt;b>\n   ```\n&lt;b>\n```\n&lt;b>"),
        ("[a\n```\n<b>]: u\n", "[a\n```\n&lt;b>]: u\n"),
        ("a\u2028```\n<b>\r```\r<b>\r```\r<b>", "a\u2028```\n&lt;b>\r```\r<b>\r```\r&lt;b>"),
    ],
)  # fmt: skip
def test_pictures_and_tags_are_text_outside_of_code(text: str, exported: str) -> None:
    assert said(text) == exported


@given(st.text(alphabet="`!<[]|\\ab\n\r~ /", max_size=60))
def test_nothing_but_entities_is_written_and_a_second_time_none(text: str) -> None:
    once = said(text)
    assert once.replace("&lt;", "<").replace("&#33;", "!") == text
    assert said(once) == once


@pytest.mark.parametrize(
    "text", ["`a" * 100_000, "![" * 100_000, "``a`b" * 40_000, "\\" * 200_000, "`|" * 100_000, "word " * 40_000]
)
def test_a_long_line_comes_in_pieces(text: str) -> None:
    """Between two pieces others have their turn."""
    active = text.count("![")
    assert max(map(len, inert(text))) <= PIECE_CHARS * len("&#33;")
    assert len(said(text)) == len(text) + active * len("&#33")


@pytest.mark.parametrize("before", range(PIECE_CHARS - 3, PIECE_CHARS + 1))
@pytest.mark.parametrize(
    ("text", "exported"),
    [("![x](u)", "&#33;[x](u)"), ("<b>", "&lt;b>"), ("<https://a.test/>", "<https://a.test/>")],
)
def test_what_lies_in_two_pieces_is_seen(before: int, text: str, exported: str) -> None:
    around = "x" * before, "x" * LONG_CHARS
    assert said(text.join(around)) == exported.join(around)


@pytest.mark.parametrize("text", ["[]" * 50_000, "`a" * 50_000])
def test_of_a_long_line_not_every_sign_is_looked_at(text: str) -> None:
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        said(text)
    finally:
        sys.setprofile(None)
    assert calls < 1000


@pytest.mark.parametrize(
    ("text", "exported"),
    [
        ("``` " + "x" * 5000 + "\n<b>\n```\n<b>", "&lt;b>\n```\n&lt;b>"),
        ("[" + "x" * 5000 + "\n```\n<b>\n```\n\n<b>", "\n```\n&lt;b>\n```\n\n&lt;b>"),
        ("```\n" + "`" * 5000 + "\n<b>", "\n&lt;b>"),
        ("```\n" + "`" * 5000 + "x\n<b>", "x\n<b>"),
    ],
)
def test_behind_a_long_line_that_may_begin_code_nothing_is_taken_for_it(text: str, exported: str) -> None:
    assert said(text).endswith(exported)


PARTS = [
    *("`", "``", "```", "~~~", "\n", "\n\n", " ", "  ", "   ", "    ", "\t", "- ", "1. ", "> ", "# ", "|", "a", "\\", "$", "&", "*", "_"),
    *("https://t.test/", "![x](https://t.test/p)", "![x][y]", "[", "](u)", "[y]: https://t.test\n", "| a | b |\n|---|---|\n"),
    *("<img src=x>", "<b>", "<!--", "-->", "<pre>", "</pre>", "<div>\n"),
]  # fmt: skip
# What marked makes of each text, as HTML.
RENDER = """
const { marked } = await import(process.argv[1]);
let texts = "";
for await (const piece of process.stdin) texts += piece;
console.log(JSON.stringify(JSON.parse(texts).map((text) => marked.parse(text))));
"""
OWN = re.compile(
    r"</?(?:p|br|hr|h[1-6]|blockquote|ul|ol|li|pre|code|table|thead|tbody|tr|t[hd]|a|strong|em|del)\b[^<>]*>"
)


@pytest.mark.slow
def test_a_reader_of_markdown_finds_nothing_to_load_or_run() -> None:
    if (node := shutil.which("node")) is None:
        pytest.skip("node is not installed: apt-get install nodejs")
    chance = random.Random(16)
    texts = ["".join(chance.choices(PARTS, k=chance.randint(1, 25))) for _ in range(20_000)]
    command = [node, "--input-type=module", "-e", RENDER, MARKED.as_uri()]
    exported = json.dumps([said(text) for text in texts])
    done = subprocess.run(command, input=exported, capture_output=True, text=True, check=True)
    pages = json.loads(done.stdout)
    assert len(pages) == len(texts)
    active = [text for text, page in zip(texts, pages, strict=True) if re.search(r"<[a-zA-Z!/?]", OWN.sub("", page))]
    assert active == []
