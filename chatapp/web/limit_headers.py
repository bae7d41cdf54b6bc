"""Says in the headers where the caller stands in the limits, in the words of each protocol.

`RateLimit` and `RateLimit-Policy` follow draft-ietf-httpapi-ratelimit-headers; the `RateLimit-*`
before them, OpenAI's and Anthropic's headers say the same of the limit that is nearest to its end.
Only requests that begin a run are limited, so only their responses have them.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from flask import Flask, Response, request

from chatapp.errors import DatabaseUnavailable
from chatapp.quotas import LimitState
from chatapp.web import current_service, these_globals

Headers: TypeAlias = Iterator[tuple[str, str]]

OWNER = "limited_owner"


def install(app: Flask) -> None:
    app.after_request(_tell)


def limited(owner: str) -> None:
    """Say at the end of this request where this owner stands."""
    setattr(these_globals(), OWNER, owner)


def is_limited() -> bool:
    """Whether this request is one that begins a run."""
    return OWNER in these_globals()


def _tell(response: Response) -> Response:
    owner = these_globals().get(OWNER)
    if owner is not None and (states := _states(owner)):
        response.headers.update(dict(_ietf(states)))
        nearest = {state.kind: state for state in sorted(states, key=_left, reverse=True)}
        response.headers.update(dict(_vendor()(list(nearest.values()))))
    return response


def _states(owner: str) -> Sequence[LimitState]:
    try:
        return current_service().limits.states(owner)
    except DatabaseUnavailable:  # the response is made: it must not fail for want of a header
        return []


def _left(state: LimitState) -> float:
    return state.remaining / state.allowed


def _vendor() -> Callable[[Sequence[LimitState]], Headers]:
    if request.path.startswith("/v1/messages"):
        return _anthropic
    return _openai if request.path.startswith("/v1/") else _nothing


def _ietf(states: Sequence[LimitState]) -> Headers:
    names = [f'"{state.kind}-{state.window_s}"' for state in states]
    named = list(zip(names, states, strict=True))
    nearest = min(states, key=_left)
    yield "RateLimit-Policy", ", ".join(f"{name};q={state.allowed};w={state.window_s}" for name, state in named)
    yield "RateLimit", ", ".join(f"{name};r={state.remaining};t={_seconds(state)}" for name, state in named)
    yield "RateLimit-Limit", str(nearest.allowed)
    yield "RateLimit-Remaining", str(nearest.remaining)
    yield "RateLimit-Reset", str(_seconds(nearest))


def _openai(states: Sequence[LimitState]) -> Headers:
    for state in states:
        yield f"x-ratelimit-limit-{state.kind}", str(state.allowed)
        yield f"x-ratelimit-remaining-{state.kind}", str(state.remaining)
        yield f"x-ratelimit-reset-{state.kind}", f"{_seconds(state)}s"


def _anthropic(states: Sequence[LimitState]) -> Headers:
    for state in states:
        reset = datetime.now(UTC) + timedelta(seconds=_seconds(state))
        yield f"anthropic-ratelimit-{state.kind}-limit", str(state.allowed)
        yield f"anthropic-ratelimit-{state.kind}-remaining", str(state.remaining)
        yield f"anthropic-ratelimit-{state.kind}-reset", reset.strftime("%Y-%m-%dT%H:%M:%SZ")


def _nothing(states: Sequence[LimitState]) -> Headers:
    yield from ()


def _seconds(state: LimitState) -> int:
    return math.ceil(state.reset_s)
