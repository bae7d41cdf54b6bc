import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from chatapp.errors import ChatappError, RateLimited, Rejected, Reported, RequestRefused, TooLong, status_of
from chatapp.wire.upstream_errors import TOO_MUCH, http_error, stream_error

RECORDINGS = Path(__file__).parents[2] / ".." / "shared" / "recordings"

# Recorded error bodies that say more than their status.
KNOWN = {
    "anthropic/anthropic_completion_invalid_api_key-de45a.json": "refused the API key",
    "xai/chat_error_handling_with_xai_grok-4-1-fast-non-r--aises_appropriate_auth_error-9ff12.json": "refused the API key",
    "groq/test_tool_regular_error-ce0c3.json": "does not know the model",
    "ollama/test_chat_error_records_model_name-c3eb6.json": "does not know the model",
    "perplexity/chat_real_error_scenarios_perplexity_sonar_handl--ntext_length_exceeded_errors-b0991.json": (
        "says that the conversation is too long"
    ),
    "synthetic/html-502.html": "failed",
}


def recorded_errors():
    if not (RECORDINGS / "manifest.json").exists():
        absent = pytest.mark.skip(reason="the recordings are not beside this repository (../shared/recordings)")
        return [pytest.param(None, marks=absent)]
    entries = json.loads((RECORDINGS / "manifest.json").read_bytes())
    return [pytest.param(entry, id=entry["file"]) for entry in entries if entry["protocol"] in ("error", None)]


@pytest.mark.parametrize("entry", recorded_errors())
def test_a_recorded_error_gives_a_sentence_that_quotes_nothing(entry):
    body = (RECORDINGS / entry["file"]).read_bytes()
    error = http_error("acme", entry["http_status"], None, body)

    assert error.message.startswith("acme ")
    assert KNOWN.get(entry["file"], "") in error.message
    for said in entry["expect"]["errors"] or []:
        message = said["message"] if isinstance(said, dict) else said
        assert message.lower() not in error.message.lower()
        assert stream_error("acme", json.dumps(said).encode()).message.startswith("acme ")


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (400, b"", "acme refused the request (HTTP 400)"),
        (401, b"", "acme refused the API key (HTTP 401); check the variable that its api_key_env names"),
        (404, b"<html>", "acme does not know the model, or its base URL is wrong (HTTP 404)"),
        (
            413,
            b"<html><title>413 Request Entity Too Large</title>",
            "acme takes no request of so many bytes; leave out pictures, files or earlier messages (HTTP 413)",
        ),
        (
            413,
            b'{"error":{"message":"Request size exceeds model context window"}}',
            "acme says that the conversation is too long (HTTP 413)",
        ),
        (
            413,
            b"Request too large for model `m` on tokens per minute (TPM): Limit 6000, Requested 12328",
            f"acme {TOO_MUCH}: tokens per minute, limit 6000, requested 12328 (HTTP 413)",
        ),
        (418, b"", "acme refused the request (HTTP 418)"),
        (307, b"", "acme sent a redirect, which is not followed; check its base URL (HTTP 307)"),
        (500, b"\xff", "acme failed (HTTP 500)"),
        (529, b"", "acme accepts no more requests at the moment (HTTP 529)"),
        (
            400,
            b'{"error":{"code":"context_length_exceeded"}}',
            "acme says that the conversation is too long (HTTP 400)",
        ),
        (429, b'{"error":{"code":"insufficient_quota"}}', "acme has no credit left for this account (HTTP 429)"),
    ],
)
def test_the_sentence_follows_the_body_else_the_status(status, body, sentence):
    assert http_error("acme", status, None, body).message == sentence


@pytest.mark.parametrize(("status", "retryable"), [(400, False), (401, False), (429, True), (500, True), (503, True)])
def test_only_what_may_pass_is_worth_another_try(status, retryable):
    assert http_error("acme", status, None, b"").retryable is retryable


def test_an_empty_account_is_not_worth_another_try():
    assert not http_error("acme", 429, None, b"insufficient_quota").retryable


def test_a_limit_says_when_to_come_back():
    error = http_error("acme", 429, "20", b"")

    assert isinstance(error, RateLimited)
    assert (error.retry_after, error.message.endswith("; try again in 20 s")) == (20, True)


def test_when_to_come_back_may_be_a_date():
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)

    assert 90 < http_error("acme", 503, soon, b"").retry_after <= 100


def test_when_to_come_back_may_stand_in_the_body():
    body = b'{"error":{"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.4s"}]}}'

    assert http_error("acme", 429, None, body).retry_after == 34.4
    assert http_error("acme", 429, "20", body).retry_after == 20


@pytest.mark.parametrize("said", [None, "", "soon", "-1", "1e9", "nan", "Wed, 21 Oct 2015 07:28:00 GMT", "1 Jan"])
def test_a_useless_retry_after_is_none(said):
    assert http_error("acme", 429, said, b"").retry_after is None


def test_a_request_that_no_second_try_can_help_is_not_the_server_s_failure() -> None:
    body = b'{"error":{"code":500,"message":"image input is not supported - hint: you may need to provide the mmproj"}}'
    error = http_error("local", 500, None, body)
    assert "does not accept images" in error.message and not error.retryable
    assert http_error("local", 500, None, b"oops").retryable


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b'{"error":{"message":"bad","param":"max_tokens"}}', RequestRefused),
        (422, b"", RequestRefused),
        (404, b"image input is not supported", RequestRefused),
        (413, b"", RequestRefused),
        (500, b'{"type":"request_too_large"}', RequestRefused),
        (413, b'{"type":"request_too_large","message":"prompt is too long: 210000 tokens > 200000"}', TooLong),
        (413, b"Request size exceeds model context window", TooLong),
        (429, b"Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 342389.", TooLong),
        (429, b"exceed the rate limit of 40,000 input tokens per minute: reduce the maximum tokens", RateLimited),
        (400, b"'max_tokens' is too large: 9. This model's maximum context length is 8 tokens and your", TooLong),
        (400, b"input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000", TooLong),
        (400, b"max_tokens: 9 > 8, which is the maximum allowed number of output tokens for it", RequestRefused),
        (400, b"`max_tokens` must be less than or equal to `8`, the maximum; the `context_window` is", RequestRefused),
        (500, b"the request exceeds the context size", TooLong),
        (401, b"", Rejected),
        (500, b"", Rejected),
        (429, b"", RateLimited),
    ],
)
def test_the_request_s_own_fault_is_told_from_the_server_s(status: int, body: bytes, kind: type[Rejected]) -> None:
    error = http_error("acme", status, None, body)
    assert type(error) is kind
    assert (error.status == 400) == issubclass(kind, RequestRefused) == (status_of(error.code) == 400)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (b'{"code":"context_length_exceeded"}', TooLong),
        (b"image input is not supported", RequestRefused),
        (b"max_tokens: 9 > 8, which is the maximum allowed number of output tokens for it", RequestRefused),
        (b"overloaded", Reported),
    ],
)
def test_a_reply_may_say_that_the_fault_is_the_request_s(said: bytes, kind: type[ChatappError]) -> None:
    assert type(stream_error("acme", said)) is kind
