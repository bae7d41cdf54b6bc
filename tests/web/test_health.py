"""The probe of the way to the client."""

from collections.abc import Iterator
from types import SimpleNamespace

import gevent
import pytest
from flask import Flask

from chatapp.access.cookies import CookieAuthenticator
from chatapp.reading.credentials import CredentialWatch
from chatapp.reading.presence import OpenReaders
from chatapp.web import AUTHENTICATOR, CREDENTIALS, EXTENSION, errors, health


@pytest.fixture
def readers() -> OpenReaders:
    return OpenReaders()


@pytest.fixture
def app(readers: OpenReaders) -> Iterator[Flask]:
    app = Flask("probed")
    app.extensions[EXTENSION] = SimpleNamespace(readers=readers)
    app.extensions[AUTHENTICATOR] = CookieAuthenticator("key")
    app.extensions[CREDENTIALS] = CredentialWatch(lambda credentials: credentials)
    errors.install(app, {})
    app.register_blueprint(health.blueprint)
    yield app


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
