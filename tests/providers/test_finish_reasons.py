"""How a reply ended, by the words of all protocols and of their servers."""

import json
from typing import Any

import pytest

from chatapp.errors import EmptyReply, Reported
from chatapp.providers import Finished
from chatapp.providers.finish_reasons import finish_reason
from chatapp.providers.gemini.adapter import Gemini
from chatapp.providers.ollama import Ollama
from chatapp.providers.openai_chat.adapter import OpenAIChat
from chatapp.wire.upstream import Upstream

WORDS = {
    "stop": "stop STOP end_turn tool_calls function_call tool-calls COMPLETE eos_token stop_sequence",
    "length": "length LENGTH max_tokens MAX_TOKENS max_output_tokens model_length model_context_window_exceeded "
    "context_length_exceeded token_limit pause_turn",
    "content_filter": "content_filter content-filter sensitive SAFETY IMAGE_SAFETY IMAGE_PROHIBITED_CONTENT "
    "IMAGE_RECITATION SPII BLOCKLIST LANGUAGE refusal guardrail_intervened policy_violation",
    "error": "error network_error insufficient_system_resource abort failed timeout cancelled MALFORMED_FUNCTION_CALL "
    "UNEXPECTED_TOOL_CALL TOO_MANY_TOOL_CALLS MISSING_THOUGHT_SIGNATURE MALFORMED_RESPONSE NO_IMAGE OTHER IMAGE_OTHER",
}


@pytest.mark.parametrize(("reason", "word"), [(reason, word) for reason in WORDS for word in WORDS[reason].split()])
def test_a_word_of_any_server_is_understood(reason: str, word: str) -> None:
    assert finish_reason(word) == reason


def gemini(text: str, word: str) -> bytes:
    return json.dumps({"candidates": [{"content": {"parts": [{"text": text}]}, "finishReason": word}]}).encode()


def openai(text: str, word: str) -> bytes:
    return json.dumps({"choices": [{"message": {"content": text}, "finish_reason": word}]}).encode()


def ollama(text: str, word: str) -> bytes:
    return json.dumps({"message": {"content": text}, "done": True, "done_reason": word}).encode()


PROTOCOLS = [(Gemini, gemini), (OpenAIChat, openai), (Ollama, ollama)]


@pytest.mark.parametrize(("adapter", "body"), PROTOCOLS)
def test_a_word_that_is_not_known_ends_a_reply_well_and_leaves_a_trace(read: Any, adapter: Any, body: Any) -> None:
    reading = read(adapter("acme", Upstream()), body("a", "new"))
    assert reading.finish == Finished("stop", skipped={"finish reason new": 1})


@pytest.mark.parametrize(("adapter", "body"), PROTOCOLS)
def test_a_word_that_is_not_known_and_nothing_said_is_no_success(read: Any, adapter: Any, body: Any) -> None:
    assert isinstance(read(adapter("acme", Upstream()), body("", "load")).error, EmptyReply)


@pytest.mark.parametrize(("adapter", "body"), PROTOCOLS)
def test_a_word_for_a_failure_is_one_after_a_text_too(read: Any, adapter: Any, body: Any) -> None:
    assert isinstance(read(adapter("acme", Upstream()), body("a", "OTHER")).error, Reported)
