"""Where the server listens, and with how many workers: HOST, PORT and WEB_CONCURRENCY.

The command and gunicorn's configuration read them here, so that a wrong one ends either of them
with one line instead of a traceback.
"""

import errno
import ipaddress
import socket
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from chatapp.errors import ConfigError
from chatapp.settings import Settings

MAX_PORT = 65_535
MAX_WORKERS = 1024  # a typo of three digits too many must not fork the machine to death


class Address(NamedTuple):
    """`host` has no brackets; port 0 is any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        """`host:port`, with an IPv6 address in brackets, as in URLs and as gunicorn reads it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def address(environ: Mapping[str, str]) -> Address:
    """From HOST (127.0.0.1) and PORT (8000). Raises ConfigError."""
    host = environ.get("HOST", "").strip() or "127.0.0.1"
    name = host.removeprefix("[").removesuffix("]")
    if name.count(":") == 1:
        raise ConfigError(f"HOST: {host!r} has a port; write it as PORT")
    if not name or "/" in name or any(char.isspace() or not char.isprintable() for char in name):
        raise ConfigError(f"HOST: {host!r} is no address; expected one of this machine, such as 127.0.0.1")
    return Address(name, _count("PORT", environ, 8000, 0, MAX_PORT))


def places(environ: Mapping[str, str], settings: Settings) -> list[Address]:
    """Where the server listens: for everybody, and for its figures alone. Raises ConfigError."""
    place, port = address(environ), settings.metrics_port
    if port and port == place.port:
        raise ConfigError(f"metrics_port: {port} is PORT too; choose another one, or 0 for none")
    return [place, *([Address(settings.metrics_host, port)] if port else [])]


def workers(environ: Mapping[str, str]) -> int:
    """From WEB_CONCURRENCY (1). Raises ConfigError."""
    return _count("WEB_CONCURRENCY", environ, 1, 1, MAX_WORKERS)


def refuse_public(hosts: Iterable[str], auth: str) -> bool:
    """Whether one of the hosts can be reached from elsewhere. Raises ConfigError if so, and anybody
    could come in."""
    public = [host for host in hosts if not _is_loopback(host)]
    if public and auth == "none":
        raise ConfigError(
            f"HOST: {public[0]} is not a loopback address, and without a login (auth: none) anyone on "
            "the network could use the server. Set CHATAPP_AUTH: docs/guides/sign-in.md."
        )
    return bool(public)


def check_free(place: Address) -> None:
    """Raise ConfigError if nothing can listen there now."""
    try:
        family, kind, protocol, _, name = socket.getaddrinfo(*place, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as gunicorn does
            probe.bind(name)
    except (OSError, UnicodeError) as error:
        raise ConfigError(_problem(place, error)) from None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _problem(place: Address, error: OSError | UnicodeError) -> str:
    code = error.errno if isinstance(error, OSError) and not isinstance(error, socket.gaierror) else None
    if code == errno.EADDRINUSE:
        return f"PORT: {place.port} is in use on {place.host}; stop what listens there, or choose another PORT"
    if code in (errno.EACCES, errno.EPERM):
        return f"PORT: {place.port} may not be used by this user; choose a PORT from 1024"
    return f"HOST: {place.host!r} is not an address of this machine; expected one such as 127.0.0.1"


def _count(name: str, environ: Mapping[str, str], default: int, least: int, most: int) -> int:
    text = environ.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and least <= int(text) <= most):
        raise ConfigError(f"{name}: expected a number from {least} to {most}, got {text!r}")
    return int(text)
