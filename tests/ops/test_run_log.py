"""One line of JSON per run: how it went, and nothing of what was said."""

import json
import logging
from typing import Any

import pytest
from drivers import a_run, an_answer

from chatapp.events import Entry, ErrorInfo, RunEnd, Timing, Usage
from chatapp.ops.log_lines import formatter
from chatapp.ops.run_log import RunLog
from chatapp.providers import AttemptFailed
from chatapp.transcript import Transcript, transcript_of


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Any:
    caplog.set_level(logging.INFO, "chatapp.run")
    as_json = formatter("json", "INFO", {})
    return lambda: [as_json.format(record) for record in caplog.records if record.name == "chatapp.run"]


def test_a_run_that_ended_is_a_line_without_its_text(lines: Any) -> None:
    answer = an_answer("fine")
    assert answer.start is not None
    RunLog().started(answer.start)
    RunLog().ended(answer, [AttemptFailed("first", "rate_limited")], "second")
    [text] = lines()
    assert "fine" not in text
    line = json.loads(text)
    assert line["message"] == "run ended"
    assert (line["run_id"], line["trace_id"]) == ("run", "trace")
    assert (line["provider"], line["model"], line["answered_by"]) == ("mock", "words", "second")
    assert (line["finish"], line["error"]) == ("stop", None)
    assert line["attempts"] == [{"provider": "first", "error": "rate_limited"}]
    assert (line["latency_ms"], line["first_byte_ms"], line["first_token_ms"]) == (3, 1, 2)
    assert line["tokens"] == {"prompt": 1, "completion": 2, "estimated": False}


def test_a_failure_is_named_by_its_code(lines: Any) -> None:
    start, _ = a_run()
    error = ErrorInfo("rate_limited", "what the provider said", True, "trace")
    end = Entry(2, RunEnd("error", Usage(), Timing(), error))
    RunLog().ended(transcript_of([start, end]), (), None)
    [text] = lines()
    assert json.loads(text)["error"] == "rate_limited" and "provider said" not in text


def test_a_run_that_has_not_ended_is_no_line(lines: Any) -> None:
    RunLog().ended(Transcript(), (), None)
    assert lines() == []
