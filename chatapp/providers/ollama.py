"""Ollama's own protocol: /api/chat, one JSON object a line. Source: https://docs.ollama.com/api

Only this protocol has all of its thinking, counts and errors: Ollama's OpenAI-like endpoint leaves
some out.
"""

from collections.abc import Iterable

import msgspec

from chatapp.chat import Chat, Image, Message
from chatapp.errors import InvalidField, Truncated
from chatapp.events import FinishReason, ReasoningDelta, StreamEvent, TextDelta, ToolCall, Usage
from chatapp.providers import Finished
from chatapp.providers.http import HTTPProvider, ProviderRequest, ReplyItems
from chatapp.providers.prompt import (
    given,
    inline_image,
    parts,
    refuse,
    result_text,
    sendable_turns,
    with_tool_names,
    words,
)
from chatapp.providers.thinking import STYLES, switched
from chatapp.wire.json_text import NOTHING, count, is_something, parse, parse_arguments
from chatapp.wire.upstream_errors import stream_error

FINISH: dict[str, FinishReason] = {"length": "length"}


class Ollama(HTTPProvider):
    default_base_url = "http://127.0.0.1:11434"
    default_thinking = "ollama"
    models_path = "/api/tags"
    whole_starts = ()  # a reply in one piece is a stream of one line

    def request(self, chat: Chat) -> ProviderRequest:
        if chat.tool_choice not in ("auto", "none"):
            raise InvalidField(f"tool_choice: {self.name} supports only 'auto' and 'none'")
        refuse(chat, self.name, "verbosity")
        messages = [self._message(message, name) for message, name in with_tool_names(sendable_turns(chat, self.name))]
        body: dict[str, object] = {"model": chat.model, "messages": messages, "stream": True}
        limits = given(num_predict=chat.max_tokens, stop=chat.stop)
        if options := limits | given(temperature=chat.temperature, top_p=chat.top_p, seed=chat.seed):
            body["options"] = options
        body |= switched(STYLES[self.thinking], chat)
        if chat.tools and chat.tool_choice == "auto":
            body["tools"] = [{"type": "function", "function": tool} for tool in chat.tools]
        shape = chat.schema.described if chat.schema else "json" if chat.json_mode else None
        return ProviderRequest("/api/chat", body | given(format=shape))

    def decode(self, body: Iterable[bytes]) -> ReplyItems:
        tool_calls = 0
        for text in self.lines(body):
            line = parse(_line, text, self.name)
            if is_something(line.error):
                raise stream_error(self.name, bytes(line.error))
            message = line.message
            if message.thinking:
                yield ReasoningDelta(message.thinking)
            if message.content:
                yield TextDelta(message.content)
            for call in message.tool_calls or ():
                yield self._tool_call(call, tool_calls)
                tool_calls += 1
            if line.done:
                yield Finished(FINISH.get(line.done_reason or "", "stop"), _usage(line))
                return
        raise Truncated(f"{self.name} ended its reply before it was complete")

    def decode_models(self, body: bytes) -> Iterable[str]:
        return [model.name for model in msgspec.json.decode(body, type=_Tags).models]

    def _message(self, message: Message, tool_name: str) -> dict[str, object]:
        if message.role == "tool":
            return {"role": "tool", "content": result_text(message), "tool_name": tool_name}
        images = [inline_image(part, self.name).data for part in parts(message) if isinstance(part, Image)]
        calls = [{"function": {"name": call.name, "arguments": call.arguments}} for call in message.tool_calls]
        thinking = message.reasoning if calls else None
        more = given(images=images, tool_calls=calls, thinking=thinking or None)
        return {"role": message.role, "content": words(message), **more}

    def _tool_call(self, call: "_ToolCall", position: int) -> StreamEvent:
        arguments = parse_arguments(bytes(call.function.arguments), self.name)
        return ToolCall(call.id or f"call_{position}", "function", call.function.name, arguments)


class _Function(msgspec.Struct):
    name: str = ""
    arguments: msgspec.Raw = NOTHING


class _ToolCall(msgspec.Struct):
    function: _Function
    id: str | None = None


class _Message(msgspec.Struct, frozen=True):
    content: str | None = None
    thinking: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Line(msgspec.Struct):
    """The fields of a line that we need. The last line has the counts."""

    error: msgspec.Raw = NOTHING
    message: _Message = _Message()
    done: bool = False
    done_reason: str | None = None
    prompt_eval_count: float | None = None
    eval_count: float | None = None


class _Model(msgspec.Struct):
    name: str


class _Tags(msgspec.Struct):
    models: list[_Model]


_line = msgspec.json.Decoder(_Line)


def _usage(line: _Line) -> Usage | None:
    if line.eval_count is None:
        return None
    prompt, completion = count(line.prompt_eval_count), count(line.eval_count)
    return Usage(prompt, completion, prompt + completion)
