"""The configuration without its secrets, to be shown. Pure.

It hides the passwords in URLs, the values of an MCP server's environment, and whatever is named
like a key. A name of a variable that holds a key is no secret.
"""

import re
from typing import Any

import msgspec

from chatapp.secret import Secret
from chatapp.settings import Settings

HIDDEN = "…"
IN_URL = re.compile(r"(?<=://)([^/?#\s]*?):[^/?#\s]*@")
IN_PAIR = re.compile(r"(?i)([\w-]*(?:key|token|secret|passw(?:or)?d|pwd|sig(?:nature)?)[\w-]*=)[^&\s]+")
FLAG = re.compile(r"(?i)-.*(?:key|token|secret|passw(?:or)?d|pwd)$")


def shown_settings(settings: Settings) -> dict[str, Any]:
    """Every setting as JSON types, by name."""
    values = msgspec.to_builtins(settings, enc_hook=_as_text)
    return {name: _masked(name, value) for name, value in values.items()}


def masked_text(text: str) -> str:
    """The text without the passwords and keys that a URL in it carries."""
    return IN_PAIR.sub(rf"\g<1>{HIDDEN}", IN_URL.sub(rf"\g<1>:{HIDDEN}@", text))


def _masked(name: str, value: Any) -> Any:
    match value:
        case dict() if name == "env":
            return dict.fromkeys(value, HIDDEN)
        case dict():
            return {key: _masked(key, inner) for key, inner in value.items()}
        case list() | tuple():
            return _masked_list(list(value))
        case str():
            return masked_text(value)
        case _:
            return value


def _masked_list(values: list[Any]) -> list[Any]:
    """What follows `--api-key` among a command's arguments is one."""
    masked = [_masked("", value) for value in values]
    for place, value in enumerate(values[:-1]):
        if isinstance(value, str) and FLAG.match(value):
            masked[place + 1] = HIDDEN
    return masked


def _as_text(value: object) -> str:
    return HIDDEN if isinstance(value, Secret) and value else str(value)
