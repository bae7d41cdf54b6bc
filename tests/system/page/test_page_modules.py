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


def test_every_module_is_fetched_before_it_is_imported(reader: Callable[..., Any]) -> None:
    chat = reader()
    scripts: list[str] = []
    chat.page.on("request", lambda request: request.resource_type == "script" and scripts.append(request.url))
    chat.open()
    preloaded = chat.page.locator('link[rel="modulepreload"]').evaluate_all("links => links.map((link) => link.href)")
    modules = {url for url in scripts if urlsplit(url).path != "/static/first-paint.js"}
    assert len(preloaded) == len(set(preloaded)) and modules == set(preloaded)


def test_the_page_knows_every_event_of_its_dialect_and_no_other(chat: Any) -> None:
    named = chat.page.evaluate("import('/static/js/server/events.js').then(({ EVENT }) => Object.values(EVENT))")
    dialect = MessageDialect()
    sent = {frame.event for event in SENT for frame in dialect.encode(event)}
    assert set(named) == sent | {frame.event for frame in dialect.heartbeat()}
