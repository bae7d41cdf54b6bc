"""What the environment offers without configuration."""

import logging

import pytest

from chatapp.providers.discovery import FOUND_BY_KEY, discover, ollama_url


def test_providers_are_found_by_their_keys():
    environ = {"ANTHROPIC_API_KEY": "a", "GEMINI_API_KEY": "g", "GOOGLE_API_KEY": "other", "MOONSHOT_API_KEY": ""}
    found = discover(environ, "There is none.")
    assert list(found) == ["anthropic", "gemini", "ollama", "mock"]
    assert (found["gemini"].type, found["gemini"].api_key_env) == ("gemini", "GEMINI_API_KEY")


@pytest.mark.parametrize("row", FOUND_BY_KEY, ids=lambda row: row.variable)
def test_each_key_brings_its_provider(row):
    config = discover({row.variable: "key"}, None)[row.name]
    assert (config.type, config.base_url, config.thinking) == (row.type, row.base_url, row.thinking)


def test_the_local_model_comes_first_if_it_is_there(caplog):
    caplog.set_level(logging.WARNING, "chatapp.providers")
    assert list(discover({"OPENAI_API_KEY": "k"}, None)) == ["local", "openai", "ollama", "mock"]
    assert caplog.text == ""
    assert "local" not in discover({}, "There is no model.")
    assert "There is no model." in caplog.text


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("[::]:8080", "http://127.0.0.1:8080"),
        ("[::1]", "http://[::1]:11434"),
        (" box ", "http://box:11434"),
        (":9999", "http://127.0.0.1:9999"),
        ("https://box.example", "https://box.example:11434"),
    ],
)
def test_ollamas_address_is_read_as_ollama_reads_it(host, url):
    assert ollama_url(host) == url
