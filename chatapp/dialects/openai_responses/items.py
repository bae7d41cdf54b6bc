"""The output items of OpenAI's Responses: the events of their growth, and the items as objects."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import ClassVar, TypeAlias

Events: TypeAlias = Iterator[tuple[str, Mapping[str, object]]]
"""Names without `response.`, and fields without `type` and `sequence_number`."""


class Item(ABC):
    """One item. Its id is made of `run` and of `index`, its place in the output. `text` is what it
    holds so far; `status` is `in_progress` until it is done."""

    prefix: ClassVar[str]

    def __init__(self, run: str, index: int) -> None:
        self.encrypted_content = ""  # of thinking: what only its provider can read
        self.text = ""
        self.done = False
        self.status = "in_progress"
        self._id = f"{self.prefix}_{run}_{index}"
        self._index = index

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
    """The answer's text: a message of one part."""

    prefix = "msg"

    def whole(self) -> dict[str, object]:
        content = [self._part] if self.text or self.done else []
        return {"id": self._id, "type": "message", "status": self.status, "role": "assistant", "content": content}

    def opened(self) -> Events:
        yield from super().opened()
        yield "content_part.added", {**self._place, "content_index": 0, "part": self._part}

    def delta(self, text: str) -> Events:
        yield "output_text.delta", {**self._place, "content_index": 0, "delta": text, "logprobs": []}

    def closed(self) -> Events:
        yield "output_text.done", {**self._place, "content_index": 0, "text": self.text, "logprobs": []}
        yield "content_part.done", {**self._place, "content_index": 0, "part": self._part}
        yield from super().closed()

    @property
    def _part(self) -> dict[str, object]:
        return {"type": "output_text", "text": self.text, "annotations": [], "logprobs": []}


class ThinkingItem(Item):
    """Thinking, as a summary of one part."""

    prefix = "rs"

    def whole(self) -> dict[str, object]:
        summary = [self._part] if self.text or self.done else []
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


class CallItem(Item):
    """A call of one of the client's tools; `text` is its arguments' JSON."""

    prefix = "fc"

    def __init__(self, run: str, index: int, call_id: str, name: str) -> None:
        super().__init__(run, index)
        self._call_id = call_id
        self._name = name

    def whole(self) -> dict[str, object]:
        return {
            "id": self._id,
            "type": "function_call",
            "status": self.status,
            "call_id": self._call_id,
            "name": self._name,
            "arguments": self.text,
        }

    def delta(self, text: str) -> Events:
        yield "function_call_arguments.delta", {**self._place, "delta": text}

    def closed(self) -> Events:
        yield "function_call_arguments.done", {**self._place, "name": self._name, "arguments": self.text}
        yield from super().closed()
