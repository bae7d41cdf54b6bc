"""Spans of what a run does: the run itself, its requests to providers, its tool calls."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import Literal

from opentelemetry.trace import SpanKind

from chatapp.cancel import CancelScope
from chatapp.chat import Chat, ToolSpec
from chatapp.errors import ChatappError
from chatapp.events import RunStart, Usage
from chatapp.providers import AttemptFailed, Checks, Finished, Provider, ReplyItem
from chatapp.tools import Arguments, AsksOwner, CallOwner, Tool
from chatapp.trace import current_call, current_trace, trace_of
from chatapp.tracing import conventions as names
from chatapp.tracing.spans import Attributes, OpenSpan, Spans
from chatapp.transcript import Transcript


class TracedRuns:
    """A `RunObserver`."""

    def __init__(self, spans: Spans) -> None:
        self._spans = spans
        self._open: dict[str, OpenSpan] = {}

    def started(self, start: RunStart) -> None:
        attributes = {
            names.RUN_ID: start.run_id,
            names.PROVIDER: _called(start.provider),
            names.REQUEST_MODEL: start.model,
        }
        request = current_trace.get()
        if request is not None:
            span = self._spans.begin_linked("run", SpanKind.INTERNAL, request.child(), attributes)
        else:  # begun by a host that embeds us
            span = self._spans.begin("run", SpanKind.INTERNAL, trace_of("", "", start.trace_id), attributes)
        self._open[start.run_id] = span
        current_trace.set(span.trace)

    def ended(self, transcript: Transcript, attempts: Sequence[AttemptFailed], answered_by: str | None) -> None:
        start, end = transcript.start, transcript.end
        span = self._open.pop(start.run_id, None) if start is not None else None
        if start is None or end is None or span is None:
            return
        span.set({names.FINISH_REASONS: (end.reason,), names.RESPONSE_MODEL: end.model or start.model})
        span.set(_tokens(end.usage))
        if answered_by is not None:
            span.set({names.ANSWERED_BY: answered_by})
        if end.timing.first_token_ms is not None:
            span.set({names.FIRST_TOKEN_MS: end.timing.first_token_ms})
        if end.error is not None:
            span.fail(end.error.code)
        span.end()


class TracedProvider:
    """`provider`, with a span of each request to it."""

    def __init__(self, provider: Provider, spans: Spans) -> None:
        self.name = provider.name
        self._provider = provider
        self._spans = spans

    def models(self) -> Sequence[str]:
        return self._provider.models()

    def check(self, chat: Chat) -> None:
        if isinstance(self._provider, Checks):
            self._provider.check(chat)

    def stream(self, chat: Chat, scope: CancelScope) -> Generator[ReplyItem, None, None]:
        outer = current_trace.get()
        if outer is None:
            yield from self._provider.stream(chat, scope)
            return
        attributes = {names.OPERATION: names.CHAT, names.PROVIDER: _called(self.name), **_asked(chat)}
        span = self._spans.begin(f"{names.CHAT} {chat.model}", SpanKind.CLIENT, outer.child(), attributes)
        current_trace.set(span.trace)
        try:
            with closing(self._provider.stream(chat, scope)) as items:  # type: ignore[type-var]
                for item in items:
                    if isinstance(item, Finished):
                        span.set({names.FINISH_REASONS: (item.reason,), **_tokens(item.usage)})
                    yield item
        except Exception as error:
            span.fail(_type_of(error))
            raise
        finally:
            current_trace.set(outer)
            span.end()


class TracedTool:
    """`tool`, with a span of each call."""

    def __init__(self, tool: Tool, spans: Spans) -> None:
        self._tool = tool
        self._spans = spans

    @property
    def spec(self) -> ToolSpec:
        return self._tool.spec

    @property
    def type(self) -> Literal["function", "mcp"]:
        return self._tool.type

    @property
    def ask(self) -> bool:
        return self._tool.ask

    def call(self, arguments: Arguments, scope: CancelScope) -> object:
        return self._traced(lambda: self._tool.call(arguments, scope))

    def call_for(self, owner: CallOwner, arguments: Arguments, scope: CancelScope) -> object:
        tool = self._tool
        if isinstance(tool, AsksOwner):
            return self._traced(lambda: tool.call_for(owner, arguments, scope))
        return self.call(arguments, scope)

    def _traced(self, call: Callable[[], object]) -> object:
        outer = current_trace.get()
        if outer is None:
            return call()
        name = self.spec.name
        attributes = {names.OPERATION: names.EXECUTE_TOOL, names.TOOL_NAME: name, names.TOOL_TYPE: self.type}
        if call_id := current_call.get():
            attributes |= {names.TOOL_CALL_ID: call_id}
        span = self._spans.begin(f"{names.EXECUTE_TOOL} {name}", SpanKind.INTERNAL, outer.child(), attributes)
        current_trace.set(span.trace)
        try:
            return call()
        except Exception as error:
            span.fail(_type_of(error))
            raise
        finally:
            current_trace.set(outer)
            span.end()


def _called(provider: str) -> str:
    return names.CALLED.get(provider, provider)


def _asked(chat: Chat) -> Attributes:
    fields = {
        names.REQUEST_MODEL: chat.model,
        names.MAX_TOKENS: chat.max_tokens,
        names.TEMPERATURE: chat.temperature,
        names.TOP_P: chat.top_p,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _tokens(usage: Usage | None) -> Attributes:
    if usage is None:
        return {}
    return {
        names.INPUT_TOKENS: usage.prompt,
        names.OUTPUT_TOKENS: usage.completion,
        names.CACHED_TOKENS: usage.cached,
        names.REASONING_TOKENS: usage.reasoning,
    }


def _type_of(error: Exception) -> str:
    return error.code if isinstance(error, ChatappError) else type(error).__name__
