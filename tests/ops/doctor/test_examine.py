"""Each finding is made by what is there, and has its fix."""

import time
from collections.abc import Callable, Iterable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gevent
import pytest
from gevent.pywsgi import WSGIServer

from chatapp.errors import ConfigError
from chatapp.ops.configuration import check_parts
from chatapp.ops.doctor import Finding, has_problem
from chatapp.ops.doctor.examine import examine
from chatapp.ops.doctor.machine import look_at_machine
from chatapp.ops.doctor.parts import look_at_parts
from chatapp.ops.doctor.providers import look_at_clock, look_at_providers
from chatapp.ops.doctor.stores import look_at_stores
from chatapp.settings import Settings
from chatapp.settings.loading import load
from chatapp.settings.tables import MCPServerConfig, ProviderConfig
from chatapp.storage.database import open_database

Provide = Callable[..., str]


@pytest.fixture
def provide() -> Iterator[Provide]:
    """Providers that answer a request for their models with a status and a body."""
    servers: list[WSGIServer] = []

    def provide(status: str = "200 OK", body: bytes = b'{"data": [{"id": "m"}]}', delay_s: float = 0.0) -> str:
        def answer(_environ: dict[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
            gevent.sleep(delay_s)
            start(status, [("Content-Type", "application/json")])
            return [body]

        server = WSGIServer(("127.0.0.1", 0), answer, log=None, error_log=None)
        server.start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/v1"

    yield provide
    for server in servers:
        server.stop(timeout=0)


def settings(data: Path = Path("nowhere"), **more: Any) -> Settings:
    return Settings(data=data, **more)


def one(url: str, **more: Any) -> Settings:
    return settings(providers={"mine": ProviderConfig(type="openai", base_url=url, **more)})


def about(findings: Iterable[Finding], word: str) -> Finding:
    """The one finding that says this word."""
    found = [finding for finding in findings if word in finding.says]
    assert len(found) == 1, found
    return found[0]


def assert_mendable(finding: Finding, *words: str) -> None:
    assert finding.state == "problem" and finding.fix
    assert all(word in finding.says + finding.fix for word in words), finding


def test_an_absent_key_is_named_once_with_its_variable() -> None:
    config = one("http://127.0.0.1:1/v1", api_key_env="MINE_KEY")
    findings = [*look_at_parts(config, {}), *look_at_providers(config, {})]
    assert_mendable(about(findings, "MINE_KEY"), "MINE_KEY", "mine")
    assert sum(finding.state == "problem" for finding in findings) == 1


def test_a_key_that_is_there_is_not_shown() -> None:
    findings = look_at_parts(
        one("http://h/v1", api_key_env="MINE_KEY"), {"MINE_KEY": "s3cret", "OPENAI_API_KEY": "s3cret"}
    )
    assert not [finding for finding in findings if "s3cret" in str(finding) or finding.state != "ok"]


def test_what_mcp_servers_agents_and_tools_lack_is_named() -> None:
    config = settings(
        mcp_servers={
            "far": MCPServerConfig(url="http://127.0.0.1:1", api_key_env="FAR_KEY"),
            "near": MCPServerConfig(command="no-such-command"),
        },
        tool_modules=("no_such_module",),
        default_agent="nobody",
        log_url="memory:",
    )
    findings = list(look_at_parts(config, {"WEB_CONCURRENCY": "2", "PORT": "abc"}))
    for word in ("FAR_KEY", "no-such-command", "no_such_module", "nobody", "memory:", "PORT"):
        assert_mendable(about(findings, word))


REFUSED = {
    "CHATAPP_AUTH": {"HOST": "0.0.0.0"},
    "request_rate": {"CHATAPP_REQUEST_RATE": "many"},
    "cors_origins": {"CHATAPP_CORS_ORIGINS": "https://chat.example/page"},
    "oidc_issuer": {"CHATAPP_AUTH": "oidc"},
    "trusted_proxies": {"CHATAPP_TRUSTED_PROXIES": "proxy.example"},
    "metrics_port": {"PORT": "18099", "CHATAPP_METRICS_PORT": "18099"},
}


@pytest.mark.parametrize("word", REFUSED)
def test_what_a_start_would_refuse_is_a_problem(tmp_path: Path, word: str) -> None:
    environ = {"PORT": "0", "CHATAPP_DATA": str(tmp_path), **REFUSED[word]}
    config = load(environ)
    assert_mendable(about(look_at_parts(config, environ), word))
    with pytest.raises(ConfigError, match=word):
        check_parts(config, environ)


def test_a_secret_key_with_which_anybody_could_sign_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "secret_key").touch()
    assert_mendable(about(look_at_parts(settings(tmp_path), {"PORT": "0"}), "secret_key"))


def test_a_port_that_something_else_has_is_a_problem(provide: Provide) -> None:
    port = str(urlsplit(provide()).port)
    assert_mendable(about(look_at_parts(settings(), {"PORT": port}), port))


def test_a_login_whose_provider_is_not_there_is_a_problem(closed_port: int) -> None:
    login = {"auth": "oidc", "oidc_issuer": f"http://127.0.0.1:{closed_port}", "oidc_client_id": "chatapp"}
    assert_mendable(about(look_at_parts(settings(**login), {"PORT": "0"}), "nothing listens"))


def test_a_provider_that_answers_is_well(provide: Provide) -> None:
    findings = look_at_providers(one(provide()), {})
    assert about(findings, "mine") == Finding("providers", "ok", "mine: answers; m")


@pytest.mark.parametrize("status", ["404 Not Found"])
def test_a_provider_need_not_list_its_models(provide: Provide, status: str) -> None:
    assert about(look_at_providers(one(provide(status), models=("m",)), {}), "mine").state == "ok"
    assert about(look_at_providers(one(provide(status)), {}), "mine").state == "warning"


def test_a_refused_key_a_web_page_and_silence_are_problems(
    provide: Provide, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatapp.ops.doctor.providers.ANSWER_S", 0.2)
    assert_mendable(about(look_at_providers(one(provide("401 Unauthorized")), {}), "mine"), "key")
    assert_mendable(about(look_at_providers(one(provide(body=b"<html>")), {}), "mine"), "base URL")
    assert_mendable(about(look_at_providers(one(provide(delay_s=30)), {}), "mine"))
    assert_mendable(about(look_at_providers(one(f"http://127.0.0.1:{closed_port}"), {}), "mine"), "connect")


def test_providers_are_asked_side_by_side(provide: Provide) -> None:
    url = provide(delay_s=0.3)
    many = settings(providers={f"p{n}": ProviderConfig(type="openai", base_url=url) for n in range(20)})
    began = time.monotonic()
    assert not has_problem(look_at_providers(many, {}))
    assert time.monotonic() - began < 20 * 0.3


def test_an_ollama_that_is_not_there_is_no_problem(closed_port: int) -> None:
    findings = look_at_providers(settings(), {"OLLAMA_HOST": f"127.0.0.1:{closed_port}"})
    assert about(findings, "ollama").state == "ok"
    configured = settings(
        providers={"ollama": ProviderConfig(type="ollama", base_url=f"http://127.0.0.1:{closed_port}")}
    )
    assert_mendable(about(look_at_providers(configured, {}), "ollama"))


def test_providers_that_do_not_fit_together_are_named(provide: Provide) -> None:
    assert_mendable(about(look_at_providers(one(provide(), fallback=("nobody",)), {}), "nobody"))
    assert_mendable(about(look_at_providers(settings(default_provider="nobody"), {}), "nobody"))


@pytest.mark.parametrize(("off_s", "state"), [(0, "ok"), (30, "ok"), (600, "problem"), (-600, "problem")])
def test_the_clock_is_compared_with_a_provider_elsewhere(
    monkeypatch: pytest.MonkeyPatch, off_s: int, state: str
) -> None:
    monkeypatch.setattr("chatapp.ops.doctor.providers.date_of", lambda *_: formatdate(time.time() + off_s))
    well = [Finding("providers", "ok", "mine: answers")]
    assert look_at_clock(one("https://elsewhere.example/v1"), {}, well).state == state
    assert "not compared" in look_at_clock(one("http://127.0.0.1:1"), {}, well).says


def test_before_the_first_start_nothing_is_there_and_nothing_is_made(tmp_path: Path) -> None:
    findings = list(look_at_stores(settings(tmp_path / "data"), {}))
    assert not [finding for finding in findings if finding.state != "ok"]
    assert not list(tmp_path.iterdir())


def test_the_stores_of_a_server_are_well(tmp_path: Path) -> None:
    open_database("", tmp_path).close()
    tmp_path.chmod(0o700)
    assert {finding.state for finding in look_at_stores(settings(tmp_path), {})} == {"ok"}


def test_a_damaged_database_and_one_of_another_version_are_problems(tmp_path: Path) -> None:
    database = open_database("", tmp_path)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    database.close()
    assert_mendable(about(look_at_stores(settings(tmp_path), {}), "0001"), "chatapp db upgrade")
    (tmp_path / "conversations.sqlite3").write_bytes(b"no database" * 1000)
    assert_mendable(about(look_at_stores(settings(tmp_path), {}), "not a database"), "chatapp db restore")
    (tmp_path / "log.sqlite3").write_bytes(b"no database" * 1000)
    assert_mendable(about(look_at_stores(settings(tmp_path), {}), "event log"), "log.sqlite3 away")


def test_a_folder_that_others_can_read_is_a_warning(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "secret_key").write_text("k3y")
    findings = [finding for finding in look_at_stores(settings(tmp_path), {}) if finding.state != "ok"]
    assert {finding.fix for finding in findings} == {f"chmod 700 {tmp_path}", f"chmod 600 {tmp_path / 'secret_key'}"}
    assert not has_problem(findings)


def test_data_that_is_no_folder_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert_mendable(next(iter(look_at_stores(settings(tmp_path / "file"), {}))))


def test_the_machine_is_looked_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (128, 1024))
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1 << 20})())
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1")
    findings = list(look_at_machine(settings(tmp_path), {}))
    assert_mendable(about(findings, "open files"), "LimitNOFILE")
    assert_mendable(about(findings, "are free"))
    assert_mendable(about(findings, "SOCKS"), "HTTPS_PROXY")
    assert about(findings, "worker before").state == "ok"  # gevent's patches


def test_a_bad_configuration_is_named_and_the_machine_looked_at_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatapp.ops.doctor.machine._patching", lambda: Finding("gevent", "ok", ""))
    findings = list(examine({"CHATAPP_HARTBEAT_S": "1"}))
    assert_mendable(findings[0], "CHATAPP_HARTBEAT_S")
    assert {finding.part for finding in findings} >= {"gevent", "limits"}


def test_the_whole_examination_has_every_part(
    tmp_path: Path, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatapp.ops.doctor.machine._patching", lambda: Finding("gevent", "ok", ""))
    environ = {"PORT": "0", "CHATAPP_DATA": str(tmp_path / "data"), "OLLAMA_HOST": f"127.0.0.1:{closed_port}"}
    findings = list(examine(environ))
    assert not has_problem(findings), findings
    parts = {"config", "providers", "clock", "data", "database", "log", "gevent", "disk", "limits"}
    assert parts <= {finding.part for finding in findings}
