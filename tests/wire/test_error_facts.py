"""Errors as providers write them: the numbers come through, the words do not."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatapp.wire.error_facts import READ_CHARS, how_long, which_field, which_limit
from chatapp.wire.upstream_errors import http_error, stream_error

LIMITS = {
    "Rate limit reached for gpt-4o in organization org-abc on tokens per min (TPM): Limit 30,000, Used 29,012, "
    "Requested 2,100. Please try again in 2.2s. Visit https://acme.test": (
        "tokens per minute, limit 30000, used 29012, requested 2100"
    ),
    "Rate limit reached for model `x` in organization `org_1` on requests per day (RPD): Limit 1000, Used 1000, "
    "Requested 1.": "requests per day, limit 1000, used 1000, requested 1",
    "This request would exceed your organization's rate limit of 40,000 input tokens per minute.": (
        "input tokens per minute, limit 40000"
    ),
    "Quota exceeded for quota metric 'Generate Content API requests per minute' and limit 'x' of service y": (
        "requests per minute"
    ),
    '{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "quotaValue": "50"}': (
        "requests per day, limit 50"
    ),
    "Request too large. Limit: 12000 TPM": "tokens per minute, limit 12000",
    "slow down": "",
    "Limit sk-abc, Used org-1": "",
}

LENGTHS = {
    "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens (8000 in the messages, "
    "1000 in the completion).": "9000 tokens, at most 8192",
    "This model's maximum context length is 128000 tokens. However, your messages resulted in 130001 tokens.": (
        "130001 tokens, at most 128000"
    ),
    "'max_tokens' or 'max_completion_tokens' is too large: 12000. This model's maximum context length is 16384 tokens "
    "and your request has 5000 input tokens (12000 > 16384 - 5000).": (
        "5000 tokens and 12000 for the answer, at most 16384"
    ),
    "This model's maximum context length is 128000 tokens. However, you requested 65535 output tokens and your prompt "
    "contains at least 62466 input tokens, for a total of at least 128001 tokens.": (
        "62466 tokens and 65535 for the answer, at most 128000"
    ),
    "This model's maximum context length is 2048 tokens. However, your request has 8 input tokens plus 2045 "
    "'max_tokens'. Please reduce one or the other.": "8 tokens and 2045 for the answer, at most 2048",
    "This model's maximum context length is 2048 tokens. However, your request has 2100 input tokens. Please reduce the "
    "length of the input messages.": "2100 tokens, at most 2048",
    "prompt is too long: 208310 tokens > 200000 maximum": "208310 tokens, at most 200000",
    "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).": (
        "1048577 tokens, at most 1048576"
    ),
    "request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it": (
        "5000 tokens, at most 4096"
    ),
    "maximum context length is 4097 tokens": "at most 4097 tokens",
    "too long": "",
}

FIELDS = {
    '{"error": {"message": "Invalid", "param": "temperature"}}': "the field temperature",
    '{"error":{"message":"max_tokens: 99999 > 8192, which is the maximum"}}': "the field max_tokens",
    '{"error":{"message":"messages.3.content: Input should be a valid list"}}': "the field messages",
    '{"error": {"param": "sk_live_secret"}}': "",
    '{"error": {"message": "my prompt: said this"}}': "",
    "{}": "",
}


@pytest.mark.parametrize("said", LIMITS)
def test_a_limit_is_named_with_its_numbers(said: str) -> None:
    assert which_limit(said) == LIMITS[said]


@pytest.mark.parametrize("said", LENGTHS)
def test_a_length_is_named_with_what_is_allowed(said: str) -> None:
    assert how_long(said) == LENGTHS[said]


@pytest.mark.parametrize("said", FIELDS)
def test_a_field_is_named_if_a_request_of_ours_may_have_it(said: str) -> None:
    assert which_field(said) == FIELDS[said]


def test_they_stand_in_the_sentence_that_a_reader_sees() -> None:
    limit, length, field = next(iter(LIMITS)), next(iter(LENGTHS)), next(iter(FIELDS))
    body = json.dumps({"error": {"message": limit}}).encode()
    assert http_error("acme", 429, "20", body).message == (
        f"acme accepts no more requests at the moment: {LIMITS[limit]}; try again in 20 s"
    )
    assert stream_error("acme", body).message == f"acme accepts no more requests at the moment: {LIMITS[limit]}"
    too_long = json.dumps({"error": {"message": length}}).encode()
    assert http_error("acme", 400, None, too_long).message == (
        f"acme says that the conversation is too long: {LENGTHS[length]} (HTTP 400)"
    )
    assert http_error("acme", 400, None, field.encode()).message == (
        "acme refused the request: the field temperature (HTTP 400)"
    )


@given(st.text(max_size=400))
def test_no_word_of_the_provider_comes_through(said: str) -> None:
    for facts in (which_limit(said), how_long(said), which_field(said)):
        assert len(facts) < 200


@pytest.mark.parametrize(
    "piece",
    [
        "limit ",
        "requested 1 ",
        "maximum context length is 1 tokens ",
        "tokens per ",
        '"message": "a: ',
        "(1 tokens) exceeds ",
    ],
)
def test_a_long_error_is_read_at_its_beginning_alone(piece: str) -> None:
    said = piece * 10_000
    assert which_limit(said) == which_limit(said[:READ_CHARS])
    assert how_long(said) == how_long(said[:READ_CHARS]) and which_field(said) == which_field(said[:READ_CHARS])
