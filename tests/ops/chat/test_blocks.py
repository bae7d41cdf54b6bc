from hypothesis import given
from hypothesis import strategies as st

from chatapp.ops.chat.blocks import Blocks

MARKDOWN = """# Title

One
two

- a

  still a
- b

```python
x = 1

y = 2
```
after
~~~
```
~~~

end"""


def cut(text: str, *sizes: int) -> list[str]:
    blocks, found, sizes = Blocks(), list[str](), sizes or (len(text),)
    at = 0
    while at < len(text):
        for size in sizes:
            found += blocks.feed(text[at : at + size])
            at += size
    return [*found, blocks.flush()]


def test_blocks_end_at_blank_lines_and_fences_are_whole() -> None:
    assert cut(MARKDOWN) == [
        "# Title",
        "One\ntwo",
        "- a\n\n  still a\n- b",
        "```python\nx = 1\n\ny = 2\n```",
        "after",
        "~~~\n```\n~~~",
        "end",
    ]


@given(st.lists(st.integers(1, 7), min_size=1, max_size=5))
def test_the_blocks_are_the_same_however_the_text_comes(sizes: list[int]) -> None:
    assert cut(MARKDOWN, *sizes) == cut(MARKDOWN)


@given(st.text(alphabet="a`~ \n-", max_size=60), st.lists(st.integers(1, 7), min_size=1, max_size=3))
def test_no_word_is_lost_or_repeated(text: str, sizes: list[int]) -> None:
    assert "".join("".join(cut(text, *sizes)).split()) == "".join(text.split())


def test_the_tail_is_what_is_not_finished() -> None:
    blocks = Blocks()
    assert blocks.feed("one\n\ntw") == ["one"]
    assert blocks.tail == "tw"
    assert blocks.flush() == "tw" and blocks.tail == ""
