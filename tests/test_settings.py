"""A typo in the configuration stops the start and names the key."""

from pathlib import Path

import pytest

from chatapp.errors import ConfigError
from chatapp.settings import HELP, Settings
from chatapp.settings.loading import load


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_configuration_there_are_defaults() -> None:
    assert load({}) == Settings()


def test_a_variable_wins_over_the_file(empty_folder: Path) -> None:
    (empty_folder / "chatapp.toml").write_text('heartbeat_s = 3\ndata = "here"\n')
    settings = load({"CHATAPP_HEARTBEAT_S": "4.5", "CHATAPP_TRUSTED_HOSTS": "a.example, b.example", "HOME": "/"})
    assert (settings.heartbeat_s, settings.data) == (4.5, Path("here"))
    assert settings.trusted_hosts == ("a.example", "b.example")


def test_the_file_can_stand_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    path.write_text('[providers.near]\ntype = "openai"\nbase_url = "http://127.0.0.1:9/v1"\nmodels = ["m"]\n')
    settings = load({"CHATAPP_CONFIG": str(path)})
    assert settings.providers["near"].models == ("m",)


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"CHATAPP_HARTBEAT_S": "1"}, "CHATAPP_HARTBEAT_S: unknown setting"),
        ({"CHATAPP_HEARTBEAT_S": "soon"}, "CHATAPP_HEARTBEAT_S"),
        ({"CHATAPP_HEARTBEAT_S": "0"}, "CHATAPP_HEARTBEAT_S"),
        ({"CHATAPP_LOG_SYNCHRONOUS": "OFF"}, "CHATAPP_LOG_SYNCHRONOUS"),
        ({"CHATAPP_PROVIDERS": "x"}, r"CHATAPP_PROVIDERS: .*\[providers.NAME\] tables"),
        ({"CHATAPP_CONFIG": "missing.toml"}, "missing.toml"),
    ],
)
def test_a_bad_variable_is_named(environ: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        load(environ)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("heartbeat = 1", "heartbeat"),
        ("heartbeat_s = 'x'", "chatapp.toml: heartbeat_s: Expected `float`"),
        ("data = 3", "data"),
        ("heartbeat_s = ", "chatapp.toml"),
        ("[providers.near]\ntype = 'carrier-pigeon'", "providers.near.*carrier-pigeon"),
        ("[providers.near]\ntype = 'openai'\nurl = 'x'", "providers.near.*url"),
        ("[providers.near]\nmodels = []", "providers.near.*type"),
        ("[providers.near]\ntype = 'openai'\nmodels = [1]", r"chatapp.toml: providers.near: models\[0\]: Expected"),
        ("[mcp_servers.time]\ncomand = 'x'", "mcp_servers.time.*comand"),
        ("[mcp_servers.time]\ncommand = 'x'\nurl = 'y'", "mcp_servers.time.*either command or url"),
        ("[mcp_servers.time]\nargs = []", "mcp_servers.time.*either command or url"),
        ("[agents.mine]\nfactory = 'module'", "agents.mine"),
    ],
)
def test_a_bad_file_is_named_with_its_key(empty_folder: Path, text: str, named: str) -> None:
    (empty_folder / "chatapp.toml").write_text(text)
    with pytest.raises(ConfigError, match=named) as caught:
        load({})
    assert "chatapp.toml" in caught.value.message


def test_every_setting_has_its_help() -> None:
    assert list(HELP) == list(Settings.__struct_fields__)
    assert all(HELP.values())


def test_a_key_never_shows() -> None:
    assert "geheim" not in repr(load({"CHATAPP_SECRET_KEY": "geheim"}))
