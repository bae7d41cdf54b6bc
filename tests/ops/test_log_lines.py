"""Log lines: their keys, their two forms, and what never stands in them."""

import json
import logging
import os
import re
import sys
import threading
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest

from chatapp.errors import ChatappError, Unreachable
from chatapp.ops.log_lines import LOGGERS, MASK, configure, formatter
from chatapp.trace import current_trace, trace_of

KEY = "sk-live-0123456789"


def record(message: str, *args: object, error: Exception | None = None, **fields: object) -> logging.LogRecord:
    try:
        raise error or ValueError
    except (ValueError, OSError, ChatappError):
        failure = sys.exc_info() if error else None
    made = logging.LogRecord("chatapp.part", logging.WARNING, __file__, 1, message, args, failure)
    made.fields = fields
    return made


def as_json(made: logging.LogRecord, level: str = "INFO", **environ: str) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(formatter("json", level, environ).format(made))
    return line


def test_lines_of_others_have_all_that_a_formatter_of_theirs_may_ask_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in LOGGERS:
        for setting in ("handlers", "level", "propagate"):
            monkeypatch.setattr(logging.getLogger(name), setting, getattr(logging.getLogger(name), setting))
    for name in ("_srcfile", "logThreads", "logProcesses", "logMultiprocessing"):
        monkeypatch.setattr(logging, name, getattr(logging, name))
    configure("INFO", "json")
    theirs, written = logging.getLogger("theirs"), StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logging.Formatter("%(process)d %(thread)d %(processName)s %(filename)s %(message)s"))
    monkeypatch.setattr(theirs, "handlers", [handler])
    theirs.error("oh")
    assert written.getvalue() == f"{os.getpid()} {threading.get_ident()} MainProcess test_log_lines.py oh\n"


@pytest.fixture(autouse=True)
def outside_a_request() -> None:
    """A request that another test made here may have left its trace."""
    current_trace.set(None)


@pytest.fixture
def in_a_request(outside_a_request: None) -> Iterator[None]:
    current_trace.set(trace_of("", "", "mine"))
    yield
    current_trace.set(None)


def test_a_line_is_an_object_with_the_fields_of_the_message() -> None:
    line = as_json(record("run %s ended", 7, provider="mock", tokens={"prompt": 1}))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    expected = {"level": "WARNING", "logger": "chatapp.part", "message": "run 7 ended"}
    assert line == expected | {"provider": "mock", "tokens": {"prompt": 1}}


@pytest.mark.usefixtures("in_a_request")
def test_a_line_of_a_request_names_its_trace_but_keeps_one_of_its_own() -> None:
    assert as_json(record("here"))["request_id"] == "mine" == as_json(record("here"))["trace_id"]
    assert as_json(record("here", trace_id="own"))["trace_id"] == "own"


def test_for_people_it_is_a_line_of_text() -> None:
    text = formatter("text", "INFO", {}).format(record("run ended", provider="mock"))
    assert "run ended" in text and "provider=mock" in text and not text.startswith("{")
    failed = formatter("text", "INFO", {}).format(record("oh", error=ValueError("what was said")))
    assert "Traceback" in failed and "ValueError" in failed and "what was said" not in failed


def test_an_unforeseen_error_is_told_without_its_message() -> None:
    error = ValueError("what was said")
    error.__cause__ = KeyError("what was said before")
    told = as_json(record("oh", error=error))["traceback"]
    assert "KeyError" in told and "ValueError" in told and "test_log_lines.py" in told
    assert "what was said" not in told.replace('error=ValueError("what was said")', "")
    assert "was said before" in as_json(record("oh", error=error), "DEBUG")["traceback"]


def test_our_own_errors_and_the_systems_are_told_with_it() -> None:
    assert "no connection" in as_json(record("oh", error=Unreachable("no connection")))["traceback"]
    assert "disk full" in as_json(record("oh", error=OSError(28, "disk full")))["traceback"]


@pytest.mark.parametrize(
    "text",
    [
        f"asked with {KEY}",
        "Authorization: Bearer abc.def-ghi",
        "cannot open postgresql://me:abc.def@db/chat",
        "the password is hunter2hunter2",
    ],
)
def test_secrets_are_masked_wherever_they_turn_up(text: str) -> None:
    line = json.dumps(as_json(record(text, field=text), DB_PASSWORD="hunter2hunter2", ACME_KEY="abc.def"))
    assert MASK in line
    assert not re.search(rf"{KEY}|abc\.def|hunter2", line)


def test_short_values_are_words_and_no_secrets() -> None:
    assert as_json(record("one word"), SOME_KEY="one")["message"] == "one word"
