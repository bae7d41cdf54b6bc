"""What an agent is: any callable that is given a task and yields canonical events. See docs/guides/write-an-agent.md.

    def parrot(task: Task) -> Iterator[StreamEvent]:
        yield PlanStep(1, "Repeat what was said")
        yield TextDelta(task.prompt)

The events are shown as they are yielded; the run's start and end are written by the run.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias

from chatapp.chat import Chat, Message
from chatapp.events import FinishReason, StreamEvent


class Task(Protocol):
    """One run of an agent."""

    @property
    def prompt(self) -> str:
        """What the user says now."""
        ...

    @property
    def chat(self) -> Chat:
        """All that was said, the prompt last, and how the model is to be asked."""
        ...

    def ask(
        self, messages: Sequence[Message], *, tools: bool = True, max_tokens: int | None = None
    ) -> Iterator[StreamEvent]:
        """The model's answer as it comes. With `tools` it may call those of the run: they are run, within the run's
        limits, and the events tell of it. `max_tokens` of None: as the user wants it. Raises UpstreamError.

        An `AttemptReset` among the events: the answer begins anew, forget what came of it. What the agent has shown
        of it is taken back without its doing."""
        ...

    @property
    def ended(self) -> FinishReason | None:
        """How the model's last answer ended; after `tool_limit` the run has no calls left."""
        ...


Agent: TypeAlias = Callable[[Task], Iterable[StreamEvent]]
"""Called once for each run. Whatever it waits for is ended when the run is stopped. An exception ends the run with an
error; a ChatappError's message is shown."""
