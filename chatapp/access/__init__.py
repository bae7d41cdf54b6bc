"""Who asks, and how a request tells."""

from collections.abc import Mapping
from typing import Literal, Protocol, TypeAlias

import msgspec
from werkzeug import Response
from werkzeug.datastructures import Headers

Role: TypeAlias = Literal["user", "admin"]


class Caller(msgspec.Struct, frozen=True):
    """`owner` owns what the request creates and sees; `trace_id` ties together what it causes. An
    admin sees what all owners used."""

    owner: str
    trace_id: str
    role: Role = "user"

    @property
    def is_admin(self) -> bool:
        return self.role == "admin"


class Authenticator(Protocol):
    def caller(self, headers: Headers, cookies: Mapping[str, str], peer: str | None, trace_id: str) -> Caller:
        """The caller of a request. `peer` is the address that the connection comes from."""
        ...

    def visitor(self, caller: Caller) -> Caller:
        """The caller as the page knows it: a browser's first visit gets an owner of its own."""
        ...

    def remember(self, caller: Caller, response: Response, secure: bool) -> None:
        """Give the browser what lets it be known again. `secure`: it came over TLS."""
        ...
