"""Ollama's own protocol: /api/chat, one JSON object a line. Source: https://docs.ollama.com/api

Only this protocol has all of its thinking, counts and errors: Ollama's OpenAI-like endpoint leaves
some out.
"""

from collections.abc import Iterable, Iterator

import msgspec

from chatapp.chat import Chat, Image, Message
from chatapp.errors import InvalidField
from chatapp.events import ReasoningDelta, StreamEvent, TextDelta, Usage
from chatapp.providers import Finished
from chatapp.providers.bodies import JSONLines
from chatapp.providers.http import HTTPProvider, ProviderRequest
from chatapp.providers.lumps import SHORT_CHARS, Lumps
from chatapp.providers.media import file_of_base64
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
from chatapp.providers.reply import Reply
from chatapp.providers.thinking import STYLES, switched
from chatapp.providers.tool_calls import WholeCalls
from chatapp.wire.json_text import NOTHING, count, is_something
from chatapp.wire.upstream_errors import stream_error


class Ollama(HTTPProvider):
    default_base_url = "http://127.0.0.1:11434"
    default_thinking = "ollama"
    models_path = "/api/tags"
    streamed = JSONLines
    whole_starts = ()  # a reply in one piece is a stream of one line

    def request(self, chat: Chat) -> ProviderRequest:
        if chat.tool_choice not in ("auto", "none"):
            raise InvalidField(f"tool_choice: {self.name} supports only 'auto' and 'none'")
        refuse(chat, self.name, "verbosity", "citations")
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

    def reply(self) -> "_Reply":
        return _Reply(self.name, self.max_reply_bytes)

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


class _Function(msgspec.Struct):
    name: str = ""
    arguments: msgspec.Raw = NOTHING


class _ToolCall(msgspec.Struct):
    function: _Function | None = None
    id: str | None = None


class _Message(msgspec.Struct, frozen=True):
    content: str | None = None
    thinking: str | None = None
    tool_calls: list[_ToolCall] | None = None
    images: list[str] | None = None


class _Line(msgspec.Struct):
    """The fields of a line that we need. The last line has the counts."""

    error: msgspec.Raw = NOTHING
    message: _Message | None = None
    done: bool | None = None
    done_reason: str | None = None
    prompt_eval_count: float | None = None
    eval_count: float | None = None


class _Model(msgspec.Struct):
    name: str


class _Tags(msgspec.Struct):
    models: list[_Model]


_line = msgspec.json.Decoder(_Line)


class _Reply(Reply[_Line]):
    frame = _line

    def __init__(self, who: str, max_bytes: int) -> None:
        super().__init__(who, max_bytes)
        self._last = _Line()
        self._tool_calls = WholeCalls(who, self.skip)

    def knows(self, line: _Line) -> bool:
        return line.message is not None or bool(line.done)

    def take(self, line: _Line) -> Iterator[StreamEvent]:
        if is_something(line.error):
            raise stream_error(self._who, bytes(line.error))
        message = line.message or _Message()
        texts = self._texts(message)
        yield from Lumps(SHORT_CHARS).cut(texts) if line.done else texts  # all of it came as one
        for image in message.images or ():
            yield file_of_base64(image)
        for call in message.tool_calls or ():
            function = call.function or _Function()
            arguments = bytes(function.arguments).decode("utf-8", "replace")
            yield from self._tool_calls.take(call.id, function.name, arguments)
        if line.done:
            self._last = line
            self.over = self.marked = True
            if line.done_reason:  # `load` and `unload` tell that nothing was asked
                self._finish(line.done_reason)

    def _texts(self, message: _Message) -> Iterator[TextDelta | ReasoningDelta]:
        if message.thinking:
            yield ReasoningDelta(message.thinking)
        if message.content:
            yield TextDelta(message.content)

    def rest(self) -> Iterable[StreamEvent]:
        return ()

    def end(self) -> Finished:
        return Finished(self._reason, _usage(self._last))


def _usage(line: _Line) -> Usage | None:
    if line.eval_count is None:
        return None
    prompt, completion = count(line.prompt_eval_count), count(line.eval_count)
    return Usage(prompt, completion, prompt + completion)
