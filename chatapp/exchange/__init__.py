"""A conversation as a file: all its messages with all their versions, to keep and to bring back.

What comes back is what people said and models answered, as texts and events to be shown. It is
never taken for a provider's own: a signed turn and the result of a call go into no later request,
since a file can say anything.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from chatapp.errors import InvalidField
from chatapp.events import (
    CitedSource,
    File,
    PlanStep,
    ReasoningDelta,
    RunEnd,
    RunStart,
    TextDelta,
    ToolApproval,
    ToolCall,
    ToolResult,
)
from chatapp.hub import with_pauses

FORMAT: Final = "chatapp-conversation"
VERSION = 1
NOT_THERE = "the file was not kept in the export"
MAX_MESSAGES = 50_000  # with all versions: storing them takes a second or two

Id = Annotated[str, Meta(min_length=1, max_length=256)]
NAME_CHARS = 256
Name = Annotated[str, Meta(max_length=NAME_CHARS)]
Time = Annotated[float, Meta(ge=0, le=32_503_680_000)]
"""Seconds since the epoch, up to the year 3000."""

KeptEvent = (
    RunStart
    | ReasoningDelta
    | TextDelta
    | ToolCall
    | ToolApproval
    | ToolResult
    | PlanStep
    | CitedSource
    | File
    | RunEnd
)
"""The events that people see. Others are a provider's own, or are over with the run."""


class KeptAttachment(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file that a question came with: what it is, without its bytes."""

    name: Name
    media_type: Name = ""


class KeptCall(msgspec.Struct, frozen=True):
    """A call in a turn of the assistant that a client sent: it was the client's to run."""

    name: Name
    arguments: dict[str, object]


class KeptMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`id` and `parent` hold within the file. An answer that a run made has its `events`, and
    `continues` the text of its parent or not. `images` are a question's, as `data:` URLs; `files`
    are what else it came with. `calls` are those of an answer that no run here made."""

    id: Id
    role: Literal["system", "user", "assistant"]
    content: str
    created: Time
    parent: Id | None = None
    provider: Name | None = None
    model: Name | None = None
    continues: bool = False
    images: list[Annotated[str, Meta(pattern="^data:image/")]] = []
    files: list[KeptAttachment] = []
    calls: list[KeptCall] = []
    events: list[KeptEvent] = []

    def weight(self) -> int:
        """How many messages without events cost as much as this one."""
        return 1 + (len(self.events) + len(self.calls)) // 10


class KeptSettings(msgspec.Struct, frozen=True, omit_defaults=True):
    instructions: Annotated[str, Meta(max_length=100_000)] = ""
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Meta(ge=1)] | None = None


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """All but the messages. `shown` is the id of the last message that is shown, at the end of its
    path."""

    format: Literal["chatapp-conversation"]
    version: Annotated[int, Meta(ge=1, le=VERSION)]
    title: Annotated[str, Meta(max_length=200)]
    created: Time
    shown: Id | None
    pinned: bool = False
    settings: KeptSettings = KeptSettings()
    metadata: Annotated[
        dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=512)]], Meta(max_length=16)
    ] = {}


class KeptConversation(_Kept, frozen=True, kw_only=True):
    """The file."""

    messages: list[KeptMessage]

    def check(self) -> None:
        """Raise InvalidField for what cannot be one conversation. Others run in between."""
        known: dict[str, KeptMessage] = {}
        for index, message in enumerate(with_pauses(self.messages, weight=KeptMessage.weight)):
            where = f"messages[{index}]"
            if message.id in known:
                raise InvalidField(f"{where}.id: another message has it, too; expected one of its own")
            if message.parent is not None and message.parent not in known:
                raise InvalidField(f"{where}.parent: expected the id of a message before this one")
            if message.role != "user" and (message.images or message.files):
                field = "images" if message.images else "files"
                raise InvalidField(f"{where}.{field}: only a question has them; its role is user")
            if message.calls and (message.role != "assistant" or message.events):
                raise InvalidField(f"{where}.calls: only an answer without events has them; its role is assistant")
            _check_answer(message, known.get(message.parent or ""), where)
            known[message.id] = message
        if self.shown is not None and self.shown not in known:
            raise InvalidField("shown: expected the id of a message of this file")

    def missing_files(self) -> int:
        """How many files its messages had that are only named in it."""
        made = (event for message in self.messages for event in message.events)
        return sum(len(message.files) for message in self.messages) + sum(isinstance(event, File) for event in made)

    def shown_ids(self) -> set[str]:
        """Those of the path that is shown."""
        parents = {message.id: message.parent for message in self.messages}
        path: set[str] = set()
        here = self.shown
        while here is not None:
            path.add(here)
            here = parents[here]
        return path


class ImportedFile(_Kept, frozen=True, kw_only=True):
    """The file as it comes: its messages may be many, and are made one by one."""

    messages: Annotated[list[msgspec.Raw], Meta(max_length=MAX_MESSAGES)]

    def conversation(self, message: Callable[[bytes, str], KeptMessage]) -> KeptConversation:
        """`message` makes one, and is told the field where it stands. Raises InvalidField."""
        messages = [message(bytes(raw), f"messages[{index}]") for index, raw in enumerate(self.messages)]
        fields = {name: getattr(self, name) for name in self.__struct_fields__}
        kept = KeptConversation(**{**fields, "messages": messages})
        kept.check()
        return kept


def _check_answer(message: KeptMessage, parent: KeptMessage | None, where: str) -> None:
    events: Sequence[KeptEvent] = message.events
    if not events:
        if message.continues:
            raise InvalidField(f"{where}.continues: only an answer with events goes on with another one")
        return
    if message.role != "assistant" or not message.provider:
        raise InvalidField(f"{where}.events: only an answer has events; its role is assistant, and it has a provider")
    if not isinstance(events[-1], RunEnd) or any(isinstance(event, RunEnd) for event in events[:-1]):
        raise InvalidField(f"{where}.events: expected one run-end, as the last event")
    if message.continues and (parent is None or not parent.events):
        raise InvalidField(f"{where}.continues: expected an answer with events as its parent")
    if "".join(event.text for event in events if isinstance(event, TextDelta)) != message.content:
        raise InvalidField(f"{where}.content: expected the text of its events")
