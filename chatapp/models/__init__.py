"""The Python API: every configured provider, without a server.

    from chatapp.models import deepseek

    deepseek.chat("Hello")                           # the answer
    deepseek.chat("Hello", stream=True)              # its text, piece by piece
    deepseek.chat("Hello", stream=True, sse=True)    # the frames of the `reasoning` dialect
    deepseek.chat("What time is it?", tools=[clock]) # with functions that the model may call
    deepseek.events("Hello")                         # everything that happens, as `chatapp.events`

Settings and keys come from where the server takes them: `chatapp.toml` and the environment. Nothing
is stored. It works with gevent's patches and without; an iterator belongs to the thread that takes
its first item. Without them `tool_timeout_s` does not hold: a function is run to its end, so it
must bound its own waiting. `python -m chatapp.models deepseek "Hello"` streams to a terminal.
"""

import atexit
import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from functools import cache
from typing import Any, Literal, cast, overload

import msgspec

from chatapp.chat import Chat, Message
from chatapp.dialects import BEGUN_ANEW
from chatapp.dialects.media import WordsForFiles, words_for_files
from chatapp.dialects.reasoning import TOO_MANY_TOOL_CALLS, ReasoningDialect
from chatapp.errors import InvalidField, NotFound, RunFailed, Unreachable, field_of
from chatapp.events import AttemptReset, Entry, File, RunEnd, StreamEvent, TextDelta
from chatapp.generation.inline import InlineRun
from chatapp.generation.tool_loop import ToolLoop
from chatapp.providers import Provider
from chatapp.providers.catalog import ProviderCatalog
from chatapp.settings import Settings
from chatapp.settings.loading import load
from chatapp.tools import Decision, Tool
from chatapp.tools.catalog import limits
from chatapp.tools.functions import tool
from chatapp.tools.toolbox import Toolbox
from chatapp.transcript import Transcript
from chatapp.wire.frames import encode

Prompt = str | Sequence[Mapping[str, Any]]


class Model:
    """A provider to talk to. `prompt` is what the user says, or `[{"role", "content"}]`."""

    def __init__(self, provider: Provider) -> None:
        self.name = provider.name
        self._provider = provider

    def models(self) -> Sequence[str]:
        """Those that can be asked for, the default first; empty if they cannot be listed now."""
        return self._provider.models()

    @overload
    def chat(self, prompt: Prompt, stream: Literal[False] = ..., sse: Literal[False] = ..., **more: Any) -> str: ...
    @overload
    def chat(self, prompt: Prompt, stream: bool = ..., sse: bool = ..., **more: Any) -> str | Iterator[str]: ...
    def chat(self, prompt: Prompt, stream: bool = False, sse: bool = False, **more: Any) -> str | Iterator[str]:
        """The answer's text; with `stream` in pieces as they come; with `sse` too, as frames of the
        `reasoning` dialect.

        `more` is what `events` takes. A failure raises RunFailed; in frames it is the `error`
        event. With `fallback_midway` an answer may be begun anew: then pieces that were given are
        void, which is such a failure too.
        """
        events = self.events(prompt, **more)
        if sse:
            return _frames(events)
        return _texts(events) if stream else _text(events)

    def events(
        self,
        prompt: Prompt,
        *,
        thinking: bool | None = None,
        model: str | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        tools: Sequence[Tool | Callable[..., object]] = (),
    ) -> Generator[StreamEvent, None, None]:
        """What happens, as it happens, from `RunStart` to `RunEnd`. Closing it closes the
        connection to the provider.

        `tools` are typed functions, or made by `chatapp.tools.functions.tool`; they are called
        here, and nobody is asked.
        """
        chat = Chat(
            model=model or self._default(),
            messages=_messages(prompt),
            thinking=thinking,
            max_tokens=max_tokens,
            temperature=temperature,
        )
        return InlineRun().events(_with_tools(self._provider, tools), chat)

    def _default(self) -> str:
        for model in self.models():
            return model
        raise Unreachable(f"model: {self.name} cannot list its models now; name one")


def model(name: str) -> Model:
    """The provider of this name, which need not be one that Python can import. Raises NotFound."""
    by_name = _providers().by_name
    if name not in by_name:
        raise NotFound(f"provider: unknown provider {name!r}; available: {', '.join(by_name)}")
    return Model(by_name[name])


def __getattr__(name: str) -> Model:
    if name.startswith("_") or name not in _providers().by_name:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return model(name)


@cache
def _settings() -> Settings:
    return load(os.environ)


@cache
def _providers() -> ProviderCatalog:
    providers = ProviderCatalog(_settings(), os.environ)
    atexit.register(providers.close)
    return providers


def _messages(prompt: Prompt) -> list[Message]:
    turns = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else list(prompt)
    try:
        messages = msgspec.convert(turns, list[Message])
    except msgspec.ValidationError as error:
        field, wrong = field_of(error)
        raise InvalidField(f"prompt{field}: {wrong}") from None
    if not any(message.text.strip() for message in messages):
        raise InvalidField("prompt: must not be empty")
    return messages


def _with_tools(provider: Provider, tools: Sequence[Tool | Callable[..., object]]) -> Provider:
    if not tools:
        return provider
    ours: list[Tool] = [cast(Tool, each) if hasattr(each, "spec") else tool(each) for each in tools]
    toolbox = Toolbox("", {each.spec.name: each for each in ours}, limits(_settings()), _Approved())
    return ToolLoop(provider, toolbox)


class _Approved:
    """A caller who hands over a function has approved its calls."""

    def decision(self, run_id: str, call_id: str) -> Decision:
        return "approved"

    def decide(self, run_id: str, call_id: str, decision: Decision) -> Decision:
        return "approved"


def _text(events: Generator[StreamEvent, None, None]) -> str:
    said = Transcript()
    with closing(events):
        for seq, event in enumerate(events, 1):
            said.add(Entry(seq, event))
            _raise_failure(event)
    return said.content or words_for_files("", said.files)


def _texts(events: Generator[StreamEvent, None, None]) -> Iterator[str]:
    """Text that was given cannot be taken back: an answer begun anew behind it is a failure."""
    given, files = False, WordsForFiles()
    with closing(events):
        for event in events:
            if isinstance(event, TextDelta):
                given = True
                files.said |= bool(event.text)
                yield event.text
            elif isinstance(event, AttemptReset) and given:
                raise RunFailed(BEGUN_ANEW.code, BEGUN_ANEW.message, BEGUN_ANEW.retryable)
            elif isinstance(event, File):
                files.file("", event)
            _raise_failure(event)
    if words := files.at_end():
        yield words


def _raise_failure(event: StreamEvent) -> None:
    if isinstance(event, RunEnd) and event.error is not None:
        raise RunFailed(event.error.code, event.error.message, event.error.retryable)
    if isinstance(event, RunEnd) and event.reason == "tool_limit":
        raise RunFailed("tool_limit", TOO_MANY_TOOL_CALLS, False)


def _frames(events: Generator[StreamEvent, None, None]) -> Iterator[str]:
    """Without ids: there is no log to resume from."""
    dialect = ReasoningDialect()
    with closing(events):
        for event in events:
            for frame in dialect.encode(event):
                yield encode(frame).decode()
