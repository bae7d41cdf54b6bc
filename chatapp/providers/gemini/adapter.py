"""Google's Gemini: streamGenerateContent, in the Gemini API and in Vertex AI.

Every chunk is a whole object, and none is marked as the last. Parts are text, thoughts or function
calls. They carry signatures that must be sent back with the function's result.
Source: https://ai.google.dev/api/generate-content, and recordings.
"""

from collections.abc import Iterable, Iterator
from urllib.parse import quote

import msgspec

from chatapp.chat import Chat
from chatapp.errors import BadReply, Truncated
from chatapp.events import FinishReason, NativePiece, ReasoningDelta, StreamEvent, TextDelta, ToolCall, Usage
from chatapp.providers import Finished
from chatapp.providers.gemini.request import PROTOCOL, request_body
from chatapp.providers.http import END_MARK, HTTPProvider, ProviderRequest, ReplyItems
from chatapp.providers.thinking import STYLES
from chatapp.providers.tool_calls import ProviderToolCalls
from chatapp.wire.json_text import NOTHING, count, is_something, parse, parse_arguments
from chatapp.wire.upstream_errors import stream_error

FINISH: dict[str, FinishReason] = {
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
}
FAILED = ("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE")
BLOCKED = "PROHIBITED_CONTENT"
ERROR_BYTES = 16_384  # the most of an error after the last frame
CODE = "code_execution"


class Gemini(HTTPProvider):
    default_base_url = "https://generativelanguage.googleapis.com/v1beta"
    default_thinking = "gemini"
    models_path = "/models?pageSize=1000"

    def authorization(self, key: str) -> dict[str, str]:
        return {"x-goog-api-key": key}

    def request(self, chat: Chat) -> ProviderRequest:
        url = f"/models/{quote(chat.model, safe='')}:streamGenerateContent?alt=sse"
        return ProviderRequest(url, request_body(chat, self.name, STYLES[self.thinking]))

    def decode(self, body: Iterable[bytes]) -> ReplyItems:
        reply, rest = _Reply(self.name), _Rest(body)
        try:
            for event in self.server_events(rest):
                if event.data and event.data != END_MARK:
                    yield from reply.take(parse(_chunk, event.data, self.name))
        except Truncated:
            if not reply.ended:  # with a finish reason nothing is missing
                self._raise_error_in(rest)
                raise
        if not reply.ended:
            self._raise_error_in(rest)
        yield from reply.end()

    def decode_whole(self, body: bytes) -> ReplyItems:
        """One response, or a list of chunks, from a server that does not know `alt=sse`."""
        reply = _Reply(self.name)
        chunks = parse(_whole, body, self.name)
        for chunk in chunks if isinstance(chunks, list) else [chunks]:
            yield from reply.take(chunk)
            reply.ended = reply.ended or (chunk is chunks and bool(chunk.candidates))
        yield from reply.end()

    def decode_models(self, body: bytes) -> Iterable[str]:
        models = msgspec.json.decode(body, type=_Models).models
        return [m.name.removeprefix("models/") for m in models if "generateContent" in m.supportedGenerationMethods]

    def _raise_error_in(self, rest: "_Rest") -> None:
        """Raise the error that ended a stream: bare JSON after the last frame, without `data:`."""
        try:
            error = parse(_chunk, rest.text, self.name).error
        except BadReply:
            return
        if is_something(error):
            raise stream_error(self.name, bytes(error))


class _Rest:
    """Passes a body on and remembers what came after its last frame."""

    def __init__(self, body: Iterable[bytes]) -> None:
        self._body = body
        self._held = b""

    def __iter__(self) -> Iterator[bytes]:
        for data in self._body:
            self._held = (self._held + data)[-ERROR_BYTES:]
            yield data

    @property
    def text(self) -> bytes:
        start = max(self._held.rfind(b"\n{"), self._held.rfind(b"\r{"))
        return self._held[start + 1 :].strip()


class _Function(msgspec.Struct):
    name: str = ""
    id: str | None = None
    args: msgspec.Raw = NOTHING


class _Result(msgspec.Struct):
    outcome: str | None = None
    output: str | None = None


class _Part(msgspec.Struct):
    text: str | None = None
    thought: bool | None = None
    functionCall: _Function | None = None
    executableCode: msgspec.Raw = NOTHING
    codeExecutionResult: _Result | None = None
    thoughtSignature: str | None = None


class _Content(msgspec.Struct):
    parts: list[msgspec.Raw] | None = None


class _Candidate(msgspec.Struct):
    index: int | None = None
    content: _Content | None = None
    finishReason: str | None = None


class _Feedback(msgspec.Struct):
    blockReason: str | None = None
    blockReasonMessage: str | None = None


class _Usage(msgspec.Struct):
    promptTokenCount: float | None = None
    toolUsePromptTokenCount: float | None = None
    candidatesTokenCount: float | None = None
    thoughtsTokenCount: float | None = None
    cachedContentTokenCount: float | None = None
    totalTokenCount: float | None = None


class _Chunk(msgspec.Struct):
    error: msgspec.Raw = NOTHING
    candidates: list[_Candidate] | None = None
    promptFeedback: _Feedback | None = None
    usageMetadata: _Usage | None = None


class _Model(msgspec.Struct):
    name: str
    supportedGenerationMethods: list[str] = []


class _Models(msgspec.Struct):
    models: list[_Model]


_chunk = msgspec.json.Decoder(_Chunk)
_whole = msgspec.json.Decoder(_Chunk | list[_Chunk])
_part = msgspec.json.Decoder(_Part)


class _Reply:
    """What is known of a reply so far. `ended`: it has a finish reason, though more may follow."""

    def __init__(self, who: str) -> None:
        self.ended = False
        self._who = who
        self._reason = ""
        self._usage: _Usage | None = None
        self._calls = 0
        self._served = ProviderToolCalls(who)
        self._signed = False
        self._turn: list[object] = []

    def take(self, chunk: _Chunk) -> Iterator[StreamEvent]:
        if is_something(chunk.error):
            raise stream_error(self._who, bytes(chunk.error))
        self._usage = chunk.usageMetadata or self._usage
        feedback = chunk.promptFeedback or _Feedback()
        if feedback.blockReason or feedback.blockReasonMessage:
            self._finish(BLOCKED)
        for candidate in chunk.candidates or ():
            if candidate.index:
                continue  # of several candidates only the first counts
            for raw in (candidate.content and candidate.content.parts) or ():
                yield from self._take_part(bytes(raw))
            if candidate.finishReason:
                self._finish(candidate.finishReason)

    def end(self) -> ReplyItems:
        if not self.ended:
            raise Truncated(f"{self._who} ended its reply before it was complete")
        reason = FINISH.get(self._reason, "stop")
        if reason == "stop" and (self._calls or self._signed):
            yield NativePiece(PROTOCOL, self._who, self._turn, whole=True)
        yield Finished(reason, _usage(self._usage))

    def _take_part(self, raw: bytes) -> Iterator[StreamEvent]:
        part = parse(_part, raw, self._who)
        if part.thoughtSignature or (not part.thought and part.text != ""):
            self._keep(parse_arguments(raw, self._who))
        if part.text:
            yield ReasoningDelta(part.text) if part.thought else TextDelta(part.text)
        if call := part.functionCall:
            arguments = parse_arguments(bytes(call.args), self._who)
            yield ToolCall(call.id or f"call_{self._calls}", "function", call.name, arguments)
            self._calls += 1
        if is_something(part.executableCode):
            self._served.call(CODE, CODE, bytes(part.executableCode).decode("utf-8", "replace"))
        if result := part.codeExecutionResult:
            failed = result.outcome not in (None, "OUTCOME_OK")
            yield from self._served.result(CODE, result.output, (result.output or result.outcome) if failed else None)

    def _finish(self, reason: str) -> None:
        if reason in FAILED:
            raise stream_error(self._who, reason.encode())
        self.ended = True
        self._reason = reason

    def _keep(self, part: dict[str, object]) -> None:
        """Note a part of the turn. Pieces of a text are joined, but never with a signed part."""
        self._signed = self._signed or "thoughtSignature" in part
        last = self._turn[-1] if self._turn else None
        if isinstance(last, dict) and last.keys() == part.keys() == {"text"}:
            last["text"] = f"{last['text']}{part['text']}"
        else:
            self._turn.append(part)


def _usage(usage: _Usage | None) -> Usage | None:
    """Gemini counts thinking apart from the answer, and a search's pages apart from the prompt."""
    if usage is None:
        return None
    prompt = count(usage.promptTokenCount) + count(usage.toolUsePromptTokenCount)
    reasoning = count(usage.thoughtsTokenCount)
    completion = count(usage.candidatesTokenCount) + reasoning
    total = count(usage.totalTokenCount) or prompt + completion
    return Usage(prompt, completion, total, reasoning, count(usage.cachedContentTokenCount))
