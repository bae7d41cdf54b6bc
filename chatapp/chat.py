"""A request to a provider, as values.

A `Chat` is complete: an adapter needs nothing else to build its request, and it refuses any field
that its protocol cannot carry.
"""

from typing import Literal, TypeAlias

import msgspec

from chatapp.events import ToolCall

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]
Effort: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class Text(msgspec.Struct, frozen=True, tag="text"):
    text: str


class Image(msgspec.Struct, frozen=True, tag="image"):
    """`url`: a `data:` URL with the image in it, or an `https:` URL that the provider fetches."""

    url: str


Part: TypeAlias = Text | Image


class Native(msgspec.Struct, frozen=True):
    """An assistant's turn as its provider wrote it, to be sent back unchanged in the same protocol.

    It has signatures of its thinking that nobody else can create. `protocol` is the adapter's, such
    as `anthropic`.
    """

    protocol: str
    content: object


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """One turn.

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

    @property
    def text(self) -> str:
        """The content without its images."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content if isinstance(part, Text))


class ToolSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """A function that the model may call. `parameters` is a JSON schema of an object; `strict`: the
    arguments must follow it, if the provider can guarantee that."""

    name: str
    description: str
    parameters: dict[str, object]
    strict: bool = False


class Chat(msgspec.Struct, frozen=True, kw_only=True):
    """One request to a provider. None means the provider's own default.

    - `thinking` switches thinking on or off; `effort` says how much. A provider without levels uses
      only the switch.
    - `tool_choice` is `auto`, `none`, `required`, or the name of the one tool to call.
    - Without `parallel_tools` a turn has at most one call, if the provider can guarantee that.
    - `schema` is a JSON schema that the answer must follow.
    - `raw`: also yield the bytes of the body, as `Raw` events, each before its decoded events.
    - `session_id` is the client's own name for the conversation. An agent may store its memory
      under this name.
    """

    model: str
    messages: list[Message]
    thinking: bool | None = None
    effort: Effort | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: list[str] = []
    seed: int | None = None
    tools: list[ToolSpec] = []
    tool_choice: str = "auto"
    parallel_tools: bool = True
    schema: dict[str, object] | None = None
    raw: bool = False
    session_id: str = ""
