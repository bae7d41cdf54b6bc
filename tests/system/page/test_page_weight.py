"""What a first visit costs, and a second one."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.slow

MOST_BYTES = 115_000
SIZES = """() => performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation"))
    .map(({ name, transferSize, encodedBodySize }) => [name, transferSize && encodedBodySize])"""


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_the_first_usable_chat_is_light_and_the_second_has_nothing_to_fetch(
    reader: Callable[..., Any], locale: str
) -> None:
    chat = reader(locale=locale).open()
    chat.page.wait_for_load_state("networkidle")
    sizes = chat.page.evaluate(SIZES)
    assert sum(size for _, size in sizes) < MOST_BYTES, sorted(sizes, key=lambda each: -each[1])[:8]
    chat.page.goto("about:blank")
    chat.open()
    fetched = [name for name, size in chat.page.evaluate(SIZES) if "/static/" in name and size]
    assert fetched == []
