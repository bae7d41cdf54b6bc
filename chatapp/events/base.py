"""What every event is."""

import msgspec


class Event(msgspec.Struct, frozen=True, gc=False, tag_field="event", omit_defaults=True):
    """The base of every event. Its tag is the event's public name.

    The collector of cycles need not look at events: their values are JSON, which has none.
    """
