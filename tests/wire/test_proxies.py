"""Which proxy leads to a provider, and which variable to change if it cannot be used."""

import os

import pytest

from chatapp.errors import Unreachable
from chatapp.wire.proxies import proxies_for

FAR = "https://api.acme.test/v1"


@pytest.fixture(autouse=True)
def environ(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    return monkeypatch


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("proxy", ["http://box:3128", "https://box", "box:3128", "http://me:p%40ss@box:3128"])
def test_the_variables_of_requests_name_the_proxy(environ: pytest.MonkeyPatch, variable: str, proxy: str) -> None:
    environ.setenv(variable, proxy)
    proxies = proxies_for(FAR, "acme")
    assert proxies.variable == variable and proxy in proxies.by_scheme.values()


def test_the_schemes_own_variable_comes_before_that_for_all(environ: pytest.MonkeyPatch) -> None:
    environ.setenv("ALL_PROXY", "socks5://box")
    environ.setenv("HTTPS_PROXY", "http://box")
    assert proxies_for(FAR, "acme").variable == "HTTPS_PROXY"


@pytest.mark.parametrize(
    "url",
    ["http://localhost/v1", "http://app.localhost/", "http://127.0.0.1:1", "http://127.9.9.9", "http://[::1]:1/v1"],
)
def test_there_is_none_to_this_machine(environ: pytest.MonkeyPatch, url: str) -> None:
    environ.setenv("http_proxy", "socks5://box")
    assert proxies_for(url, "acme") == ({}, "")


@pytest.mark.parametrize("hosts", ["acme.test", ".acme.test", "other,api.acme.test", "*"])
def test_hosts_can_be_excepted(environ: pytest.MonkeyPatch, hosts: str) -> None:
    environ.setenv("HTTPS_PROXY", "socks5://box")
    environ.setenv("NO_PROXY", hosts)
    assert proxies_for(FAR, "acme").variable == ""


@pytest.mark.parametrize(
    ("proxy", "problem"),
    [
        ("socks5://me:secret@box:1080", "names a SOCKS proxy, which chatapp cannot use"),
        ("SOCKS5H://box", "names a SOCKS proxy, which chatapp cannot use"),
        ("socks4a://box", "names a SOCKS proxy, which chatapp cannot use"),
        ("http://", "is not a valid URL"),
        ("http://box:secret", "is not a valid URL"),
        ("http://[::1", "is not a valid URL"),
        ("ftp://box", "names a proxy of an unknown kind"),
    ],
)
def test_one_that_cannot_be_used_is_named_by_its_variable(
    environ: pytest.MonkeyPatch, proxy: str, problem: str
) -> None:
    environ.setenv("ALL_PROXY", proxy)
    with pytest.raises(Unreachable) as raised:
        proxies_for(FAR, "acme")
    assert raised.value.message.startswith(f"ALL_PROXY {problem}; to reach acme, name an HTTP proxy")
    assert "NO_PROXY" in raised.value.message and "secret" not in raised.value.message
