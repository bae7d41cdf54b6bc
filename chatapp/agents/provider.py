"""An agent as a provider: so a run, its log and its dialects need not know that there are agents.

The agent has a greenlet of its own, a step ahead of the run. A stop ends what it waits for, and the run does not wait
until it has cleaned up: the nodes of a graph, for one, cannot be ended from outside.
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
    Event,
    FinishReason,
    PlanStep,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolApproval,
    ToolCall,
    ToolInputDelta,
    ToolResult,
    Usage,
)
from chatapp.generation.tool_loop import ToolLoop
from chatapp.providers import Finished, Provider, ReplyItem, StepFinished
from chatapp.providers.usage import estimate_usage

SHOWN = (TextDelta, ReasoningDelta, ToolInputDelta, ToolCall, ToolApproval, ToolResult, PlanStep)

logger = logging.getLogger(__name__)


class Abandoned(Exception):
    """Nobody waits for this agent any more."""


class AgentProvider:
    """`agent`, with the model of `provider`, which runs its tools in `rounds`."""

    def __init__(self, agent: Agent, provider: Provider, rounds: ToolLoop) -> None:
        self.name = provider.name
        self._agent = agent
        self._provider = provider
        self._rounds = rounds

    def models(self) -> Sequence[str]:
        return self._provider.models()

    def stream(self, chat: Chat, scope: CancelScope) -> Generator[ReplyItem, None, None]:
        items: Queue[ReplyItem | Exception] = Queue(1)
        own = CancelScope()
        gevent.spawn(self._play, RunTask(chat, self._provider, self._rounds), own, items)
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
            for item in self._told(task, scope):
                scope.run(items.put, item)

    def _told(self, task: "RunTask", scope: CancelScope) -> Iterator[ReplyItem | Exception]:
        """What the agent yields, with what the run is to know beside it; at last how it ended."""
        try:
            for event in self._events(task, scope):
                yield from task.take_notes()
                if not isinstance(event, AttemptReset):  # of one that is passed on the task has told
                    task.shown.append(_checked(event))
                    yield task.shown[-1]
        except (Abandoned, GeneratorExit):
            raise
        except BaseException as error:  # whatever a developer's agent raises: the run waits for its end
            logger.debug("an agent failed", exc_info=True)
            yield from (*task.take_notes(), error if isinstance(error, Exception) else RuntimeError(repr(error)))
        else:
            yield from (*task.take_notes(), task.end())

    def _events(self, task: "RunTask", scope: CancelScope) -> Iterator[object]:
        """Whatever the agent waits for, it waits in this scope; `ask` has one of its own within it."""
        events = iter(scope.run(self._agent, task))
        try:
            while (event := scope.run(next, events, None)) is not None:
                yield event
        finally:
            if isinstance(events, Generator):
                events.close()


class RunTask:
    """`chatapp.agents.Task` for one run. `finish` is that of the model's last answer, `shown` what the agent yielded."""

    def __init__(self, chat: Chat, provider: Provider, rounds: ToolLoop) -> None:
        self.chat = chat
        self.finish: Finished | None = None
        self.shown: list[StreamEvent] = []
        self._provider = provider
        self._rounds = rounds
        self._notes: list[ReplyItem] = []

    @cached_property
    def prompt(self) -> str:
        return next((message.text for message in reversed(self.chat.messages) if message.role == "user"), "")

    @property
    def ended(self) -> FinishReason | None:
        return self.finish.reason if self.finish else None

    def ask(
        self, messages: Sequence[Message], *, tools: bool = True, max_tokens: int | None = None
    ) -> Iterator[StreamEvent]:
        chat = msgspec.structs.replace(
            self.chat, messages=list(messages), max_tokens=max_tokens or self.chat.max_tokens, raw=False
        )
        if not tools:
            chat = msgspec.structs.replace(chat, tools=[], tool_choice="auto")
        source: Provider = self._rounds if tools else self._provider
        said = {TextDelta: "", ReasoningDelta: ""}
        valid = len(self.shown)  # whatever this answer may yet be
        with closing(source.stream(chat, CancelScope())) as items:  # type: ignore[type-var]
            for item in items:
                if isinstance(item, Finished):
                    self.finish = item
                    usage = item.usage or estimate_usage(messages, said[ReasoningDelta], said[TextDelta])
                    self._notes.append(StepFinished(usage))
                elif isinstance(item, Event):
                    if isinstance(item, AttemptReset):
                        said = dict.fromkeys(said, "")
                        self._void(item, valid)
                    if isinstance(item, (TextDelta, ReasoningDelta)):
                        said[type(item)] += item.text
                    yield item
                else:
                    self._notes.append(item)

    def end(self) -> Finished:
        """What was used was noted; an agent that asked no model is estimated by the run."""
        return Finished(self.finish.reason, Usage()) if self.finish else Finished("stop")

    def take_notes(self) -> list[ReplyItem]:
        """What the run is to know, and the agent need not."""
        notes, self._notes = self._notes, []
        return notes

    def _void(self, reset: AttemptReset, valid: int) -> None:
        """What the agent made of an answer goes with it; a reset voids all, so what was shown before is told again."""
        if len(self.shown) > valid:
            del self.shown[valid:]
            self._notes += [reset, *self.shown]


def _checked(event: object) -> StreamEvent:
    if not isinstance(event, SHOWN):
        raise TypeError(f"an agent yields canonical events, not {type(event).__name__}")
    return event
