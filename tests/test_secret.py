"""A key shows in no text of it or of its holder."""

import logging

import msgspec
import pytest

from chatapp.providers.catalog import ProviderCatalog
from chatapp.providers.factory import ProviderFactory
from chatapp.providers.openai_chat.adapter import OpenAIChat
from chatapp.secret import Secret, shown_variable
from chatapp.settings import Settings
from chatapp.settings.loading import load
from chatapp.settings.tables import ProviderConfig
from chatapp.wire.upstream import Upstream, UpstreamRequest

KEY = "sk-do-not-show"


def texts(holder: object) -> str:
    """The texts that are made of an object in messages, tracebacks and log lines."""
    return f"{holder} {holder!r} {holder!s} {[holder]} {(holder,)!r}"


def settings() -> Settings:
    return load({"CHATAPP_SECRET_KEY": KEY})


def provider() -> OpenAIChat:
    return OpenAIChat("acme", Upstream(), api_key=Secret(KEY))


def providers() -> ProviderCatalog:
    config = ProviderConfig(type="anthropic", api_key_env="ACME_KEY")
    return ProviderCatalog(Settings(providers={"acme": config}), {"ACME_KEY": KEY})


def factory() -> ProviderFactory:
    factory = ProviderFactory(Settings(secret_key=Secret(KEY)))
    factory.candidate("acme", ProviderConfig(type="anthropic", api_key_env="ACME_KEY"), {"ACME_KEY": KEY})
    return factory


def request() -> UpstreamRequest:
    return UpstreamRequest("http://127.0.0.1", {}, {"Authorization": f"Bearer {KEY}"})


@pytest.mark.parametrize("make", [lambda: Secret(KEY), settings, provider, providers, request])
def test_no_text_of_a_holder_shows_the_key(make):
    assert KEY not in texts(make())


@pytest.mark.parametrize("make", [provider, providers, factory])
def test_nor_does_one_of_its_attributes(make):
    assert KEY not in texts(vars(make()))


def test_it_does_not_show_when_it_is_formatted_or_logged(caplog):
    with caplog.at_level(logging.INFO):
        logging.getLogger("test").info("logged: %s %r %s", Secret(KEY), Secret(KEY), provider())
    assert "logged: … Secret(…)" in caplog.text
    assert KEY not in f"{caplog.text} {Secret(KEY):>20}"


def test_it_is_in_no_json():
    with pytest.raises(TypeError):
        msgspec.json.encode(Secret(KEY))


def test_it_can_be_revealed_compared_and_asked_whether_it_is_there():
    assert settings().secret_key.reveal() == KEY
    assert settings().secret_key == Secret(KEY) != Secret("other") and Secret(KEY) != KEY
    assert len({Secret(KEY), Secret(KEY)}) == 1
    assert Secret(KEY) and not Secret("")


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "TOKEN", "KEY2"])
def test_a_variable_s_name_is_shown(name: str) -> None:
    assert shown_variable(name) == name


@pytest.mark.parametrize(
    "key", ["sk-proj-abcdef123456", "AIzaSyA1234567890", "gsk_abcdefabcdef", "AKIAIOSFODNN7EXAMPLE"]
)
def test_a_key_in_its_place_is_not(key: str) -> None:
    assert key[4:] not in shown_variable(key)
