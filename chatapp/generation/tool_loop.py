"""The tool loop: makes a provider that calls tools into one that answers.

`ToolLoop` is itself a `Provider`, so a run knows nothing of tools. It asks the provider, runs the
calls of the reply side by side, and asks again with the results, until there is an answer. There
are three kinds of calls:

- The provider may run a tool itself. Then the result comes with the call, and nothing is to be run.
- A tool in the chat is the client's, even if one of ours has its name. The call is passed out, and
  the run ends with `stop` once our own calls of the same reply have run.
- All other calls run here. One to an unknown tool has an error for a result.
"""

from collections.abc import Generator, Sequence
from contextlib import closing

import msgspec

from chatapp.cancel import CancelScope
from chatapp.chat import Chat, Message, Part, Pieces, tool_message
from chatapp.chat.files import images_in, with_images
from chatapp.errors import Truncated
from chatapp.events import (
    AttemptReset,
    CitedSource,
    File,
    NativePiece,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolApproval,
    ToolCall,
    ToolInputDelta,
    ToolProgress,
    ToolResult,
)
from chatapp.generation.shown import Shown
from chatapp.providers import Finished, Provider, ReplyItem, StepFinished
from chatapp.providers.usage import estimate_usage
from chatapp.tools.toolbox import Toolbox


class ToolLoop:
    """`provider`, with the tools of one run in `toolbox`."""

    def __init__(self, provider: Provider, toolbox: Toolbox) -> None:
        self.name = provider.name
        self._provider = provider
        self._toolbox = toolbox
        self._taken: set[str] = set()  # ids of calls: some providers use the same in each reply

    def models(self) -> Sequence[str]:
        return self._provider.models()

    def stream(self, chat: Chat, scope: CancelScope) -> Generator[ReplyItem, None, None]:
        client = {tool.name for tool in chat.tools}
        ours = [spec for spec in self._toolbox.specs if spec.name not in client]
        chat = msgspec.structs.replace(chat, tools=[*chat.tools, *ours])
        shown: list[StreamEvent] = []  # in the rounds before
        while True:
            current = Round(self._taken, text_of(shown))
            finished = yield from self._ask(chat, scope, current, shown)
            calls = [call for call in current.open_calls if call.name not in client]
            passed_out = len(current.open_calls) - len(calls)
            if finished.reason != "stop" or not calls:
                yield finished
                return
            allowed = calls[: self._toolbox.left]
            for event in self._toolbox.call_all(allowed, scope):
                if not isinstance(event, ToolProgress):
                    current.shown.add(event)
                yield event
            if len(allowed) < len(calls):
                yield Finished("tool_limit", finished.usage, skipped=finished.skipped)
                return
            if passed_out:
                yield finished
                return
            usage = finished.usage or estimate_usage(chat.messages, current.reasoning, current.text)
            yield StepFinished(usage, finished.skipped)
            shown += current.shown.events
            chat = next_chat(chat, current.messages(calls))

    def _ask(
        self, chat: Chat, scope: CancelScope, current: "Round", shown: Sequence[StreamEvent]
    ) -> Generator[ReplyItem, None, Finished]:
        """One reply, noted in `current`. A reset voids the whole run: `shown` follows it again."""
        with closing(self._provider.stream(chat, scope)) as items:  # type: ignore[type-var]
            for item in items:
                if isinstance(item, Finished):
                    current.finished = item
                elif isinstance(item, AttemptReset):
                    current.reset()
                    yield item
                    yield from shown
                else:
                    yield current.take(self._typed(item))
        if current.finished is None:
            raise Truncated(f"{self.name} ended its reply before it was complete")
        return current.finished

    def _typed(self, item: ReplyItem) -> ReplyItem:
        if isinstance(item, ToolCall) and not item.by_provider and self._toolbox.type_of(item.name) == "mcp":
            return msgspec.structs.replace(item, type="mcp")
        return item


class Round:
    """One reply of the provider, and the results of its calls: what the next request sends back.

    In the log each call's id is unique in its run; the provider gets back the id that it gave. A
    source's place in the reply becomes its place in the answer, of which `before` was said already.
    A turn in which a call got another id is never whole in the log: it names the call otherwise.
    """

    def __init__(self, taken: set[str], before: str = "") -> None:
        self.finished: Finished | None = None
        self.shown = Shown()
        self._taken = taken
        self._before = len(before)
        self._ids: dict[str, str] = {}  # the provider's -> the log's, of the last call that has it
        self._given: dict[str, str] = {}  # the log's -> the provider's
        self._pieces = Pieces()
        self._whole: set[str] = set()  # the log's, of calls whose fragments are over

    def reset(self) -> None:
        self.shown = Shown()
        self._pieces = Pieces()
        self._whole.clear()

    @property
    def text(self) -> str:
        return text_of(self.shown.events)

    @property
    def reasoning(self) -> str:
        return "".join(event.text for event in self.shown.events if isinstance(event, ReasoningDelta))

    @property
    def open_calls(self) -> list[ToolCall]:
        """Those that have no result, and are not the provider's own."""
        done = {event.tool_call_id for event in self.shown.events if isinstance(event, ToolResult)}
        calls = [event for event in self.shown.events if isinstance(event, ToolCall) and not event.by_provider]
        return [call for call in calls if call.id not in done]

    def take(self, item: ReplyItem) -> ReplyItem:
        """Note the item; return it with the ids that the log has."""
        if isinstance(item, (TextDelta, ReasoningDelta)):
            self.shown.add(item)
            return item
        match item:
            case ToolCall():
                item = msgspec.structs.replace(item, id=self._log_id(item.id))
                self._whole.add(item.id)
            case ToolInputDelta():
                item = msgspec.structs.replace(item, tool_call_id=self._log_id(item.tool_call_id))
            case CitedSource():
                item = item.moved(self._before)
            case ToolResult() if item.tool_call_id in self._ids:
                item = msgspec.structs.replace(item, tool_call_id=self._ids[item.tool_call_id])
            case NativePiece():
                self._pieces.add(item)
                renamed = any(log_id != given for log_id, given in self._given.items())
                item = msgspec.structs.replace(item, whole=item.whole and not renamed)
        if isinstance(item, (CitedSource, File, ToolCall, ToolApproval, ToolResult, NativePiece)):
            self.shown.add(item)
        return item

    def messages(self, calls: Sequence[ToolCall]) -> list[Message]:
        """The assistant's turn with these calls, and the result of each call."""
        made = [msgspec.structs.replace(call, id=self._given[call.id]) for call in calls]
        results = {event.tool_call_id: event for event in self.shown.events if isinstance(event, ToolResult)}
        return [
            Message(
                "assistant", self._content(), tool_calls=made, reasoning=self.reasoning, native=self._pieces.native
            ),
            *(tool_message(self._given[call.id], results[call.id]) for call in calls),
        ]

    def _content(self) -> str | list[Part]:
        """The text, with the pictures that the model made: it is to see them again."""
        return with_images(self.text, images_in(event for event in self.shown.events if isinstance(event, File)))

    def _log_id(self, id: str) -> str:
        if id not in self._ids or self._ids[id] in self._whole:  # after a whole call: another one
            log_id, number = id, 1
            while log_id in self._taken:
                number += 1
                log_id = f"{id}_{number}"
            self._taken.add(log_id)
            self._ids[id] = log_id
            self._given[log_id] = id
        return self._ids[id]


def text_of(events: Sequence[StreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def next_chat(chat: Chat, messages: list[Message]) -> Chat:
    """The follow-up request. A forced tool choice applies to the first request only."""
    choice = "none" if chat.tool_choice == "none" else "auto"
    return msgspec.structs.replace(chat, messages=[*chat.messages, *messages], tool_choice=choice)
