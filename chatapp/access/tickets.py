"""Tickets: an EventSource of another origin can send neither a key nor, often, a cookie, but it can
ask for an address that holds one.

An address is seen by proxies and kept in their logs, so a ticket opens one path, once, and soon.
"""

import time

from chatapp.access import Caller
from chatapp.access.tokens import hash_of, new_token
from chatapp.storage.tickets import StoredTickets


class TicketOffice:
    """`Tickets` over a table. A ticket is good for `lasts_s` seconds."""

    def __init__(self, stored: StoredTickets, lasts_s: float) -> None:
        self.lasts_s = lasts_s
        self._stored = stored

    def issue(self, caller: Caller, path: str) -> str:
        token = new_token()
        expires = time.time() + self.lasts_s
        self._stored.create(hash_of(token), caller.owner, caller.role, caller.credential, path, expires)
        return token

    def redeem(self, token: str, path: str, trace_id: str) -> Caller | None:
        ticket = self._stored.take(hash_of(token), path)
        return Caller(ticket.owner, trace_id, ticket.role, ticket.credential) if ticket else None
