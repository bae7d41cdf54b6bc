import socket

import pytest

from chatapp.errors import ConfigError
from chatapp.ops.address import Address, address, check_free, workers


def test_without_variables_it_is_loopback_on_8000_with_one_worker() -> None:
    assert str(address({})) == str(address({"HOST": "", "PORT": ""})) == "127.0.0.1:8000"
    assert workers({}) == 1


def test_an_ipv6_address_has_brackets_where_urls_have_them() -> None:
    assert str(address({"HOST": "::1"})) == str(address({"HOST": "[::1]"})) == "[::1]:8000"


@pytest.mark.parametrize("port", ["abc", "99999999", "65536", "-1", "8.5", "0x50", "٨٠", "8000 9000", "9" * 400])
def test_a_bad_port_is_named_with_what_would_do(port: str) -> None:
    with pytest.raises(ConfigError, match="^PORT: expected a number from 0 to 65535, got "):
        address({"PORT": port})


@pytest.mark.parametrize("count", ["abc", "0", "-2", "1.5", "99999"])
def test_a_bad_number_of_workers_is_named(count: str) -> None:
    with pytest.raises(ConfigError, match="^WEB_CONCURRENCY: expected a number from 1"):
        workers({"WEB_CONCURRENCY": count})


@pytest.mark.parametrize("host", ["http://here", "a b", "127.0.0.1:9000", "here\n", "/run/x.sock", "[]"])
def test_a_bad_host_is_named(host: str) -> None:
    with pytest.raises(ConfigError, match="^HOST: "):
        check_free(address({"HOST": host.rstrip("\n") + ("\x00" if host.endswith("\n") else "")}))


@pytest.mark.parametrize("host", ["999.1.1.1", "192.0.2.1", "no-such-host.invalid", "a" * 300])
def test_a_host_that_is_not_this_machine_is_named(host: str) -> None:
    with pytest.raises(ConfigError, match="^HOST: .* is not an address of this machine"):
        check_free(Address(host, 0))


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"^PORT: {port} is in use"):
            check_free(Address("127.0.0.1", port))
    check_free(Address("127.0.0.1", port))
