"""The probe of the way to the client."""

import gevent
import pytest
from flask import Flask

from chatapp.reading.presence import OpenReaders
from chatapp.service import ChatService


@pytest.fixture
def readers(service: ChatService) -> OpenReaders:
    return service.readers


def test_a_probe_ends_when_the_server_goes_down(app: Flask, readers: OpenReaders) -> None:
    probe = app.test_client().get("/api/v1/base/sse_probe?count=600&interval=60", buffered=False)
    ticks = probe.iter_encoded()
    assert next(ticks).startswith(b"event: tick")
    waiting = gevent.spawn(lambda: list(ticks))
    gevent.sleep(0)
    readers.dismiss()
    assert waiting.get(timeout=10) == []
    probe.close()


def test_a_probe_that_was_read_leaves_nothing_behind(app: Flask, readers: OpenReaders) -> None:
    with app.test_client().get("/api/v1/base/sse_probe?count=2&interval=0.05") as probe:
        said = probe.get_data(as_text=True)
        assert said.count("event: tick") == 2 and said.count("event: done") == 1
    assert not readers._resumable
