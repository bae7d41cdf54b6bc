"""The page's modules: a browser fetches all of them at once, and they spell events as the server
does."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from chatapp.dialects.message import MessageDialect
from chatapp.events import (
    AttemptReset,
    CitedSource,
    ErrorInfo,
    File,
    PlanStep,
    ReasoningDelta,
    RunEnd,
    RunQueued,
    TextDelta,
    Timing,
    ToolApproval,
    ToolCall,
    ToolProgress,
    ToolQuestion,
    ToolResult,
    Usage,
)

pytestmark = pytest.mark.slow

SENT = (
    ReasoningDelta("x"),
    TextDelta("x"),
    ToolCall("1", "function", "f", {}),
    ToolApproval("1", "asked", 0),
    ToolQuestion("1", "q", "asked", 0),
    ToolProgress("1", 1),
    ToolResult("1"),
    PlanStep(1, "x"),
    CitedSource("src_1", "https://source.test"),
    File("file_1", "image/png"),
    RunQueued(),
    AttemptReset("x"),
    RunEnd("stop", Usage(), Timing()),
    RunEnd("error", Usage(), Timing(), ErrorInfo("x", "x", False, "x")),
)


# Before the prompt takes a question. Each is a request, and costs some 2 ms.
MOST_FIRST = 30


def test_every_module_is_fetched_before_it_is_imported_and_few_before_the_prompt_works(
    reader: Callable[..., Any],
) -> None:
    chat = reader()
    scripts: list[str] = []
    chat.page.on("request", lambda request: request.resource_type == "script" and scripts.append(request.url))
    chat.open()
    preloaded = chat.page.locator('link[rel="modulepreload"]').evaluate_all("links => links.map((link) => link.href)")
    modules = {url for url in scripts if urlsplit(url).path != "/static/first-paint.js"}
    assert len(preloaded) == len(set(preloaded)) and modules == set(preloaded)
    first = chat.page.evaluate(
        """() => performance.getEntriesByType("resource")
            .filter(({ name, startTime }) => name.endsWith(".js") && startTime < performance.getEntriesByName("usable")[0].startTime)
            .map(({ name }) => name)"""
    )
    assert 10 < len(first) < MOST_FIRST, first


@pytest.mark.parametrize("missing", ["chat-views", "page-views"])
def test_a_question_can_be_asked_before_the_rest_of_the_page_is_there(reader: Callable[..., Any], missing: str) -> None:
    """What comes later shows what has happened before."""
    chat = reader()
    waiting: list[Any] = []
    chat.page.route(f"**/js/{missing}.js", lambda route: waiting.append(route))
    chat.page.goto(chat.url)
    chat.hook("prompt").fill("Hello")
    with chat.page.expect_response(lambda response: response.request.method == "POST"):
        chat.hook("prompt").press("Enter")
    chat.page.wait_for_function("() => performance.getEntriesByName('usable').length")
    assert chat.page.locator("html[data-ready]").count() == 0
    waiting.pop().continue_()
    chat.until_done()
    chat.page.wait_for_url("**/c/*")
    chat.ready()
    assert chat.answers.count() == 1


def test_the_list_may_be_there_before_the_conversation(reader: Callable[..., Any]) -> None:
    chat = reader().open().ask("Hello", "truncated").until_done()
    chat.page.locator("[data-conversation] [data-pin]").press("Enter")
    chat.page.locator("[data-group=Pinned]").wait_for()
    waiting: list[Any] = []
    chat.page.route("**/js/chat-views.js", lambda route: waiting.append(route))
    chat.page.reload()
    chat.page.locator("[data-conversation][data-pinned]").wait_for()
    waiting.pop().continue_()
    chat.ready()


def test_the_prompt_works_without_the_rest_which_is_asked_for_again(reader: Callable[..., Any]) -> None:
    chat = reader()
    chat.page.route("**/js/page-views.js", lambda route: route.abort(), times=1)
    chat.page.goto(chat.url)
    chat.hook("notice").wait_for()
    chat.ready()
    chat.expect_problem("page-views.js")


def test_the_page_knows_every_event_of_its_dialect_and_no_other(chat: Any) -> None:
    named = chat.page.evaluate("import('/static/js/server/events.js').then(({ EVENT }) => Object.values(EVENT))")
    dialect = MessageDialect()
    sent = {frame.event for event in SENT for frame in dialect.encode(event)}
    assert set(named) == sent | {frame.event for frame in dialect.heartbeat()}
