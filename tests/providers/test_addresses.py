"""Addresses of providers: what is made of them, and what must change in them."""

import pytest

from chatapp.providers.addresses import address_problem, ollama_url


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
        ("https://box.example/ollama/", "https://box.example:11434/ollama"),
        ("http://me:secret@box:1", "http://me:secret@box:1"),
    ],
)
def test_ollamas_address_is_read_as_ollama_reads_it(host: str, url: str) -> None:
    assert ollama_url(host) == url
    assert address_problem(url, "ollama", with_key=False) is None


@pytest.mark.parametrize("host", ["box:port", "http://[::1", "ftp://box", "box/api"])
def test_an_address_of_ollama_that_cannot_be_used_has_a_problem(host: str) -> None:
    assert address_problem(ollama_url(host), "ollama", with_key=False)


@pytest.mark.parametrize(
    "base_url",
    [
        "https://api.deepseek.com",
        "HTTPS://host/v1/",
        "http://[::1]:8080/v1",
        "https://host/openai?api-version=1",
        "http://me:secret@host/v1",
    ],
)
def test_a_usual_address_has_no_problem(base_url: str) -> None:
    assert address_problem(base_url, "openai", with_key=False) is None


@pytest.mark.parametrize(
    ("base_url", "type", "problem"),
    [
        ("host/v1", "openai", "expected http:// or https:// at its beginning"),
        ("localhost:11434", "openai", "expected http:// or https:// at its beginning"),
        ("", "openai", "expected http:// or https:// at its beginning"),
        ("http://[::1", "openai", "not a valid URL"),
        ("http://host:port", "openai", "not a valid URL"),
        ("http://:80/v1", "openai", "not a valid URL"),
        ("https://host/v 1", "openai", "not a valid URL"),
        ("https://host/v1\n", "openai", "not a valid URL"),
        ("https://host/v1#now", "openai", "has a fragment"),
        ("https://me:secret@host/v1", "openai", "has a user name beside api_key_env"),
        ("https://host/v1/chat/completions", "openai", "ends with /chat/completions, which type 'openai' adds itself"),
        ("https://host/v1/chat/completions?a=b", "openai", "ends with /chat/completions"),
        ("https://api.anthropic.com/v1/", "anthropic", "ends with /v1,"),
        ("http://127.0.0.1:11434/v1", "ollama", "ends with /v1,"),
    ],
)
def test_an_address_that_cannot_be_used_is_told_without_being_quoted(base_url: str, type: str, problem: str) -> None:
    told = address_problem(base_url, type, with_key=True)
    assert told is not None and told.startswith(problem) and "secret" not in told
