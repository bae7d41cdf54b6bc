"""The `response` object of OpenAI's Responses, without its output.

It has every field that the OpenResponses specification requires, with the specification's default
if the request did not say otherwise. Source: https://www.openresponses.org/specification
"""

from collections.abc import Mapping

from chatapp.events import RunEnd, RunStart, Usage

CLIENT_TOOLS = "client_tools"
"""Beside the fields that the object repeats: the tools that are more than a function to the client,
by the name under which the provider knows them. The object does not show it."""

FUNCTION: dict[str, object] = {"type": "function", "description": None, "parameters": None, "strict": None}
DEFAULTS: dict[str, object] = {
    "instructions": None,
    "metadata": {},
    "previous_response_id": None,
    "tools": [],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "temperature": 1.0,
    "top_p": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "top_logprobs": 0,
    "reasoning": None,
    "text": {"format": {"type": "text"}},
    "truncation": "disabled",
    "store": True,
    "background": False,
    "service_tier": "default",
    "safety_identifier": None,
    "prompt_cache_key": None,
}

PREFIX, RUN_PREFIX = "resp_", "msg_"  # some clients know a response by its prefix


def begun(start: RunStart, asked: Mapping[str, object]) -> dict[str, object]:
    """The object of a run that has just begun. `asked` are the fields that it repeats."""
    repeated = {name: value for name, value in asked.items() if name != CLIENT_TOOLS}
    if isinstance(tools := repeated.get("tools"), list):
        repeated["tools"] = [{**FUNCTION, **tool} for tool in tools]
    return {
        "id": response_id(start.run_id),
        "object": "response",
        "created_at": int(start.created),
        "completed_at": None,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "model": start.model,
        "output": [],
        **DEFAULTS,
        **repeated,
        "usage": None,
    }


def completed_at(start: RunStart, end: RunEnd) -> int:
    """In seconds since the epoch."""
    return int(start.created + end.timing.total_ms / 1000)


def usage_data(usage: Usage) -> dict[str, object]:
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": usage.cached},
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total,
    }


def response_id(run_id: str) -> str:
    return PREFIX + run_id.removeprefix(RUN_PREFIX)


def run_id_of(response_id: str) -> str:
    return RUN_PREFIX + response_id.removeprefix(PREFIX)
