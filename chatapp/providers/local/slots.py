"""Whether llama.cpp would let a further reply wait for its turn: each slot makes one at a time."""

import msgspec

from chatapp.cancel import CancelScope
from chatapp.errors import UpstreamError
from chatapp.wire.upstream import Transport, UpstreamRequest

LOOK_S = 1.0
"""It tells between two steps of its model, which take some ms; a reply is not held up for
longer."""


class Slot(msgspec.Struct, frozen=True):
    is_processing: bool


_slots = msgspec.json.Decoder(list[Slot])


def all_at_work(transport: Transport, base_url: str, scope: CancelScope) -> bool:
    """Ask the server. False if it does not tell: the wait is then one for the model, as any
    other."""
    request = UpstreamRequest(f"{base_url.removesuffix('/v1')}/slots", None, {})
    try:
        with transport.open(request, scope, "local", LOOK_S) as response:
            slots = _slots.decode(b"".join(response.body()))
    except (UpstreamError, msgspec.DecodeError):
        return False
    return bool(slots) and all(slot.is_processing for slot in slots)
