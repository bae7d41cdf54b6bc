"""The whole application in this process, without a server before it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from chatapp.app import create_app
from chatapp.service import ChatService
from chatapp.settings import Settings
from chatapp.web import EXTENSION


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    yield from served(tmp_path)


@pytest.fixture(scope="module")
def shared_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """For tests of requests that leave nothing behind."""
    for app in served(tmp_path_factory.mktemp("shared"), default_provider="mock"):
        yield app.test_client()


def served(data: Path, **settings: str) -> Iterator[Flask]:
    app = create_app(Settings(data=data, log_url="memory:", come_back_s=0.1, **settings))  # type: ignore[arg-type]
    yield app
    service: ChatService = app.extensions[EXTENSION]
    service.drain(0)
    service.close()


@pytest.fixture
def service(app: Flask) -> ChatService:
    found: ChatService = app.extensions[EXTENSION]
    return found


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
