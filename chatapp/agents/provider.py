"""An agent as a provider: so a run, its log and its dialects need not know of agents.

The agent has a greenlet of its own, a step ahead of the run. A stop ends its waiting, and the run
does not wait until it has cleaned up: the nodes of a graph, for one, cannot be ended from outside.
"""

import logging
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, suppress
from functools import cached_property

import gevent
import msgspec
from gevent.queue import Queue

from chatapp.agents import Agent
from chatapp.cancel import CancelScope
from chatapp.chat import Chat, Message
from chatapp.events import (
    AttemptReset,
    CitedSource,
    Event,
    File,
    FinishReason,
    NativePiece,
    PlanStep,
    ReasoningDelta,
    RunQueued,
    StreamEvent,
    TextDelta,
    ToolApproval,
    ToolCall,
    ToolInputDelta,
    ToolProgress,
    ToolQuestion,
    ToolResult,
    Usage,
)
from chatapp.providers import Finished, Provider, ReplyItem, StepFinished
from chatapp.providers.usage import estimate_usage
from chatapp.trace import carrying

SHOWN = (
    TextDelta,
    ReasoningDelta,
    CitedSource,
    File,
    ToolInputDelta,
    ToolCall,
    ToolApproval,
    ToolQuestion,
    ToolProgress,
    ToolResult,
    PlanStep,
    RunQueued,
)

logger = logging.getLogger(__name__)


class Abandoned(Exception):
    """The run does not wait for this agent any more."""


class AgentProvider:
    """`agent`, whose model is `provider`; `with_tools` is the same one with the run's tools."""

    def __init__(self, agent: Agent, provider: Provider, with_tools: Provider) -> None:
        self.name = provider.name
        self._agent = agent
        self._provider = provider
        self._with_tools = with_tools

    def models(self) -> Sequence[str]:
        return self._provider.models()

    def stream(self, chat: Chat, scope: CancelScope) -> Generator[ReplyItem, None, None]:
        items: Queue[ReplyItem | Exception] = Queue(1)
        own = CancelScope()
        gevent.spawn(carrying(self._play), RunTask(chat, self._provider, self._with_tools), own, items)
        try:
            item = None
            while not isinstance(item, Finished):
                item = scope.run(items.get)
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            own.cancel(Abandoned)

    def _play(self, task: "RunTask", scope: CancelScope, items: "Queue[ReplyItem | Exception]") -> None:
        with suppress(Abandoned):
            for item in self._items(task, scope):
                scope.run(items.put, item)

    def _items(self, task: "RunTask", scope: CancelScope) -> Iterator[ReplyItem | Exception]:
        """The agent's events, with the notes for the run between them, and at last how it ended."""
        try:
            for event in self._events(task, scope):
                yield from task.take_notes()
                if not isinstance(event, AttemptReset):  # the task has noted it, if it matters
                    task.shown.append(_checked(event))
                    yield task.shown[-1]
        except (Abandoned, GeneratorExit):
            raise
        except BaseException as error:  # whatever it raises: the run waits for its end
            logger.debug("an agent failed", exc_info=True)
            yield from (*task.take_notes(), error if isinstance(error, Exception) else RuntimeError(repr(error)))
        else:
            yield from (*task.take_notes(), task.end())

    def _events(self, task: "RunTask", scope: CancelScope) -> Iterator[object]:
        """The agent does all its waiting in this scope; `ask` has one of its own within it."""
        events = iter(scope.run(self._agent, task))
        try:
            while (event := scope.run(next, events, None)) is not None:
                yield event
        finally:
            if isinstance(events, Generator):
                events.close()


class RunTask:
    """`chatapp.agents.Task` for one run.

    `finished` tells how the model's last answer ended; `shown` is what the agent has yielded.
    """

    def __init__(self, chat: Chat, provider: Provider, with_tools: Provider) -> None:
        self.chat = chat
        self.finished: Finished | None = None
        self.shown: list[StreamEvent] = []
        self._provider = provider
        self._with_tools = with_tools
        self._notes: list[ReplyItem] = []

    @cached_property
    def prompt(self) -> str:
        return next((message.text for message in reversed(self.chat.messages) if message.role == "user"), "")

    @property
    def ended(self) -> FinishReason | None:
        return self.finished.reason if self.finished else None

    def ask(
        self, messages: Sequence[Message], *, tools: bool = True, max_tokens: int | None = None
    ) -> Iterator[StreamEvent]:
        chat = msgspec.structs.replace(
            self.chat, messages=list(messages), max_tokens=max_tokens or self.chat.max_tokens, raw=False
        )
        if not tools:
            chat = msgspec.structs.replace(chat, tools=[], tool_choice="auto")
        source = self._with_tools if tools else self._provider
        said = {TextDelta: "", ReasoningDelta: ""}
        before = sum(len(event.text) for event in self.shown if isinstance(event, TextDelta))
        valid = len(self.shown)  # a reset of this answer leaves what was shown before
        with closing(source.stream(chat, CancelScope())) as items:  # type: ignore[type-var]
            for item in items:
                if isinstance(item, Finished):
                    self.finished = item
                    usage = item.usage or estimate_usage(messages, said[ReasoningDelta], said[TextDelta])
                    self._notes.append(StepFinished(usage, item.skipped))
                elif isinstance(item, NativePiece):
                    pass  # an agent's answer is not the turn of one provider
                elif isinstance(item, Event):
                    if isinstance(item, AttemptReset):
                        said = dict.fromkeys(said, "")
                        self._void(item, valid)
                    if isinstance(item, (TextDelta, ReasoningDelta)):
                        said[type(item)] += item.text
                    yield item.moved(before) if isinstance(item, CitedSource) else item
                else:
                    self._notes.append(item)

    def end(self) -> Finished:
        """The usage is noted already; if the agent asked no model, the run estimates it."""
        if self.finished is None:
            return Finished("stop")
        return msgspec.structs.replace(self.finished, usage=Usage(), skipped={})

    def take_notes(self) -> list[ReplyItem]:
        """What the run is to know and the agent need not."""
        notes, self._notes = self._notes, []
        return notes

    def _void(self, reset: AttemptReset, valid: int) -> None:
        """What the agent made of an answer goes with it.

        A reset voids all that was shown, so what was shown before the answer follows it again.
        """
        if len(self.shown) > valid:
            del self.shown[valid:]
            self._notes += [reset, *self.shown]


def _checked(event: object) -> StreamEvent:
    if not isinstance(event, SHOWN):
        raise TypeError(f"an agent yields canonical events, not {type(event).__name__}")
    return event
