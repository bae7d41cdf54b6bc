"""Recorded bodies of real providers, which are beside the repository and never copied into it."""

import hashlib
import json
import random
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from chatapp.chat import Native, Pieces
from chatapp.errors import UpstreamError
from chatapp.events import AttemptReset, NativePiece, ReasoningDelta, StreamEvent, TextDelta, ToolCall
from chatapp.providers import Finished, ReplyItem
from chatapp.providers.http import HTTPProvider
from chatapp.wire.upstream import Upstream

RECORDINGS = Path(__file__).parents[2] / ".." / "shared" / "recordings"
MANIFEST = RECORDINGS / "manifest.json"


class Recording:
    """One body, and how an independent parser read it."""

    def __init__(self, entry: dict[str, Any]) -> None:
        self.name: str = entry["file"]
        self.protocol: str = entry["protocol"]
        self.provider: str = entry["provider"]
        self.streamed: bool = entry["kind"] == "stream"
        self.status: int = entry["http_status"]
        self.content_type: str = entry["content_type"] or ""
        self.expect: dict[str, Any] = entry["expect"]
        self._framing: str = entry["framing"]

    @property
    def body(self) -> bytes:
        data = (RECORDINGS / self.name).read_bytes()
        if self._framing != "jsonl-no-sse":
            return data
        lines = [line for line in data.splitlines() if line.strip()]
        if self.protocol == "openai-chat":
            return b"".join(b"data: " + line + b"\n\n" for line in [*lines, b"[DONE]"])
        named = [(json.loads(line)["type"].encode(), line) for line in lines]
        return b"".join(b"event: " + name + b"\ndata: " + line + b"\n\n" for name, line in named)


class Reading:
    """How an adapter read a body: the items, and the error it ended with."""

    def __init__(self, items: Iterator[StreamEvent | Finished]) -> None:
        self.items: list[StreamEvent | Finished] = []
        self.error: UpstreamError | None = None
        try:
            for item in items:
                self.items.append(item)
        except UpstreamError as error:
            self.error = error

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reading) and (self.items, repr(self.error)) == (other.items, repr(other.error))

    @property
    def valid(self) -> list[StreamEvent | Finished]:
        """The items since the last reset."""
        resets = [at for at, item in enumerate(self.items) if isinstance(item, AttemptReset)]
        return self.items[resets[-1] + 1 :] if resets else self.items

    @property
    def text(self) -> str:
        return "".join(item.text for item in self.valid if isinstance(item, TextDelta))

    @property
    def reasoning(self) -> str:
        return "".join(item.text for item in self.valid if isinstance(item, ReasoningDelta))

    @property
    def tool_calls(self) -> list[ToolCall]:
        return [item for item in self.valid if isinstance(item, ToolCall)]

    @property
    def native(self) -> Native | None:
        """The turn as its provider wrote it, joined from its pieces."""
        pieces = Pieces()
        for item in self.valid:
            if isinstance(item, NativePiece):
                pieces.add(item)
        return pieces.native

    @property
    def finish(self) -> Finished | None:
        return self.items[-1] if self.items and isinstance(self.items[-1], Finished) else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize `recording` by the test file's `PROTOCOLS`, `refusal` by the bodies of HTTP
    errors.
    """
    for name in {"recording", "refusal"}.intersection(metafunc.fixturenames):
        _parametrize(metafunc, name, metafunc.module.PROTOCOLS if name == "recording" else ("error", None))


def _parametrize(metafunc: pytest.Metafunc, name: str, protocols: Iterable[str | None]) -> None:
    if MANIFEST.exists():
        entries = [Recording(entry) for entry in json.loads(MANIFEST.read_bytes())]
        chosen = [entry for entry in entries if entry.protocol in protocols]
        metafunc.parametrize(name, chosen, ids=[entry.name for entry in chosen])
    else:
        absent = pytest.mark.skip(reason="the recordings are not beside this repository (../shared/recordings)")
        metafunc.parametrize(name, [pytest.param(None, marks=absent)])


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    upstream = Upstream()
    yield upstream
    upstream.close()


@pytest.fixture(autouse=True)
def invented(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Calls without an id are `call_0`, `call_1` …; calling the fixture begins anew."""
    numbers = count()

    def restart() -> None:
        nonlocal numbers
        numbers = count()

    monkeypatch.setattr("chatapp.providers.tool_calls.new_call_id", lambda: f"call_{next(numbers)}")
    return restart


@pytest.fixture
def read(invented: Callable[[], None]) -> Callable[..., Reading]:
    def read(provider: HTTPProvider, body: bytes | Iterable[bytes], content_type: str = "") -> Reading:
        invented()
        return Reading(items(provider, body, content_type))

    def items(provider: HTTPProvider, body: bytes | Iterable[bytes], content_type: str) -> Iterator[ReplyItem]:
        yield from provider.read(content_type, [body] if isinstance(body, bytes) else body)

    return read


@pytest.fixture
def cuts() -> Callable[[bytes], Iterator[list[bytes]]]:
    """Ways in which the network may cut a body: not at all, byte by byte, at random."""

    def cuts(body: bytes) -> Iterator[list[bytes]]:
        yield [body]
        yield [body[i : i + 1] for i in range(len(body))]
        chance = random.Random(len(body))
        for longest in (7, 100, 5000):
            pieces, at = [], 0
            while at < len(body):
                size = chance.randint(1, longest)
                pieces.append(body[at : at + size])
                at += size
            yield pieces

    return cuts


@pytest.fixture
def is_expected() -> Callable[[str, dict[str, Any] | None], bool]:
    """Whether a text has the length and hash that the manifest gives."""

    def is_expected(text: str, known: dict[str, Any] | None) -> bool:
        if not known:
            return text == ""
        return len(text) == known["len"] and hashlib.sha256(text.encode()).hexdigest() == known["sha256"]

    return is_expected
