"""What the environment offers without configuration."""

import logging

import pytest

from chatapp.providers.discovery import FOUND_BY_KEY, discover


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
