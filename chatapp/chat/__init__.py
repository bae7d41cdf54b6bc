"""A request to a provider, as values.

A `Chat` is complete: an adapter needs nothing else to build its request, and it refuses any field
that its protocol cannot carry. `parts` has what a message is made of, which is imported from here.
"""

from typing import Literal, TypeAlias

import msgspec

from chatapp.chat.parts import Attachment, Document, Image, Part, Sent, Text
from chatapp.events import NativePiece, ToolCall, ToolResult

__all__ = [
    "AnswerSchema",
    "Ask",
    "Attachment",
    "Chat",
    "ChatOptions",
    "Document",
    "Effort",
    "HostedTool",
    "Image",
    "Message",
    "Native",
    "Part",
    "Pieces",
    "Role",
    "Sent",
    "Text",
    "ToolSpec",
    "Verbosity",
    "tool_message",
]

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]
Effort: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
Verbosity: TypeAlias = Literal["low", "medium", "high"]


class Native(msgspec.Struct, frozen=True):
    """An assistant's turn as its provider wrote it, to be sent back unchanged in the same protocol.

    It has signatures of its thinking that nobody else can create. `protocol` is the adapter's, such
    as `anthropic`; `content` is a list in the adapter's own form. It goes back to `provider` alone;
    empty if a client sent it without saying which one made it.
    """

    protocol: str
    content: object
    provider: str = ""


class Pieces:
    """Joins the pieces of one reply."""

    def __init__(self) -> None:
        self._content: list[object] = []
        self._whole: NativePiece | None = None

    def add(self, piece: NativePiece) -> None:
        self._content += piece.content
        self._whole = piece if piece.whole else self._whole

    @property
    def native(self) -> Native | None:
        """The turn; None if it was not signed, or broke off."""
        last = self._whole
        return Native(last.protocol, self._content, last.provider) if last else None


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """One turn.

    `name` tells several people of one role from each other, if the protocol can say that.

    An assistant's turn may have `tool_calls` and `reasoning`. A message of role `tool` answers each
    call: it has the call's `tool_call_id` and the result as text; `failed` if the result is an
    error.
    """

    role: Role
    content: str | list[Part]
    tool_calls: list[ToolCall] = []
    tool_call_id: str | None = None
    failed: bool = False
    reasoning: str = ""
    native: Native | None = None
    name: str = ""

    @property
    def attachments(self) -> list[Attachment]:
        return [] if isinstance(self.content, str) else [part for part in self.content if isinstance(part, Attachment)]

    @property
    def text(self) -> str:
        """The content without its images and files."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content if isinstance(part, Text))


def tool_message(call_id: str, result: ToolResult) -> Message:
    if result.error is not None:
        return Message("tool", result.error, tool_call_id=call_id, failed=True)
    text = result.result if isinstance(result.result, str) else msgspec.json.encode(result.result).decode()
    return Message("tool", text, tool_call_id=call_id)


class ToolSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """A function that the model may call. `parameters` is a JSON schema of an object; `strict`: the
    arguments must follow it, if the provider can guarantee that.

    `custom`: the client's tool takes free text in this format, in OpenAI's words. Its calls have
    one argument, `input`; a provider with such tools is told of one."""

    name: str
    description: str
    parameters: dict[str, object]
    strict: bool = False
    custom: dict[str, object] | None = None


class HostedTool(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tool that a provider of this protocol runs itself, as the client described it there."""

    protocol: str
    type: str
    json: dict[str, object]


class AnswerSchema(msgspec.Struct, frozen=True, omit_defaults=True):
    """A JSON schema that the answer must follow, with what the client said beside it.

    `strict`: the provider must guarantee it; None means the provider's own default.
    """

    json: dict[str, object]
    name: str = ""
    description: str = ""
    strict: bool | None = None

    @property
    def described(self) -> dict[str, object]:
        """The schema for a protocol that has no field for its name and description."""
        said = {"title": self.name, "description": self.description}
        return {name: text for name, text in said.items() if text and name not in self.json} | self.json


class ChatOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How the answer is to be made. None means the provider's own default.

    - `thinking` switches thinking on or off; `effort` says how much. A provider without levels uses
      only the switch.
    - `tools` are the client's: the provider is told of them, and their calls are passed to the
      client.
    - `hosted` are tools that the provider runs itself. One that has them not does without.
    - `tool_choice` is `auto`, `none`, `required`, or the name of the one tool to call.
    - Without `parallel_tools` a turn has at most one call, if the provider can guarantee that.
    - `schema` is what the answer must follow. With `json_mode` it is JSON of any shape.
    - `verbosity` says how long the answer is to be.
    - With `citations` the answer says which places of the documents it rests on.
    - `hints` names the fields that a provider without them may ignore; it refuses others.
    - `cache` says how long a provider that caches only what it is told to is to keep the request.
    - `cache_key` tells a provider with such a field which requests begin alike.
    - `raw`: also yield the bytes of the body, as `Raw` events, each before its decoded events.
    """

    thinking: bool | None = None
    effort: Effort | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: list[str] = []
    seed: int | None = None
    tools: list[ToolSpec] = []
    hosted: list[HostedTool] = []
    tool_choice: str = "auto"
    parallel_tools: bool = True
    schema: AnswerSchema | None = None
    json_mode: bool = False
    verbosity: Verbosity | None = None
    citations: bool = False
    hints: list[str] = []
    cache: Literal["5m", "1h"] | None = None
    cache_key: str = ""
    raw: bool = False


class Chat(ChatOptions, frozen=True, kw_only=True):
    """One request to a provider, complete. `session_id` is the client's own name for the
    conversation, under which an agent may keep a memory of its own. `owner` asks: it is never sent,
    and tells one owner's failures from those of all."""

    model: str
    messages: list[Message]
    session_id: str = ""
    owner: str = ""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What a client wants, in whichever protocol it said so: new messages, and what they belong to.

    `attachments` are the ids of uploaded files that belong to the last message of `said`. `said`
    follows the messages of `conversation_id`, of the conversation that its owner calls
    `session_id`, or of the answer `previous` (`previous_field` is the client's name for that
    field). `retry_of` is an answer to make again, `continue_of` one to go on with; then nothing new
    is said. `edit_of` is a question in whose place this is said. `keep` begins a conversation if
    none is named. `instructions` come first and are not stored. `tools` names the server's tools;
    None: the default ones. `agent` names the agent that answers; None: the model itself. `repeated`
    is what the protocol repeats beside the answer; `result_mode` is stored with it. `fingerprint`
    tells this request from another with the same idempotency key.
    """

    said: list[Message]
    attachments: list[str] = []
    options: ChatOptions = ChatOptions()
    provider: str | None = None
    model: str | None = None
    conversation_id: str | None = None
    session_id: str | None = None
    retry_of: str | None = None
    edit_of: str | None = None
    continue_of: str | None = None
    previous: str | None = None
    previous_field: str = "previous"
    keep: bool = False
    instructions: list[Message] = []
    tools: list[str] | None = None
    agent: str | None = None
    result_mode: str | None = None
    repeated: dict[str, object] = {}
    fingerprint: str = ""

    @property
    def is_kept(self) -> bool:
        """Whether it belongs to a conversation, or begins one."""
        named = self.conversation_id, self.session_id, self.retry_of, self.edit_of, self.continue_of
        return self.keep or any(named)

    def chat(self, model: str, messages: list[Message], owner: str = "") -> Chat:
        """The request to the provider, with these messages in place of `said`."""
        return Chat(
            **msgspec.structs.asdict(self.options),
            model=model,
            messages=[*self.instructions, *messages],
            session_id=self.session_id or "",
            owner=owner,
        )
