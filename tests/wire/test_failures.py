"""Failures are found wherever servers write them, and in nothing else."""

import pytest

from chatapp.wire.failures import is_keep_alive, reports_failure, words_report_failure


@pytest.mark.parametrize(
    "frame",
    [
        {"error": "x"},
        {"Error": {"message": "x"}},
        {"errors": [{"code": 1}]},
        {"errorMessage": "x"},
        {"error_code": 110, "error_msg": "x"},
        {"detail": [{"msg": "x"}]},
        {"object": "error"},
        {"type": "overloaded_error"},
        {"event": "error", "task_id": "t"},
        {"status": "FAILED"},
        {"status": 500},
        {"statusCode": 401, "message": "x"},
        {"code": "Throttling", "message": "x"},
        {"code": 20012, "message": "x", "data": None},
        {"success": False},
        {"message": "x"},
        {"message": "x", "request_id": "r"},
        {"base_resp": {"status_code": 1004}},
        {"header": {"code": 10013}},
        {"Response": {"Error": {"Code": "x"}}},
    ],
)
def test_a_failure(frame: dict[str, object]) -> None:
    assert reports_failure(frame)


@pytest.mark.parametrize(
    "frame",
    [
        {},
        {"error": None, "detail": "", "errors": []},
        {"error_code": 0, "error_msg": "success"},
        {"code": 0, "message": "Success"} | {"sid": "s", "payload": {}},
        {"code": 200, "msg": "ok", "data": {}},
        {"status": "completed"},
        {"status": 200},
        {"success": True},
        {"base_resp": {"status_code": 0, "status_msg": "success"}},
        {"type": "ping"},
        {"type": "terror"},
        {"sensitives": [], "requestRiskData": {"message": "fine"}},
        {"response": "an error of mine"},
    ],
)
def test_no_failure(frame: dict[str, object]) -> None:
    assert not reports_failure(frame)


@pytest.mark.parametrize(
    ("frame", "is_it"),
    [
        ({}, True),
        ({"type": "ping"}, True),
        ({"event": "heartbeat", "n": 5}, True),
        ({"text": "Hello"}, False),
        ({"n": 5}, False),
    ],
)
def test_a_keep_alive_says_nothing_else(frame: dict[str, object], is_it: bool) -> None:
    assert is_keep_alive(frame) is is_it


@pytest.mark.parametrize(
    ("words", "is_it"),
    [
        ("Internal Server Error", True),
        ("stream failed", True),
        (": keepalive", False),
        ("terrors", False),
        ("bye", False),
    ],
)
def test_words_of_a_failure(words: str, is_it: bool) -> None:
    assert words_report_failure(words) is is_it


def test_what_is_too_long_for_a_word_is_none() -> None:
    assert not reports_failure({"type": "x" * 1000 + "-error"})
    assert not words_report_failure("a " * 10_000 + "error")
    assert words_report_failure("error " + "a " * 10_000)
