"""Finds the failures that providers report inside a good response, wherever they write them. Pure.

Every server has its own form: `{"object": "error"}` (vLLM), `{"detail": …}` (FastAPI), a bare code
and message (Qwen), `{"base_resp": {"status_code": 1004}}` (MiniMax), `{"success": false}`
(Cloudflare), `{"error_code": 17}` (Baidu). Only a frame that lacks its protocol's own fields is
looked at: an answer may hold any of these words.
"""

import re
from collections.abc import Mapping

ERROR_FIELDS = frozenset(
    [
        "error",
        "errors",
        "errormessage",
        "errormsg",
        "errorcode",
        "errcode",
        "errmsg",
        "err",
        "exception",
        "fault",
        "detail",
    ]
)
WORD_FIELDS = frozenset(["type", "object", "event", "kind", "status", "state", "outcome", "result"])
CODE_FIELDS = frozenset(["code", "status", "statuscode", "httpcode", "httpstatus", "errno", "retcode"])
MESSAGE_FIELDS = frozenset(["message", "msg", "statusmsg", "statusmessage", "reason", "description"])
SUCCESS_FIELDS = frozenset({"success", "ok"})
BESIDE_MESSAGE = frozenset(
    ["id", "requestid", "sid", "traceid", "logid", "created", "timestamp", "time", "model", "param"]
)
FINE_CODES = (0, "0", "", "ok", "success", "none", "null")
WORD_CHARS = 200  # of a status, a kind or a name: what is longer is none
LOOK_CHARS = 16_384  # of words: a failure is told at their beginning
KEEP_ALIVE = re.compile(r"\W*(ping|pong|keep[ _-]?alive|heart[ _-]?beat|processing|connected|waiting)\b", re.IGNORECASE)

_fails = re.compile(r"(.*[^a-z])?(error|exception|fail(ed|ure)?|fatal|errored)", re.IGNORECASE).fullmatch
_tells_failure = re.compile(r"\b(error|exception|traceback|failed|failure)\b", re.IGNORECASE).search


def reports_failure(frame: Mapping[str, object], *, nested: bool = False) -> bool:
    """Whether a JSON object without a protocol's own fields says that the request failed.

    `nested`: it stands inside another one, where a message alone may be about anything.
    """
    fields = {re.sub(r"[_-]", "", name[:WORD_CHARS].lower()): value for name, value in frame.items()}
    message = any(isinstance(value, str) and value for name, value in fields.items() if name in MESSAGE_FIELDS)
    for name, value in fields.items():
        if name in ERROR_FIELDS and _says_something(value):
            return True
        if name in WORD_FIELDS and isinstance(value, str) and len(value) <= WORD_CHARS and _fails(value):
            return True
        if name in SUCCESS_FIELDS and str(value).lower() == "false":
            return True
        if name in CODE_FIELDS and (_is_error_status(value) or (message or nested) and _is_bad_code(value)):
            return True
        if isinstance(value, dict) and not nested and reports_failure(value, nested=True):
            return True
    return message and not nested and fields.keys() <= MESSAGE_FIELDS | BESIDE_MESSAGE


def is_keep_alive(frame: Mapping[str, object]) -> bool:
    """Whether the object says nothing but that the connection is alive."""
    words = [value[:WORD_CHARS] for value in frame.values() if isinstance(value, str)]
    return not frame or (bool(words) and all(map(KEEP_ALIVE.match, words)))


def words_report_failure(text: str) -> bool:
    """Whether data that is no JSON at all speaks of a failure, not of the connection's life."""
    return bool(_tells_failure(text[:LOOK_CHARS]))


def _says_something(value: object) -> bool:
    return value not in (None, False, 0, "", "0", {}, []) and str(value).lower() not in FINE_CODES


def _is_error_status(value: object) -> bool:
    digits = str(value)
    return digits.isdigit() and len(digits) == 3 and int(digits) >= 400


def _is_bad_code(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return False
    return str(value).lower() not in FINE_CODES and not (str(value).isdigit() and 0 <= int(value) < 300)
