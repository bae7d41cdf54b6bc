"""Google's Gemini: streamGenerateContent, in the Gemini API and in Vertex AI.

Every chunk is a whole object, and none is marked as the last. Parts are text, thoughts or function
calls. They carry signatures that must be sent back with the function's result.
Source: https://ai.google.dev/api/generate-content, and recordings.
"""

from collections.abc import Iterable, Iterator
from urllib.parse import quote

import msgspec

from chatapp.chat import Chat
from chatapp.errors import BadReply
from chatapp.events import NativePiece, ReasoningDelta, StreamEvent, TextDelta, ToolCall, Usage
from chatapp.providers import Finished
from chatapp.providers.gemini.media import Blob, FileData, Grounded, Grounding, file_elsewhere, inline_file
from chatapp.providers.gemini.partial_calls import PartialArg, PartialCall
from chatapp.providers.gemini.request import PROTOCOL, request_body, without_picture
from chatapp.providers.http import HTTPProvider, ProviderRequest
from chatapp.providers.reply import Reply
from chatapp.providers.thinking import STYLES
from chatapp.providers.tool_calls import ProviderToolCalls, WholeCalls, read_arguments
from chatapp.text import GrowingText
from chatapp.wire.json_text import (
    NOTHING,
    UNREADABLE,
    count,
    is_something,
    json_data,
    parse_arguments,
    parse_loosely,
)
from chatapp.wire.upstream_errors import stream_error

BLOCKED = "PROHIBITED_CONTENT"
PART_FIELDS = {"text", "thought", "thoughtSignature"}  # a part of these alone says nothing, if its text is empty
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

    def reply(self) -> "_Reply":
        return _Reply(self.name, self.max_reply_bytes)

    def decode_models(self, body: bytes) -> Iterable[str]:
        models = msgspec.json.decode(body, type=_Models).models
        return [m.name.removeprefix("models/") for m in models if "generateContent" in m.supportedGenerationMethods]


class _Function(msgspec.Struct):
    name: str = ""
    id: str | None = None
    args: msgspec.Raw = NOTHING
    partialArgs: list[PartialArg] | None = None
    willContinue: bool | None = None


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
    inlineData: Blob | None = None
    fileData: FileData | None = None


class _Plain(msgspec.Struct, forbid_unknown_fields=True):
    """A part that is a text and nothing else, as almost all are."""

    text: str


class _Content(msgspec.Struct):
    parts: list[msgspec.Raw] | None = None


class _Candidate(Grounded):
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
    responseId: str | None = None


class _Model(msgspec.Struct):
    name: str
    supportedGenerationMethods: list[str] = []


class _Models(msgspec.Struct):
    models: list[_Model]


_chunk = msgspec.json.Decoder(_Chunk)
_part = msgspec.json.Decoder(_Part)
_plain = msgspec.json.Decoder(_Plain)
_fields = msgspec.json.Decoder(dict[str, object])


class _Reply(Reply[_Chunk]):
    frame = _chunk

    def __init__(self, who: str, max_bytes: int) -> None:
        super().__init__(who, max_bytes)
        self._usage: _Usage | None = None
        self._calls = WholeCalls(who, self.skip)
        self._partial: PartialCall | None = None
        self._served = ProviderToolCalls(who)
        self._turn: list[GrowingText | dict[str, object]] = []  # as it goes back; plain texts are joined
        self._grounding = Grounding()

    def knows(self, chunk: _Chunk) -> bool:
        return any(
            x is not None for x in (chunk.candidates, chunk.promptFeedback, chunk.usageMetadata, chunk.responseId)
        )

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
            self._grounding.take(candidate)
            if candidate.finishReason:
                self._finish(candidate.finishReason)
        self.finished = self.finished or (self.alone and bool(chunk.candidates))  # such a one needs no reason

    def rest(self) -> Iterator[StreamEvent]:
        if self._reason != "length":
            yield from self._end_partial()
        yield from self._grounding.end()
        turn = [{"text": str(part)} if isinstance(part, GrowingText) else part for part in self._turn]
        signed = self._calls or any("thoughtSignature" in part for part in turn)
        if self._reason == "stop" and signed and not self._calls.renamed:
            yield NativePiece(PROTOCOL, self._who, [*turn], whole=True)

    def end(self) -> Finished:
        return Finished(self._reason, _usage(self._usage))

    def _take_part(self, raw: bytes) -> Iterator[StreamEvent]:
        try:
            part = parse_loosely(_part, raw, self._who, self.skip)
        except BadReply:
            self.skip("part of another form")
            return
        call = part.functionCall
        if call and (self._partial or call.willContinue or call.partialArgs):
            yield from self._take_partial(call, part.thoughtSignature)
            return
        if part.thoughtSignature or (not part.thought and part.text != "" and (call is None or call.name)):
            self._keep(raw)
        if part.text:
            yield ReasoningDelta(part.text) if part.thought else TextDelta(part.text)
        if part.text and not part.thought:
            self._grounding.said(part.text)
        if part.inlineData and not part.thought:  # while it thinks, it draws sketches
            yield inline_file(part.inlineData)
        if part.fileData:
            yield file_elsewhere(part.fileData)
        if call:
            yield from self._calls.take(call.id, call.name, bytes(call.args).decode("utf-8", "replace"))
        if is_something(part.executableCode):
            self._served.call(CODE, CODE, bytes(part.executableCode).decode("utf-8", "replace"))
        if result := part.codeExecutionResult:
            failed = result.outcome not in (None, "OUTCOME_OK")
            yield from self._served.result(CODE, result.output, (result.output or result.outcome) if failed else None)
        if not (part.text or call or result or part.inlineData or part.fileData or is_something(part.executableCode)):
            self._skip_part(raw)

    def _take_partial(self, call: _Function, signature: str | None) -> Iterator[ToolCall]:
        """A piece of a call. One with a name begins it; the last one does not continue."""
        if call.name and self._partial:
            yield from self._end_partial()
        partial = self._partial = self._partial or PartialCall(call.id, call.name)
        partial.id = partial.id or call.id
        partial.signature = partial.signature or signature
        partial.arguments |= read_arguments(bytes(call.args).decode("utf-8", "replace"), self._who)[0]
        for arg in call.partialArgs or ():
            if not partial.take(arg):
                self.skip("piece of an argument")
        if not call.willContinue:
            yield from self._end_partial()

    def _end_partial(self) -> Iterator[ToolCall]:
        partial, self._partial = self._partial, None
        if partial is None:
            return
        partial.end()
        if partial.name:
            self._keep(partial.part())
        yield from self._calls.take(partial.id, partial.name, json_data(partial.arguments))

    def _skip_part(self, raw: bytes) -> None:
        unknown = parse_loosely(_fields, raw, self._who, self.skip).keys() - PART_FIELDS
        if unknown:
            self.skip(f"part {min(unknown)}")

    def _keep(self, raw: bytes) -> None:
        """Pieces of a text are joined, but never with a signed part."""
        try:
            text = _plain.decode(raw).text
        except UNREADABLE:
            self._turn.append(without_picture(parse_arguments(raw, self._who)))
            return
        last = self._turn[-1] if self._turn else None
        if not isinstance(last, GrowingText):
            self._turn.append(last := GrowingText())
        last.add(text)


def _usage(usage: _Usage | None) -> Usage | None:
    """Gemini counts thinking apart from the answer, and a search's pages apart from the prompt."""
    if usage is None:
        return None
    prompt = count(usage.promptTokenCount) + count(usage.toolUsePromptTokenCount)
    reasoning = count(usage.thoughtsTokenCount)
    completion = count(usage.candidatesTokenCount) + reasoning
    total = count(usage.totalTokenCount) or prompt + completion
    return Usage(prompt, completion, total, reasoning, count(usage.cachedContentTokenCount))
