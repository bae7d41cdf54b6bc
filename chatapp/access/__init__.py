"""Who asks, and how a request tells. One module for each way to be known: a browser's cookie, a
key, a proxy's word, a company's login.
"""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import msgspec
from werkzeug import Response
from werkzeug.datastructures import Headers

from chatapp.storage import Role, Share

__all__ = [
    "Authenticator",
    "Caller",
    "KnowsBrowsers",
    "Role",
    "Sender",
    "Share",
    "Shares",
    "SignsInByKey",
    "SignsOut",
    "Tickets",
]


class Caller(msgspec.Struct, frozen=True):
    """`owner` owns what the request creates and sees; `trace_id` ties together what it causes. An
    admin sees how the server does and what all owners used, but nothing that others own.

    `credential` is the id of the key, session or link by which the caller is known; once it ends,
    so do the streams. Empty: it cannot end.
    """

    owner: str
    trace_id: str
    role: Role = "user"
    credential: str = ""

    @property
    def is_admin(self) -> bool:
        return self.role == "admin"


class Sender(msgspec.Struct, frozen=True):
    """What a request tells of its sender. `peer` is the address that the connection comes from,
    empty if it comes by a Unix socket; `secure`: by TLS, here or at a trusted proxy."""

    headers: Headers
    cookies: Mapping[str, str]
    peer: str | None
    secure: bool
    trace_id: str

    def __repr__(self) -> str:
        """Without the headers and cookies, which hold keys."""
        return f"Sender(peer={self.peer!r}, trace_id={self.trace_id!r})"


class Authenticator(Protocol):
    def caller(self, sender: Sender) -> Caller:
        """The caller of a request. Raises Unauthorized, Forbidden, DatabaseUnavailable."""
        ...


@runtime_checkable
class KnowsBrowsers(Protocol):
    """An authenticator without login that tells browsers apart."""

    def visitor(self, caller: Caller) -> Caller:
        """The caller as the page knows it: a browser's first visit gets an owner of its own."""
        ...

    def remember(self, caller: Caller, response: Response, secure: bool) -> None:
        """Give the browser what lets it be known again."""
        ...


@runtime_checkable
class SignsOut(Protocol):
    """An authenticator whose browsers have sessions."""

    def sign_out(self, sender: Sender, response: Response) -> None:
        """End the browser's session, here and in the browser."""
        ...


@runtime_checkable
class SignsInByKey(SignsOut, Protocol):
    """An authenticator whose page asks for a key."""

    def sign_in(self, key: str, sender: Sender, response: Response) -> None:
        """Begin a session. Raises Unauthorized."""
        ...


@runtime_checkable
class SignsInElsewhere(SignsOut, Protocol):
    """An authenticator whose browsers sign in at a provider."""

    def leave_for_login(self, return_url: str) -> Response:
        """Send the browser to the provider, which sends it to `return_url`. Raises
        LoginUnavailable."""
        ...

    def come_back(self, sender: Sender, response: Response) -> None:
        """Begin a session for the person whom the provider names. Raises Unauthorized, Forbidden,
        LoginUnavailable."""
        ...


class Tickets(Protocol):
    """Let the bearer of an address be somebody for one request."""

    @property
    def lasts_s(self) -> float:
        """For how long a ticket is good."""
        ...

    def issue(self, caller: Caller, path: str) -> str:
        """A ticket for one GET of the path. Raises DatabaseUnavailable."""
        ...

    def redeem(self, token: str, path: str, trace_id: str) -> Caller | None:
        """Who issued it, once; None if it was used, has expired, or is for another path. Raises
        DatabaseUnavailable."""
        ...


class Shares(Protocol):
    """Read-only links to answers and conversations. All raise DatabaseUnavailable."""

    def share(self, owner: str, *, conversation_id: str | None = None, message_id: str | None = None) -> str:
        """The token of the link to one of the two, always the same until it is taken back. Whether
        the owner owns it is checked before."""
        ...

    def find(self, token: str) -> Share:
        """Raises NotFound."""
        ...

    def take_back(self, owner: str, *, conversation_id: str | None = None, message_id: str | None = None) -> bool:
        """False if there is no link."""
        ...

    def token(self, owner: str, *, conversation_id: str | None = None, message_id: str | None = None) -> str | None:
        """Of the link that there is; None if there is none."""
        ...
