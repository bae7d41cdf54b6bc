"""A value that nobody may see: an API key, the key that signs cookies."""

import re

SHORT_NAME_CHARS = 12  # a word in capitals; a key is longer
_name_of_variable = re.compile(r"[A-Z][A-Z0-9_]{0,63}").fullmatch


def shown_variable(name: str) -> str:
    """The name of an environment variable, for an error message. One that does not look like a name
    may be the key itself, written in the wrong place."""
    is_name = _name_of_variable(name) and ("_" in name or len(name) <= SHORT_NAME_CHARS)
    return name if is_name else f"{name[:3]}… (not shown whole: it looks like a key, not like a name)"


class Secret:
    """Hides its value in texts of it; `reveal` returns the value. Falsy if empty."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret(…)" if self._value else "Secret('')"

    def __str__(self) -> str:
        return "…" if self._value else ""

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)
