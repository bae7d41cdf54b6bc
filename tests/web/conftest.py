"""The whole application in this process, without a server before it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from chatapp.app import create_app
from chatapp.settings import Settings
from chatapp.web import EXTENSION, Services


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    app = create_app(Settings(data=tmp_path, log_url="memory:", come_back_s=0.1))
    yield app
    services: Services = app.extensions[EXTENSION]
    services.drain(0)
    services.close()


@pytest.fixture
def services(app: Flask) -> Services:
    found: Services = app.extensions[EXTENSION]
    return found


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
