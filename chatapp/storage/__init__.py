"""Conversations, in SQL. The only user of SQLAlchemy.

What leaves this room are the values below, never rows.
"""

from typing import Annotated, Literal, NamedTuple, TypeAlias, cast

import msgspec

from chatapp.chat import Ask, Attachment, Message
from chatapp.chat import Role as ChatRole
from chatapp.events import Entry

decode_entries = msgspec.json.Decoder(list[Entry]).decode
"""The entries of a compacted log, from the JSON in which it is stored."""

decode_message = msgspec.json.Decoder(Message).decode

Role: TypeAlias = Literal["user", "admin"]
"""What somebody who comes in may do."""


class ConversationSettings(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the answers of a conversation are made if the request does not say. `provider` and
    `model` are those that were named last."""

    instructions: Annotated[str, msgspec.Meta(max_length=100_000)] = ""
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    provider: Annotated[str, msgspec.Meta(max_length=256)] | None = None
    model: Annotated[str, msgspec.Meta(max_length=256)] | None = None

    def fill(self, ask: Ask) -> Ask:
        """The ask with what it leaves out; its provider and model are not filled in."""
        options = msgspec.structs.replace(
            ask.options,
            temperature=self.temperature if ask.options.temperature is None else ask.options.temperature,
            max_tokens=self.max_tokens if ask.options.max_tokens is None else ask.options.max_tokens,
        )
        instructions = ask.instructions
        if self.instructions and not instructions:
            instructions = [Message("system", self.instructions)]
        return msgspec.structs.replace(ask, options=options, instructions=instructions)


class Conversation(msgspec.Struct, frozen=True, omit_defaults=True):
    """`created` and `updated` are seconds since the epoch; `metadata` is the client's own."""

    id: str
    title: str
    created: float
    updated: float
    metadata: dict[str, str] = {}
    pinned: bool = False
    settings: ConversationSettings = ConversationSettings()


decode_settings = msgspec.json.Decoder(ConversationSettings).decode


class Listed(msgspec.Struct, frozen=True):
    """A conversation in the list. `running`: an answer is being made; `waiting`: for its owner;
    `unread`: one has ended that nobody has seen."""

    conversation: Conversation
    running: bool
    waiting: bool
    unread: bool


class Hit(msgspec.Struct, frozen=True):
    """A message in which all words of a search stand. `shown`: it is not a version that another one
    took the place of. `text` is some of it around the first of them; `marks` are the places of the
    words in `text`."""

    message_id: str
    conversation_id: str
    title: str
    role: str
    created: float
    shown: bool
    text: str
    marks: list[tuple[int, int]]


class Found(NamedTuple):
    """A page of hits; `rest` is where to go on, empty at the end. `indexing`: the index is being
    filled, and there may be more than it knows of yet."""

    hits: list[Hit]
    rest: str
    indexing: bool


class TitleHit(NamedTuple):
    """A conversation in whose title all words of a search stand, at the places `marks`."""

    conversation: Conversation
    marks: list[tuple[int, int]]


class StoredMessage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One message of a conversation. `content` is its text; of an answer, once it is finished.
    `parent` is the id of the message that it follows; one that `continues` goes on with its text.
    `said` is JSON of a message that is more than its text."""

    id: str
    conversation_id: str | None
    role: str
    content: str
    created: float
    parent: str | None = None
    said: str | None = None
    continues: bool = False

    @property
    def attachments(self) -> list[Attachment]:
        """The files that it came with."""
        has_some = self.said is not None and '"type":"attachment"' in self.said  # a quick look
        return self.message().attachments if has_some else []

    def message(self) -> Message:
        """The message as it was said."""
        return decode_message(self.said) if self.said is not None else Message(cast(ChatRole, self.role), self.content)


class Answer(StoredMessage, frozen=True, kw_only=True, gc=False):
    """The assistant's message of one run; its id is the run's. `repeated` are the request's fields
    that its protocol repeats beside the answer."""

    owner: str
    running: bool
    provider: str
    model: str | None
    result_mode: str | None
    repeated: dict[str, object]
    compacted: str

    def entries(self) -> list[Entry]:
        """The compacted log, without the bytes of its files; empty while the run goes on."""
        return decode_entries(self.compacted)


class Begun(msgspec.Struct, frozen=True):
    """An answer that was begun, with all `messages` for the provider; or one `found` again by its
    idempotency key, without them."""

    answer: Answer
    messages: list[Message] = []
    found: bool = False


class Spent(NamedTuple):
    """What an owner's ended runs used in the last minute, of which the oldest ended at
    `minute_from`, and since midnight (UTC). `day_cost` is in the currency of the price table."""

    minute_tokens: int
    minute_from: float | None
    day_tokens: int
    day_cost: float


UsageKey: TypeAlias = Literal["owner", "provider", "model", "day"]


class UsageQuery(msgspec.Struct, frozen=True):
    """Days are in UTC, `2026-11-26`; `until` is included. `owner` None: all of them."""

    group_by: tuple[UsageKey, ...]
    since: str
    until: str
    owner: str | None = None


class UsageSum(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the runs of one group used, in tokens. What is not grouped by is None, and so is the
    cost of runs without a price."""

    owner: str | None = None
    provider: str | None = None
    model: str | None = None
    day: str | None = None
    runs: int
    prompt: int
    completion: int
    cached: int
    reasoning: int
    cost: float | None
    currency: str | None


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """`name` owns what is done with the key. Times are seconds since the epoch."""

    id: str
    name: str
    role: Role
    hash: str
    created: float
    expires: float | None
    revoked: float | None

    def is_live(self, now: float) -> bool:
        return self.revoked is None and (self.expires is None or self.expires > now)


class BrowserSession(msgspec.Struct, frozen=True):
    """A browser that has signed in."""

    id: str
    hash: str
    owner: str
    role: Role


class Share(msgspec.Struct, frozen=True):
    """A read-only link to a conversation or to one answer."""

    id: str
    hash: str
    owner: str
    conversation_id: str | None
    message_id: str | None
    created: float


class Ticket(msgspec.Struct, frozen=True):
    """Who its bearer is for one request."""

    owner: str
    role: Role
    credential: str
