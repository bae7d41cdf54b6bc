"""The process's own log lines, on standard error: JSON for machines, text for people at a terminal.

Each part of the program logs with the standard library's `logging`; structlog colours the text.
What was said and what is secret stays out: values of the environment's keys and passwords are
masked wherever they turn up, and a traceback has no messages, because an unforeseen error may quote
anything. With the level DEBUG it has them.
"""

import json
import logging
import os
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, TypeAlias

import structlog

from chatapp.errors import ChatappError
from chatapp.settings import LogFormat
from chatapp.trace import current_trace

Line: TypeAlias = MutableMapping[str, Any]

LOGGERS = ("chatapp", "opentelemetry")
MASK = "[secret]"
SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)S?$", re.IGNORECASE)
SHORTEST = 6  # a shorter value is no secret, and stands in many words
LIKE_SECRETS = (r"\bsk-[\w-]{8,}", r"(?<=Bearer )[^\s\"\\]+", r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)")


def configure(level: str, form: LogFormat = "auto") -> None:
    """Set up our loggers. A host that embeds chatapp configures logging itself."""
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(form, level, os.environ))
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(level)
        logger.propagate = False


def formatter(form: LogFormat, level: str, environ: Mapping[str, str]) -> logging.Formatter:
    """Makes lines of this form; `auto`: text if standard error is a terminal."""
    as_text = form == "text" or (form == "auto" and sys.stderr.isatty())
    return _Masked(secrets_of(environ), _Fields(with_messages=level == "DEBUG"), _text() if as_text else _json)


def secrets_of(environ: Mapping[str, str]) -> list[str]:
    """The values of variables that are named like secrets."""
    values = {value for name, value in environ.items() if SECRET_NAME.search(name) and len(value) >= SHORTEST}
    return sorted(values, key=len, reverse=True)  # one may contain another


class _Masked(logging.Formatter):
    """A line in which no secret stands."""

    def __init__(self, secrets: list[str], fields: "_Fields", render: Callable[[Line], str]) -> None:
        super().__init__()
        self._fields = fields
        self._render = render
        self._secret = re.compile("|".join([*map(re.escape, secrets), *LIKE_SECRETS]))

    def format(self, record: logging.LogRecord) -> str:
        return self._secret.sub(MASK, self._render(self._fields.of(record)))


class _Fields:
    """The keys of a line: time (UTC), level, logger, message, those of `extra={"fields": {…}}`, the
    trace that it belongs to, and traceback."""

    def __init__(self, with_messages: bool) -> None:
        self._with_messages = with_messages

    def of(self, record: logging.LogRecord) -> Line:
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{record.msecs:03.0f}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if (trace := current_trace.get()) is not None:
            line.setdefault("trace_id", trace.id)
            line.setdefault("request_id", trace.request_id)
        if record.exc_info and record.exc_info[1]:
            line["traceback"] = "".join(_told(record.exc_info[1], self._with_messages))
        return line


def _json(line: Line) -> str:
    return json.dumps(line, default=str)


def _text() -> Callable[[Line], str]:
    render = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), event_key="message", timestamp_key="time", sort_keys=False
    )

    def text(line: Line) -> str:
        if "traceback" in line:
            line["exception"] = line.pop("traceback")
        return render(None, "", {**line, "level": line["level"].lower()})

    return text


def _told(error: BaseException, with_messages: bool) -> Iterator[str]:
    """As Python tells it, the first cause first."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from _told(cause, with_messages)
        yield "\nwhich led to:\n\n"
    yield "Traceback (most recent call last):\n"
    yield from traceback.format_tb(error.__traceback__)
    is_safe = with_messages or isinstance(error, (ChatappError, OSError))
    yield f"{type(error).__qualname__}: {error}\n" if is_safe else f"{type(error).__qualname__}\n"
