"""The output items of OpenAI's Responses: the events of their growth, and the items as objects."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import ClassVar, TypeAlias

import msgspec

from chatapp.events import CitedSource, File
from chatapp.hub.large_values import to_base64
from chatapp.text import GrowingText

Events: TypeAlias = Iterator[tuple[str, Mapping[str, object]]]
"""Names without `response.`, and fields without `type` and `sequence_number`."""


class Item(ABC):
    """One item. Its id is made of `run` and of `index`, its place in the output. `text` is what it
    holds so far, by what was `add`ed; `status` is `in_progress` until it is done."""

    prefix: ClassVar[str]

    def __init__(self, run: str, index: int) -> None:
        self.encrypted_content = ""  # of thinking: what only its provider can read
        self.done = False
        self.status = "in_progress"
        self._id = f"{self.prefix}_{run}_{index}"
        self._index = index
        self._text = GrowingText()

    @property
    def text(self) -> str:
        return str(self._text)

    def add(self, text: str) -> None:
        self._text.add(text)

    @abstractmethod
    def whole(self) -> dict[str, object]:
        """The item as it is now."""

    def opened(self) -> Events:
        yield "output_item.added", {"output_index": self._index, "item": self.whole()}

    @abstractmethod
    def delta(self, text: str) -> Events:
        """The events of one more piece."""

    def closed(self) -> Events:
        yield "output_item.done", {"output_index": self._index, "item": self.whole()}

    @property
    def _place(self) -> dict[str, object]:
        return {"item_id": self._id, "output_index": self._index}


class TextItem(Item):
    """The answer's text: a message of one part. It begins `offset` characters into the answer."""

    prefix = "msg"

    def __init__(self, run: str, index: int, offset: int) -> None:
        super().__init__(run, index)
        self._offset = offset
        self._annotations: list[Mapping[str, object]] = []

    def whole(self) -> dict[str, object]:
        content = [self._part] if self._text.chars or self.done else []
        return {"id": self._id, "type": "message", "status": self.status, "role": "assistant", "content": content}

    def opened(self) -> Events:
        yield from super().opened()
        yield "content_part.added", {**self._place, "content_index": 0, "part": self._part}

    def delta(self, text: str) -> Events:
        yield "output_text.delta", {**self._place, "content_index": 0, "delta": text, "logprobs": []}

    def cite(self, source: CitedSource) -> Events:
        """The protocol demands a place in this text: its end, if the source names none here."""
        start, end = self._text.chars, self._text.chars
        if source.start is not None and source.start >= self._offset:
            start, end = source.start - self._offset, (source.end or source.start) - self._offset
        about = {"url": source.url, "title": source.title, "start_index": start, "end_index": end}
        annotation = {"type": "url_citation", **about}
        place = {**self._place, "content_index": 0, "annotation_index": len(self._annotations)}
        self._annotations.append(annotation)
        yield "output_text.annotation.added", {**place, "annotation": annotation}

    def closed(self) -> Events:
        yield "output_text.done", {**self._place, "content_index": 0, "text": self.text, "logprobs": []}
        yield "content_part.done", {**self._place, "content_index": 0, "part": self._part}
        yield from super().closed()

    @property
    def _part(self) -> dict[str, object]:
        return {"type": "output_text", "text": self.text, "annotations": list(self._annotations), "logprobs": []}


class ThinkingItem(Item):
    """Thinking, as a summary of one part."""

    prefix = "rs"

    def whole(self) -> dict[str, object]:
        summary = [self._part] if self._text.chars or self.done else []
        sealed = {"encrypted_content": self.encrypted_content} if self.encrypted_content else {}
        return {"id": self._id, "type": "reasoning", "summary": summary, **sealed}

    def opened(self) -> Events:
        yield from super().opened()
        yield "reasoning_summary_part.added", {**self._place, "summary_index": 0, "part": self._part}

    def delta(self, text: str) -> Events:
        yield "reasoning_summary_text.delta", {**self._place, "summary_index": 0, "delta": text}

    def closed(self) -> Events:
        yield "reasoning_summary_text.done", {**self._place, "summary_index": 0, "text": self.text}
        yield "reasoning_summary_part.done", {**self._place, "summary_index": 0, "part": self._part}
        yield from super().closed()

    @property
    def _part(self) -> dict[str, object]:
        return {"type": "summary_text", "text": self.text}


class SealedItem(Item):
    """Thinking that only its provider can read."""

    prefix = "rs"

    def whole(self) -> dict[str, object]:
        return {"id": self._id, "type": "reasoning", "summary": [], "encrypted_content": self.encrypted_content}

    def delta(self, text: str) -> Events:
        return iter(())


class ImageItem(Item):
    """A picture that the model made. It does not grow."""

    prefix = "ig"

    def __init__(self, run: str, index: int, file: File) -> None:
        super().__init__(run, index)
        self._file = file

    def whole(self) -> dict[str, object]:
        result = to_base64(self._file.bytes) if self.done else None
        format = self._file.media_type.removeprefix("image/").removesuffix("+xml")
        about = {"id": self._id, "type": "image_generation_call", "status": self.status}
        return {**about, "output_format": format, "result": result}

    def opened(self) -> Events:
        yield from super().opened()
        yield "image_generation_call.in_progress", self._place

    def delta(self, text: str) -> Events:
        return iter(())

    def closed(self) -> Events:
        yield "image_generation_call.completed", self._place
        yield from super().closed()


class CallItem(Item):
    """A call of one of the client's tools; `text` is its arguments' JSON."""

    prefix = "fc"
    type: ClassVar[str] = "function_call"

    def __init__(self, run: str, index: int, call_id: str, name: str, namespace: str = "") -> None:
        super().__init__(run, index)
        self._call_id = call_id
        self._name = name
        self._namespace = namespace

    def whole(self) -> dict[str, object]:
        named = {"name": self._name, **({"namespace": self._namespace} if self._namespace else {})}
        head = {"id": self._id, "type": self.type, "status": self.status, "call_id": self._call_id}
        return {**head, **named, **self._said}

    def delta(self, text: str) -> Events:
        yield "function_call_arguments.delta", {**self._place, "delta": text}

    def closed(self) -> Events:
        yield "function_call_arguments.done", {**self._place, "name": self._name, "arguments": self.text}
        yield from super().closed()

    @property
    def _said(self) -> dict[str, object]:
        return {"arguments": self.text}


class CustomCallItem(CallItem):
    """A call of a tool that takes free text. The log has it as a function's call, and `text` is
    JSON, so the free text is there once that is whole."""

    prefix = "ctc"
    type = "custom_tool_call"

    def delta(self, text: str) -> Events:
        return iter(())

    def closed(self) -> Events:
        if text := free_text(self.text):
            yield "custom_tool_call_input.delta", {**self._place, "delta": text}
        yield "custom_tool_call_input.done", {**self._place, "input": text}
        yield from Item.closed(self)

    @property
    def _said(self) -> dict[str, object]:
        return {"input": free_text(self.text) if self.done else ""}


class ToolSearchItem(Item):
    """A call of the tool search that the client runs; `text` is its arguments' JSON."""

    prefix = "tsc"

    def __init__(self, run: str, index: int, call_id: str) -> None:
        super().__init__(run, index)
        self._call_id = call_id

    def whole(self) -> dict[str, object]:
        return {
            "id": self._id,
            "type": "tool_search_call",
            "execution": "client",
            "call_id": self._call_id,
            "status": self.status,
            "arguments": (_object(self.text) or {}) if self.done else {},
        }

    def delta(self, text: str) -> Events:
        return iter(())


def call_item(tools: Mapping[str, Mapping[str, str]], run: str, index: int, call_id: str, name: str) -> Item:
    """The item of a call, in the client's own words for its tool: `tools` has those that the client
    calls otherwise than the provider."""
    tool = tools.get(name, {})
    own, namespace = tool.get("name", name), tool.get("namespace", "")
    match tool.get("kind"):
        case "custom":
            return CustomCallItem(run, index, call_id, own, namespace)
        case "tool_search":
            return ToolSearchItem(run, index, call_id)
        case _:
            return CallItem(run, index, call_id, own, namespace)


def free_text(arguments: str) -> str:
    """What a function's call says to a tool that takes free text: `input`, or the one text that
    there is. A model that wrote no JSON wrote the text itself."""
    found = _object(arguments)
    if found is None:
        return arguments
    texts = [value for value in found.values() if isinstance(value, str)]
    said = found.get("input", texts[0] if len(texts) == 1 else None)
    return said if isinstance(said, str) else "" if not found else arguments


def _object(text: str) -> dict[str, object] | None:
    try:
        return msgspec.json.decode(text, type=dict[str, object])
    except (msgspec.DecodeError, RecursionError):
        return None
