"""The requests of our own endpoints. Every refusal names the field."""

from typing import Annotated, Literal

import msgspec

from chatapp.chat import Chat, Message
from chatapp.errors import InvalidField

OnDisconnect = Literal["cancel", "continue"]


class Turn(msgspec.Struct, frozen=True):
    role: Literal["system", "user", "assistant"]
    content: str


class AnswerRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The fields that all our streaming endpoints share: how to answer. Unknown fields are ignored.

    docs/dialects.md describes them.
    """

    provider: str | None = None
    model: str | None = None
    thinking: bool | None = None
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    tools: list[str] | str | None = None
    agent: str | None = None
    on_disconnect: OnDisconnect | None = None

    def tool_names(self) -> list[str] | None:
        """The names in the request, in a query string separated by commas. None: the defaults."""
        if isinstance(self.tools, str):
            return [name.strip() for name in self.tools.split(",") if name.strip()]
        return self.tools

    def chat_of(self, messages: list[Message], session_id: str = "") -> Chat:
        """The request to the provider, without the history."""
        return Chat(
            model=self.model or "",
            messages=messages,
            thinking=self.thinking,
            max_tokens=self.max_tokens,
            temperature=self.temperature,
            session_id=session_id,
        )


class ChatRequest(AnswerRequest, frozen=True, kw_only=True):
    """How to answer, and the new messages: `messages` or `prompt`."""

    messages: list[Turn] | None = None
    prompt: str | None = None
    conversation_id: str | None = None

    def chat(self, session_id: str = "") -> Chat:
        return self.chat_of(self.turns(), session_id)

    def turns(self) -> list[Message]:
        """The new messages: `messages`, or `prompt` as one message of the user."""
        if self.messages is not None and self.prompt is not None:
            raise InvalidField("prompt: send either prompt or messages, not both")
        if self.messages is None:
            return [Message("user", _filled("prompt", self.prompt))]
        if not self.messages:
            raise InvalidField("messages: must not be empty")
        return [
            Message(turn.role, _filled(f"messages[{index}].content", turn.content))
            for index, turn in enumerate(self.messages)
        ]


class MessageRequest(ChatRequest, frozen=True, kw_only=True):
    """`POST /api/v1/messages`. `retry_of` is the id of an answer to make again."""

    retry_of: str | None = None
    result_mode: Literal["legacy", "xml_plaintext", "raw_passthrough"] = "legacy"

    def chat(self, session_id: str = "") -> Chat:
        return msgspec.structs.replace(super().chat(session_id), raw=self.result_mode == "raw_passthrough")

    def turns(self) -> list[Message]:
        if self.retry_of is None:
            return super().turns()
        if self.messages is not None or self.prompt is not None:
            raise InvalidField("retry_of: send it without prompt and messages")
        return []


class SessionRequest(ChatRequest, frozen=True, kw_only=True):
    """`/chat`. `sessionId` is the client's own name of the conversation, any text. Without it a new
    conversation begins."""

    session_id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = msgspec.field(
        default=None, name="sessionId"
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


class DecisionRequest(msgspec.Struct, frozen=True):
    decision: Literal["approved", "denied"]


def _filled(field: str, text: str | None) -> str:
    if text is None or not text.strip():
        raise InvalidField(f"{field}: must not be empty")
    return text
