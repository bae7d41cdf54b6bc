"""An agent: any callable that takes a task and yields events. See docs/guides/write-an-agent.md.

    def parrot(task: Task) -> Iterator[StreamEvent]:
        yield PlanStep(1, "Repeat what was said")
        yield TextDelta(task.prompt)

Events are shown as the agent yields them. The run itself writes its start and its end.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias

from chatapp.chat import Chat, Message
from chatapp.events import FinishReason, StreamEvent


class Task(Protocol):
    """One run of an agent."""

    @property
    def prompt(self) -> str:
        """The text of the user's latest message."""
        ...

    @property
    def chat(self) -> Chat:
        """The conversation, the prompt last, and the options for the model."""
        ...

    def ask(
        self, messages: Sequence[Message], *, tools: bool = True, max_tokens: int | None = None
    ) -> Iterator[StreamEvent]:
        """The events of the model's answer as they come. Raises UpstreamError.

        With `tools` the model may call the run's tools: the calls are made within the run's limits,
        and the events report them. `max_tokens` of None leaves the limit to the user's request.

        After an `AttemptReset` the answer starts again: discard its events so far. The events that
        the agent has yielded since it asked are withdrawn automatically.
        """
        ...

    @property
    def ended(self) -> FinishReason | None:
        """How the model's latest answer ended. After `tool_limit` the run has no calls left."""
        ...


Agent: TypeAlias = Callable[[Task], Iterable[StreamEvent]]
"""Called once for each run. A stop ends any wait in it.

An exception ends the run with an error; only the message of a ChatappError is shown.
"""
