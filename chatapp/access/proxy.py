"""A proxy signs people in and says in headers who asks. It is believed by its address alone.

A Unix socket has no address: a process that may open it is the proxy, and the folder's permissions
say which ones may. Anybody else's headers count for nothing.
"""

import ipaddress
from collections.abc import Collection, Iterable
from typing import TypeAlias

from chatapp.access import Caller, Role, Sender
from chatapp.access.names import is_owner
from chatapp.errors import ConfigError, Forbidden, Unauthorized

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


class ProxyAuthenticator:
    """An `Authenticator`. `user_header` and `groups_header` are those that the proxy sets."""

    def __init__(self, proxies: Collection[Network], user_header: str, groups_header: str, roles: "GroupRoles") -> None:
        self._proxies = proxies
        self._user_header = user_header
        self._groups_header = groups_header
        self._roles = roles

    def caller(self, sender: Sender) -> Caller:
        if not is_trusted(sender.peer, self._proxies):
            raise Unauthorized("the request did not come from a trusted proxy (setting trusted_proxies)")
        user = _text(sender.headers.get(self._user_header, ""))
        if not is_owner(user):
            raise Unauthorized(f"{self._user_header}: the proxy named no user, or more than one")
        groups = _text(sender.headers.get(self._groups_header, "")).split(",")
        return Caller(user, sender.trace_id, self._roles.role([group.strip() for group in groups]))


class GroupRoles:
    """`users`: the groups whose members may come in, all if there are none; `admins`: those whose
    members are admins."""

    def __init__(self, users: Collection[str], admins: Collection[str]) -> None:
        self._users = frozenset(users)
        self._admins = frozenset(admins)

    def role(self, groups: Iterable[str]) -> Role:
        """Raises Forbidden."""
        mine = frozenset(groups)
        if mine & self._admins:
            return "admin"
        if self._users and not mine & self._users:
            raise Forbidden("your account is in none of the groups that may use this server")
        return "user"


def trusted_networks(names: Iterable[str]) -> list[Network]:
    """Raises ConfigError."""
    try:
        return [ipaddress.ip_network(name) for name in names]
    except ValueError as error:
        raise ConfigError(
            f"trusted_proxies: {error}; expected addresses or networks such as 10.0.0.0/8, by commas"
        ) from None


def is_trusted(peer: str | None, networks: Collection[Network]) -> bool:
    if peer is None:
        return False
    if not peer:  # a Unix socket
        return True
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in networks)


def _text(header: str) -> str:
    """WSGI gives bytes as Latin-1; names are UTF-8. Empty if they are not."""
    try:
        return header.encode("latin-1").decode("utf-8").strip()
    except UnicodeError:
        return ""
