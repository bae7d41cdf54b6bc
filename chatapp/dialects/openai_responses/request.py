"""The request `POST /v1/responses` of OpenAI's clients, as an Ask. Every refusal names the field.

Unknown fields are ignored, and so are hints that do not change what the answer means. A field that
would change it is refused if it is not supported.
"""

from typing import Literal

import msgspec

from chatapp.chat import AnswerSchema, Ask, ChatOptions, Effort, Message, Verbosity
from chatapp.dialects.openai_responses.request_conversation import Metadata
from chatapp.dialects.openai_responses.request_items import Find, Item, add_tools, messages_of, resolved
from chatapp.dialects.openai_responses.request_tools import ChosenTool, ClientTools, OfferedTool, hosted_tools
from chatapp.dialects.openai_responses.resource import CLIENT_TOOLS, run_id_of
from chatapp.dialects.request_parts import PositiveInt, Share, Temperature, refuse, refuse_orphans, thinking_of, typed
from chatapp.dialects.requests import Name, OnDisconnect
from chatapp.errors import InvalidField

REPEATED = (
    "model",
    "instructions",
    "metadata",
    "previous_response_id",
    "parallel_tool_calls",
    "max_output_tokens",
    "temperature",
    "top_p",
    "background",
    "store",
    "user",
    "safety_identifier",
    "prompt_cache_key",
)
"""Fields that the response object repeats as they are in the request."""

EFFORTS = ("none", "low", "medium", "high", "xhigh")
SUMMARIES = ("concise", "detailed", "auto")
TRUNCATIONS = ("auto", "disabled")
"""Words that the specification lets a response object repeat."""


class Reasoning(msgspec.Struct, frozen=True):
    effort: Effort | None = None
    summary: str | None = None


class Format(msgspec.Struct, frozen=True, omit_defaults=True, rename={"schema_": "schema"}):
    type: Literal["text", "json_object", "json_schema"]
    name: str = ""
    schema_: dict[str, object] | None = None
    description: str | None = None
    strict: bool | None = None


class TextFormat(msgspec.Struct, frozen=True, omit_defaults=True):
    format: Format | None = None
    verbosity: Verbosity | None = None


class ConversationName(msgspec.Struct, frozen=True):
    id: Name


class ResponseRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`provider` and `on_disconnect` are ours; an SDK sends them as `extra_body`."""

    model: Name | None = None
    input: str | list[Item] | None = None
    instructions: str | None = None
    previous_response_id: Name | None = None
    conversation: Name | ConversationName | None = None
    stream: bool | None = None
    store: bool | None = None
    background: bool | None = None
    max_output_tokens: PositiveInt | None = None
    temperature: Temperature | None = None
    top_p: Share | None = None
    tools: list[dict[str, object]] | None = None
    tool_choice: str | ChosenTool | None = None
    parallel_tool_calls: bool | None = None
    reasoning: Reasoning | None = None
    text: TextFormat | None = None
    metadata: Metadata | None = None
    truncation: str | None = None
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    provider: Name | None = None
    on_disconnect: OnDisconnect | None = None
    # Refused:
    prompt: object = None
    top_logprobs: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None

    def ask(self, find: Find = lambda id: None) -> Ask:
        """The instructions hold for this turn only. `find` gives the stored items that the input
        refers to."""
        refuse("prompt", self.prompt is not None, "use input and instructions")
        for name in ("top_logprobs", "presence_penalty", "frequency_penalty"):
            refuse(name, bool(getattr(self, name)))
        if self.conversation is not None and self.previous_response_id is not None:
            raise InvalidField("conversation: send either conversation or previous_response_id, not both")
        given, tools = self._input(find), ClientTools()
        tools.add("tools", typed("tools", self.tools or [], OfferedTool))
        add_tools(given if isinstance(given, list) else (), tools)
        choice, offered = tools.choice(self.tool_choice)
        messages = messages_of(given, tools)
        if self.previous_response_id is None and self.conversation is None:
            refuse_orphans("input", messages)
        effort = self.reasoning.effort if self.reasoning else None
        text = self.text or TextFormat()
        options = ChatOptions(
            thinking=thinking_of(effort),
            effort=effort,
            max_tokens=self.max_output_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
            tools=offered,
            hosted=hosted_tools(self.tools or ()),
            tool_choice=choice,
            parallel_tools=self.parallel_tool_calls is not False,
            schema=_schema(text.format),
            json_mode=text.format is not None and text.format.type == "json_object",
            verbosity=text.verbosity,
            hints=["verbosity"] if text.verbosity else [],
            cache_key=self.prompt_cache_key or "",
        )
        return Ask(
            said=messages,
            options=options,
            provider=self.provider,
            model=self.model,
            keep=self.store is not False,
            conversation_id=self.conversation_id,
            previous=run_id_of(self.previous_response_id) if self.previous_response_id else None,
            previous_field="previous_response_id",
            instructions=[Message("system", self.instructions)] if self.instructions else [],
            repeated=self._repeated(tools),
        )

    @property
    def conversation_id(self) -> str | None:
        return self.conversation.id if isinstance(self.conversation, ConversationName) else self.conversation

    def _input(self, find: Find) -> str | list[Item] | None:
        return resolved(self.input, find) if isinstance(self.input, list) else self.input

    def _repeated(self, tools: ClientTools) -> dict[str, object]:
        """The fields that the response object repeats. `tools` is always one of them: by it a later
        reader tells the client's calls from ours."""
        repeated = {name: getattr(self, name) for name in REPEATED if getattr(self, name) is not None}
        repeated["tools"] = tools.repeated()
        if self.text is not None:
            repeated["text"] = _text(self.text)
        if self.tool_choice is not None:
            repeated["tool_choice"] = self._choice(tools)
        if unlike := tools.unlike():
            repeated[CLIENT_TOOLS] = unlike
        if self.reasoning is not None:
            effort, summary = self.reasoning.effort, self.reasoning.summary
            repeated["reasoning"] = {"effort": _word(effort, EFFORTS), "summary": _word(summary, SUMMARIES)}
        if self.truncation in TRUNCATIONS:
            repeated["truncation"] = self.truncation
        if self.conversation_id is not None:
            repeated["conversation"] = {"id": self.conversation_id}
        return repeated

    def _choice(self, tools: ClientTools) -> object:
        choice, offered = tools.choice(self.tool_choice)
        if not isinstance(self.tool_choice, ChosenTool):
            return choice
        if self.tool_choice.type != "allowed_tools":
            return {"type": "function", "name": choice}
        allowed = [{"type": "function", "name": tool.name} for tool in offered]
        return {"type": "allowed_tools", "mode": choice, "tools": allowed}


def _word(word: str | None, known: tuple[str, ...]) -> str | None:
    return word if word in known else None


def _text(text: TextFormat) -> dict[str, object]:
    """The format of the answer for the response object. The specification has no place for a schema
    in it: there it is always null."""
    format = text.format
    repeated: dict[str, object] = {"type": format.type if format else "text"}
    if format is not None and format.type == "json_schema":
        described = {"name": format.name, "description": format.description, "schema": None}
        repeated |= {**described, "strict": bool(format.strict)}
    verbosity = {"verbosity": text.verbosity} if text.verbosity else {}
    return {"format": repeated, **verbosity}


def _schema(format: Format | None) -> AnswerSchema | None:
    if format is None or format.type != "json_schema":
        return None
    if format.schema_ is None:
        raise InvalidField("text.format.schema: must not be empty")
    return AnswerSchema(format.schema_, format.name, format.description or "", format.strict)
