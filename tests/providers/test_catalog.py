"""Which providers there are, from the settings and from the keys in the environment."""

from pathlib import Path

import pytest

from chatapp.cancel import CancelScope
from chatapp.chat import Chat, Message
from chatapp.errors import ConfigError
from chatapp.providers import Finished
from chatapp.providers.catalog import ProviderCatalog
from chatapp.settings import ProviderConfig, Settings

CHAT = Chat(model="reply", messages=[Message("user", "hi")])
BODY = b'{"type":"message","content":[{"type":"text","text":"one"}],"stop_reason":"end_turn"}'


@pytest.fixture
def reply(tmp_path: Path) -> Path:
    path = tmp_path / "reply.json"
    path.write_bytes(BODY)
    return path


def providers(tmp_path: Path, **config: object) -> ProviderCatalog:
    settings = Settings(data=tmp_path, providers={"recorded": ProviderConfig(type="replay", **config)})
    return ProviderCatalog(settings, {})


def test_a_configured_replay_answers_under_the_files_name(tmp_path, reply):
    chosen = providers(tmp_path, path=reply, protocol="anthropic", interval_s=0.0)
    provider = chosen.by_name["recorded"]

    assert list(provider.models()) == ["reply"]
    assert isinstance(list(provider.stream(CHAT, CancelScope()))[-1], Finished)
    chosen.close()


@pytest.mark.parametrize(
    ("config", "named"),
    [({}, "path and protocol"), ({"path": Path("missing.sse"), "protocol": "anthropic"}, "missing.sse")],
)
def test_a_replay_without_its_file_stops_the_start(tmp_path, config, named):
    with pytest.raises(ConfigError, match=named):
        providers(tmp_path, **config)


def test_only_a_replay_has_a_file(tmp_path, reply):
    config = ProviderConfig(type="openai", path=reply)
    with pytest.raises(ConfigError, match="providers.near: path"):
        ProviderCatalog(Settings(data=tmp_path, providers={"near": config}), {})


def test_providers_are_found_by_their_keys(tmp_path):
    environ = {"ANTHROPIC_API_KEY": "a", "GEMINI_API_KEY": "g", "GOOGLE_API_KEY": "other", "MOONSHOT_API_KEY": "m"}
    found = ProviderCatalog(Settings(data=tmp_path), environ).by_name
    assert {"anthropic", "gemini", "moonshot", "ollama", "mock"} <= set(found)
    assert "openai" not in found
