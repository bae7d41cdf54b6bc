"""The requests of our own endpoints. Every refusal names the field."""

import hashlib
from typing import Annotated, Any, Literal

import msgspec

from chatapp.chat import Ask, ChatOptions, Message
from chatapp.errors import InvalidField
from chatapp.hub import with_pauses
from chatapp.ids import new_id

OnDisconnect = Literal["cancel", "continue"]
Name = Annotated[str, msgspec.Meta(max_length=256)]
"""A model, a provider, an agent, a tool, an id: longer than any that there is, and short enough to
be compared, matched and shown."""


class Turn(msgspec.Struct, frozen=True):
    role: Literal["system", "user", "assistant"]
    content: str


class AnswerRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The fields that all our streaming endpoints share: how to answer. Unknown fields are ignored.

    docs/dialects.md describes them.
    """

    provider: Name | None = None
    model: Name | None = None
    thinking: bool | None = None
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    tools: list[Name] | str | None = None
    agent: Name | None = None
    on_disconnect: OnDisconnect | None = None

    def tool_names(self) -> list[str] | None:
        """The names in the request, in a query string separated by commas. None: the defaults."""
        if isinstance(self.tools, str):
            return [name.strip() for name in self.tools.split(",") if name.strip()]
        return self.tools

    def ask_for(self, said: list[Message], raw: bool = False, **more: Any) -> Ask:
        """The ask with these messages. `more` are fields of it that only some endpoints have."""
        return Ask(
            said=said,
            options=ChatOptions(
                thinking=self.thinking, max_tokens=self.max_tokens, temperature=self.temperature, raw=raw
            ),
            provider=self.provider,
            model=self.model,
            tools=self.tool_names(),
            **{"agent": self.agent, **more},
        )


class ChatRequest(AnswerRequest, frozen=True, kw_only=True):
    """How to answer, and the new messages: `messages` or `prompt`."""

    messages: list[Turn] | None = None
    prompt: str | None = None
    conversation_id: Name | None = None

    def ask(self) -> Ask:
        return self.ask_for(self.turns(), conversation_id=self.conversation_id)

    def turns(self) -> list[Message]:
        """The new messages: `messages`, or `prompt` as one message of the user."""
        if self.messages is not None and self.prompt is not None:
            raise InvalidField("prompt: send either prompt or messages, not both")
        if self.messages is None:
            return [Message("user", self._last("prompt", self.prompt))]
        if not self.messages:
            raise InvalidField("messages: must not be empty")
        *before, last = self.messages
        said = [
            Message(turn.role, _filled(f"messages[{index}].content", turn.content))
            for index, turn in enumerate(with_pauses(before))
        ]
        return [*said, Message(last.role, self._last(f"messages[{len(before)}].content", last.content))]

    def _last(self, field: str, text: str | None) -> str:
        """The text of the last new message."""
        return _filled(field, text)


class MessageRequest(ChatRequest, frozen=True, kw_only=True):
    """`POST /api/v1/messages`. `retry_of` is the id of an answer to make again, `continue_of` of
    one that was cut off, `edit_of` of a question that `prompt` or `messages` replace. What was
    there before is kept as another version. `attachments` are ids of uploaded files that belong to
    the last new message; with them its text may be empty."""

    attachments: list[Name] = []
    retry_of: Name | None = None
    edit_of: Name | None = None
    continue_of: Name | None = None
    result_mode: Literal["legacy", "xml_plaintext", "raw_passthrough"] = "legacy"

    def ask(self) -> Ask:
        return self.ask_for(
            self.turns(),
            raw=self.result_mode == "raw_passthrough",
            attachments=self.attachments,
            conversation_id=self.conversation_id,
            retry_of=self.retry_of,
            edit_of=self.edit_of,
            continue_of=self.continue_of,
            keep=True,
            result_mode=self.result_mode,
        )

    def turns(self) -> list[Message]:
        named = [field for field in ("retry_of", "edit_of", "continue_of") if getattr(self, field) is not None]
        if len(named) > 1:
            raise InvalidField(f"{named[1]}: send either {named[0]} or {named[1]}, not both")
        if not named or self.edit_of is not None:
            return super().turns()
        if self.messages is not None or self.prompt is not None or self.attachments:
            raise InvalidField(f"{named[0]}: send it without prompt, messages and attachments")
        return []

    def _last(self, field: str, text: str | None) -> str:
        """Files speak for themselves."""
        return "" if self.attachments and not (text or "").strip() else super()._last(field, text)


class SessionRequest(ChatRequest, frozen=True, kw_only=True):
    """`/chat`. `sessionId` is the client's own name of the conversation, any text. Without it a new
    conversation begins."""

    session_id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = msgspec.field(
        default=None, name="sessionId"
    )

    def ask_agent(self, default: str) -> Ask:
        """`default` is the agent that answers if the request names none; empty: the model
        itself."""
        return self.ask_for(
            self.turns(),
            conversation_id=self.conversation_id,
            session_id=self.session_id or self.conversation_id or new_id("session"),
            agent=default if self.agent is None else self.agent,
        )

    def turns(self) -> list[Message]:
        if self.conversation_id is not None and self.session_id is not None:
            raise InvalidField("sessionId: send either sessionId or conversation_id, not both")
        return super().turns()


class ReasoningRequest(ChatRequest, frozen=True, kw_only=True):
    """`/api/chat`."""

    stream: bool = True


class AskRequest(ChatRequest, frozen=True, kw_only=True):
    """`/ask/stream`."""

    question: str | None = None

    def turns(self) -> list[Message]:
        if self.question is None and (self.prompt is not None or self.messages is not None):
            return super().turns()
        if self.prompt is not None or self.messages is not None:
            raise InvalidField("question: send it without prompt and messages")
        return [Message("user", _filled("question", self.question))]


class TitleRequest(msgspec.Struct, frozen=True):
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class TicketRequest(msgspec.Struct, frozen=True):
    path: Annotated[str, msgspec.Meta(pattern="^/", max_length=2000)]


class SeenRequest(msgspec.Struct, frozen=True):
    message_id: Name


class DecisionRequest(msgspec.Struct, frozen=True):
    """Either a `decision` about a call that waits for approval, or an `action` on a question of a
    running call: `content` is the form of an accepted one, and `question` its id; without it the
    oldest open one is meant."""

    decision: Literal["approved", "denied"] | None = None
    action: Literal["accept", "decline", "cancel"] | None = None
    content: dict[str, object] | None = None
    question: str | None = None


# Fields that say how the answer is sent, and do not change the question.
DELIVERY = ("stream", "stream_options", "on_disconnect")


def fingerprint(path: str, parsed: msgspec.Struct) -> str:
    """Tells one request from another: the same for two that ask for the same, however they want it
    sent."""
    fields: dict[str, object] = msgspec.to_builtins(parsed)
    asked = {name: value for name, value in fields.items() if name not in DELIVERY}
    return hashlib.sha256(msgspec.json.encode([path, asked], order="deterministic")).hexdigest()


def _filled(field: str, text: str | None) -> str:
    if text is None or not text.strip():
        raise InvalidField(f"{field}: must not be empty")
    return text
