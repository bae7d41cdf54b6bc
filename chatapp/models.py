"""The Python API: every configured provider, without a server.

    from chatapp.models import deepseek

    deepseek.chat("Hello")                               # the answer
    deepseek.chat("Hello", stream=True)                  # its text, piece by piece
    deepseek.chat("Hello", stream=True, sse=True)        # the frames of the `reasoning` dialect
    deepseek.events("Hello")                             # everything that happens, as `chatapp.events`

Settings and keys come from where the server takes them: `chatapp.toml` and the environment. Nothing is stored. It
works with gevent's patches and without; an iterator belongs to the thread that takes its first item.
`python -m chatapp.models deepseek "Hello"` streams to a terminal.
"""

import atexit
import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from functools import cache
from typing import Any, Literal, cast, overload

import msgspec
from gevent import GreenletExit, getcurrent
from greenlet import greenlet

from chatapp.chat import Chat, Message
from chatapp.dialects.reasoning import TOO_MANY_TOOL_CALLS, ReasoningDialect
from chatapp.errors import InvalidField, NotFound, RunFailed, Unreachable
from chatapp.events import RunEnd, StreamEvent, TextDelta
from chatapp.frames import encode
from chatapp.ids import new_id
from chatapp.logs import EventLog
from chatapp.provider_setup import Providers
from chatapp.providers import Provider
from chatapp.run import Run
from chatapp.settings import load
from chatapp.tracing import new_trace_id

Prompt = str | Sequence[Mapping[str, Any]]


class Model:
    """A provider to talk to. `prompt` is what the user says, or `[{"role", "content"}]`."""

    def __init__(self, provider: Provider) -> None:
        self.name = provider.name
        self._provider = provider

    def models(self) -> Sequence[str]:
        """Those that can be asked for, the default first; empty where they cannot be listed now."""
        return self._provider.models()

    @overload
    def chat(self, prompt: Prompt, stream: Literal[False] = ..., sse: Literal[False] = ..., **more: Any) -> str: ...
    @overload
    def chat(self, prompt: Prompt, stream: bool = ..., sse: bool = ..., **more: Any) -> str | Iterator[str]: ...
    def chat(self, prompt: Prompt, stream: bool = False, sse: bool = False, **more: Any) -> str | Iterator[str]:
        """The answer's text; with `stream` in pieces as they come; with `sse` too, as frames of the `reasoning` dialect.

        `more` is what `events` takes. A failure raises RunFailed; in frames it is the `error` event.
        """
        events = self.events(prompt, **more)
        if sse:
            return _frames(events)
        return _texts(events) if stream else "".join(_texts(events))

    def events(
        self,
        prompt: Prompt,
        *,
        thinking: bool | None = None,
        model: str | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
    ) -> Generator[StreamEvent, None, None]:
        """What happens, as it happens, from `RunStart` to `RunEnd`. Closing it closes the connection to the provider."""
        chat = Chat(
            model=model or self._default(),
            messages=_messages(prompt),
            thinking=thinking,
            max_tokens=max_tokens,
            temperature=temperature,
        )
        return _Handover().events(self._provider, chat)

    def _default(self) -> str:
        for model in self.models():
            return model
        raise Unreachable(f"model: {self.name} cannot be asked for its models now; name one")


def model(name: str) -> Model:
    """The provider of this name, which need not be one that Python can import. Raises NotFound."""
    by_name = _providers().by_name
    if name not in by_name:
        raise NotFound(f"provider: there is none named {name!r}; there are {', '.join(by_name)}")
    return Model(by_name[name])


def __getattr__(name: str) -> Model:
    if name.startswith("_") or name not in _providers().by_name:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return model(name)


@cache
def _providers() -> Providers:
    providers = Providers(load(os.environ), os.environ)
    atexit.register(providers.close)
    return providers


def _messages(prompt: Prompt) -> list[Message]:
    turns = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else list(prompt)
    try:
        messages = msgspec.convert(turns, list[Message])
    except msgspec.ValidationError as error:
        raise InvalidField(f"prompt: {error}") from None
    if not any(message.text.strip() for message in messages):
        raise InvalidField("prompt: must not be empty")
    return messages


def _texts(events: Generator[StreamEvent, None, None]) -> Iterator[str]:
    with closing(events):
        for event in events:
            if isinstance(event, TextDelta):
                yield event.text
            elif isinstance(event, RunEnd) and event.error is not None:
                raise RunFailed(event.error.code, event.error.message, event.error.retryable)
            elif isinstance(event, RunEnd) and event.reason == "tool_limit":
                raise RunFailed("tool_limit", TOO_MANY_TOOL_CALLS, False)


def _frames(events: Generator[StreamEvent, None, None]) -> Iterator[str]:
    """Without ids: there is no log to resume from."""
    dialect = ReasoningDialect()
    with closing(events):
        for event in events:
            for frame in dialect.encode(event):
                yield encode(frame).decode()


class _Handover:
    """A run's log that keeps nothing: whoever iterates gets each event when it is written, and the run waits meanwhile.

    Run and reader are two greenlets of one thread that switch to each other, so it needs neither gevent's patches nor
    a hub; where the run waits in a hub (a pause of the mock), that is its own affair.
    """

    def __init__(self) -> None:
        self._seq = 0
        self._reader: Any = None

    def events(self, provider: Provider, chat: Chat) -> Generator[StreamEvent, None, None]:
        run = Run(new_id("run"), new_trace_id(), provider, chat, cast(EventLog, self))
        writer = greenlet(lambda: self._write(run))
        try:
            while event := self._next(writer):
                yield event
        finally:
            if not writer.dead:
                writer.parent = getcurrent()
                writer.throw(GreenletExit)  # where it appends: the provider's iterator is closed

    def create(self, run_id: str) -> None:
        """There is nothing to make."""

    def append(self, run_id: str, event: StreamEvent) -> int:
        self._seq += 1
        self._reader.switch(event)
        return self._seq

    def _next(self, writer: greenlet) -> StreamEvent | None:
        self._reader = writer.parent = getcurrent()
        return cast(StreamEvent | None, writer.switch())

    def _write(self, run: Run) -> None:
        run.begin()
        run.append(run.generate())


if __name__ == "__main__":
    from chatapp.terminal import main

    main(prog_name="python -m chatapp.models")
