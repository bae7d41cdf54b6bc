"""A proxy is believed by its address; nobody else is."""

from collections.abc import Callable

import pytest

from chatapp.access import Sender
from chatapp.access.proxy import GroupRoles, ProxyAuthenticator, trusted_networks
from chatapp.errors import ConfigError, Forbidden, Unauthorized

Make = Callable[..., Sender]
NETWORKS = trusted_networks(["10.0.0.0/8", "fd00::1"])


def authenticator(users: tuple[str, ...] = (), admins: tuple[str, ...] = ("ops",)) -> ProxyAuthenticator:
    return ProxyAuthenticator(NETWORKS, "X-User", "X-Groups", GroupRoles(users, admins))


@pytest.mark.parametrize("peer", ["10.1.2.3", "::ffff:10.1.2.3", "fd00::1", ""])
def test_a_trusted_proxy_is_believed_also_over_a_unix_socket(sender: Make, peer: str) -> None:
    caller = authenticator().caller(sender({"X-User": "bob", "X-Groups": "staff, ops"}, peer=peer))
    assert (caller.owner, caller.role, caller.credential) == ("bob", "admin", "")


@pytest.mark.parametrize("peer", ["127.0.0.1", "11.0.0.1", "fd00::2", "::1", None, "nonsense"])
def test_from_anywhere_else_the_headers_count_for_nothing(sender: Make, peer: str | None) -> None:
    with pytest.raises(Unauthorized, match="trusted proxy"):
        authenticator().caller(sender({"X-User": "bob"}, peer=peer))


@pytest.mark.parametrize("user", ["", " ", "bob,eve", "x" * 256, "a\x00b", "\xff"])
def test_no_user_or_two_are_refused(sender: Make, user: str) -> None:
    with pytest.raises(Unauthorized, match="X-User"):
        authenticator().caller(sender({"X-User": user}, peer="10.0.0.1"))


def test_names_are_utf_8(sender: Make) -> None:
    header = "jürgen".encode().decode("latin-1")
    assert authenticator().caller(sender({"X-User": header}, peer="10.0.0.1")).owner == "jürgen"


def test_groups_say_who_may_come_in_and_who_is_an_admin(sender: Make) -> None:
    def role(groups: str) -> str:
        return authenticator(users=("chat",)).caller(sender({"X-User": "b", "X-Groups": groups}, peer="10.0.0.1")).role

    assert role("chat") == "user" and role("chat,ops") == "admin" and role("ops") == "admin"
    for groups in ("", "Chat", "chatters"):
        with pytest.raises(Forbidden):
            role(groups)


@pytest.mark.parametrize("name", ["proxy.example", "10.0.0.1/8", "*", ""])
def test_what_is_no_network_stops_the_start(name: str) -> None:
    with pytest.raises(ConfigError, match="trusted_proxies"):
        trusted_networks([name])
