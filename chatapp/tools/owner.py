"""For whom a tool works: the owner of the run that calls it."""

from contextvars import ContextVar

_owner: ContextVar[str] = ContextVar("owner", default="")


def current_owner() -> str:
    """Who owns the run that calls this tool: the user's name, as the login tells it. Empty outside
    of a call."""
    return _owner.get()


def work_for(owner: str) -> None:
    """In the greenlet of one call: from now on this is the current owner."""
    _owner.set(owner)
