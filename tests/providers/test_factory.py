"""From a configuration to a provider; a configuration that cannot work names its field."""

from pathlib import Path

import pytest

from chatapp.cancel import CancelScope
from chatapp.chat import Chat, Message
from chatapp.errors import ConfigError, UpstreamError
from chatapp.events import TextDelta
from chatapp.providers import Finished
from chatapp.providers.factory import ADAPTERS, ProviderFactory
from chatapp.settings import Settings
from chatapp.settings.tables import ProviderConfig

CHAT = Chat(model="reply", messages=[Message("user", "hi")])
BODY = b'{"type":"message","content":[{"type":"text","text":"one"}],"stop_reason":"end_turn"}'


@pytest.fixture
def reply(tmp_path: Path) -> Path:
    path = tmp_path / "reply.json"
    path.write_bytes(BODY)
    return path


@pytest.fixture
def candidate(tmp_path):
    """Makes a candidate named `mine` and closes its factory."""
    made = []

    def candidate(environ=(), settings=None, **config):
        made.append(ProviderFactory(settings or Settings(data=tmp_path)))
        return made[-1].candidate("mine", ProviderConfig(**config), dict(environ))

    yield candidate
    for factory in made:
        factory.close()


def test_a_replay_answers_under_the_files_name(candidate, reply):
    provider = candidate(type="replay", path=reply, protocol="anthropic", interval_s=0.0).provider

    assert list(provider.models()) == ["reply"]
    assert list(provider.stream(CHAT, CancelScope()))[-1] == Finished("stop")


def test_the_limits_of_the_settings_bound_what_is_read(candidate, reply):
    reply.write_bytes(b"data: " + b"x" * 3000 + b"\n\n")
    settings = Settings(data=reply.parent, max_line_bytes=2000)
    provider = candidate(settings=settings, type="replay", path=reply, protocol="openai", interval_s=0.0).provider

    with pytest.raises(UpstreamError, match="2000 bytes"):
        list(provider.stream(CHAT, CancelScope()))


def test_a_mock_speaks_at_the_configured_pace(candidate):
    provider = candidate(type="mock", interval_s=0.0).provider
    assert any(isinstance(item, TextDelta) for item in provider.stream(CHAT, CancelScope()))


@pytest.mark.parametrize("protocol", ADAPTERS)
def test_each_protocol_has_an_adapter_with_an_address_of_its_own(candidate, protocol):
    provider = candidate(type=protocol, models=("m",)).provider
    assert type(provider) is ADAPTERS[protocol]
    assert provider.base_url.startswith("http") and list(provider.models()) == ["m"]


def test_ollamas_address_comes_from_its_variable_unless_it_is_configured(candidate):
    environ = {"OLLAMA_HOST": "box:1"}
    assert candidate(environ, type="ollama").provider.base_url == "http://box:1"
    assert candidate(environ, type="ollama", base_url="http://here").provider.base_url == "http://here"


def test_an_address_of_ollama_that_cannot_be_used_stops_the_start(candidate):
    with pytest.raises(ConfigError, match="^OLLAMA_HOST: not a valid URL"):
        candidate({"OLLAMA_HOST": "box:port"}, type="ollama")


def test_only_failures_that_nobody_asked_for_are_retried(candidate):
    assert candidate(type="mock").retries.times == 0
    assert candidate(type="local").retries.times == 0
    assert candidate(type="ollama").retries.times == Settings().upstream_retries


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"type": "replay"}, "providers.mine.path: missing; type 'replay' needs the file of a recorded body"),
        ({"type": "replay", "path": Path(__file__)}, "providers.mine.protocol: missing; available: openai, openai-"),
        (
            {"type": "replay", "path": Path("missing.sse"), "protocol": "anthropic"},
            "providers.mine.path: no such file: missing.sse",
        ),
        ({"type": "openai", "path": Path("x")}, "providers.mine.path: not used by type 'openai', only by 'replay'"),
        ({"type": "mock", "protocol": "openai"}, "providers.mine.protocol: not used by type 'mock', only by 'replay'"),
        (
            {"type": "openai", "interval_s": 1.0},
            "providers.mine.interval_s: not used by type 'openai', only by 'replay' and 'mock'",
        ),
        ({"type": "openai", "base_url": "http://[::1"}, "providers.mine.base_url: not a valid URL"),
        ({"type": "openai", "base_url": "host/v1"}, "providers.mine.base_url: expected http:// or https://"),
        (
            {"type": "openai", "api_key_env": "ACME_KEY"},
            "providers.mine.api_key_env: the environment variable ACME_KEY is not set",
        ),
    ],
)
def test_a_configuration_that_cannot_work_stops_the_start(candidate, config, message):
    with pytest.raises(ConfigError) as raised:
        candidate(**config)
    assert raised.value.message.startswith(message)
