"""The log of many machines, in Redis Streams; `log.py` has the parts in a picture."""

SCHEMES = ("redis://", "rediss://", "unix://")
"""Of its addresses."""
