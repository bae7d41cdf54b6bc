"""A value that nobody may see: an API key, the key that signs cookies."""


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
