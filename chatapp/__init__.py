"""chatapp: a streaming chat server. A reply is a log; every response is a reader of it.

Nothing is imported here, so that gunicorn's configuration can patch the standard library before
anything else loads. What a host application uses is imported when it is asked for.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatapp.extension import Chatapp
    from chatapp.tools.functions import tool
    from chatapp.tools.owner import current_owner

__all__ = ["Chatapp", "current_owner", "tool"]
__version__ = "0.1.0"

_PLACES = {"Chatapp": "chatapp.extension", "tool": "chatapp.tools.functions", "current_owner": "chatapp.tools.owner"}


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module 'chatapp' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_PLACES[name]), name)
