"""Only names that are ours are answered: a page elsewhere can point its own name at this machine (DNS rebinding).

Not by Flask's TRUSTED_HOSTS, which cannot name an IPv6 address.
"""

from collections.abc import Collection

from flask import Flask, request

from chatapp.errors import InvalidRequest


def install(app: Flask, trusted: Collection[str]) -> None:
    """`trusted` as in the Host header, without the port; `.example.com` stands for all names below it."""

    def refuse_other_names() -> None:
        host = without_port(request.headers.get("Host", ""))
        if not any(host == name or (name.startswith(".") and host.endswith(name)) for name in trusted):
            raise InvalidRequest(f"Host: {host!r} is no name of this server (setting trusted_hosts)")

    app.before_request(refuse_other_names)


def without_port(host: str) -> str:
    name, found, port = host.lower().rpartition(":")
    return name if found and port.isdecimal() else host.lower()
