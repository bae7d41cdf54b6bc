"""The application without HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from waiting import soon

from chatapp.access import Caller
from chatapp.app import build_service
from chatapp.chat import Ask, ChatOptions, Message
from chatapp.dialects.anthropic.request import MessagesRequest
from chatapp.errors import LogUnavailable, NotFound
from chatapp.events import ToolApproval
from chatapp.reading.sources import follow
from chatapp.service import Answer, ChatService, estimated_tokens
from chatapp.settings import Settings

ANN = Caller("ann", "trace")
TOOL = {"name": "weather", "description": "of a city", "input_schema": {"type": "object", "properties": {}}}


def tokens(text: str, **more: Any) -> int:
    asked = msgspec.convert({"messages": [{"role": "user", "content": text}], **more}, MessagesRequest)
    return estimated_tokens(asked.ask())


def test_tokens_are_estimated_by_the_length_of_all_that_is_text() -> None:
    assert tokens("12345678") == 2
    assert tokens("12345678", system="1234") == 3
    assert tokens("12345678", tools=[TOOL]) > tokens("12345678") + 10


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ChatService]:
    """The application without HTTP, as a host that embeds it has it."""
    service = build_service(Settings(data=tmp_path, log_url="memory:", ask_tools=("calculate",)), {})
    service.start()
    yield service
    service.drain(0)
    service.close()


def asked(service: ChatService, model: str = "words", **more: Any) -> Answer:
    ask = Ask(said=[Message("user", "2+2")], provider="mock", model=model, keep=True, **more)
    return service.ask(ask, ANN).answer


def test_an_ask_is_answered_without_http(service: ChatService) -> None:
    answer = asked(service, options=ChatOptions(max_tokens=3))
    assert answer.running and answer.owner == ANN.owner
    whole = service.wait(answer)
    assert whole.end is not None and whole.end.reason == "length"
    kept = service.answer(ANN, answer.id)
    assert not kept.running and service.transcript(kept).content == whole.content
    assert [entry.event for entry in follow(service.source(kept))][-1] == whole.end
    assert service.ready() == {"log": "ok", "database": "ok"}


def test_nobody_else_has_the_answer(service: ChatService) -> None:
    answer = asked(service)
    with pytest.raises(NotFound):
        service.answer(Caller("bob", "trace"), answer.id)


def test_a_stopped_run_ends_as_cancelled_and_is_stopped_once(service: ChatService) -> None:
    answer = asked(service, "silent")
    assert service.cancel(answer)
    end = service.wait(answer).end
    assert end is not None and end.reason == "cancelled"
    assert not service.cancel(service.answer(ANN, answer.id))


def test_a_run_is_stopped_that_is_deleted_with_its_conversation(service: ChatService) -> None:
    answer = asked(service, "silent")
    assert answer.conversation_id
    service.deleting.conversation(ANN, answer.conversation_id)
    soon(lambda: service.runs.live == 0)
    with pytest.raises(NotFound):
        service.answer(ANN, answer.id)


def test_what_is_deleted_is_gone_even_if_its_run_cannot_be_stopped(
    service: ChatService, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(run_id: str) -> None:
        raise LogUnavailable("the event log is away")

    answer = asked(service, "silent")
    monkeypatch.setattr(service.log, "cancel", away)
    service.deleting.answer(answer)
    assert f"the run {answer.id} of a deleted answer was not stopped" in caplog.text
    with pytest.raises(NotFound):
        service.answer(ANN, answer.id)


def test_a_call_that_waits_is_decided_once(service: ChatService) -> None:
    answer = asked(service, "tools", tools=["calculate"])
    (call, *_) = soon(
        lambda: [entry.event for entry in service.transcript(answer).entries if isinstance(entry.event, ToolApproval)]
    )
    assert service.decide(answer, call.tool_call_id, "denied") == "denied"
    assert service.decide(answer, call.tool_call_id, "approved") == "denied"
    with pytest.raises(NotFound):
        service.decide(answer, "nobody's", "approved")
