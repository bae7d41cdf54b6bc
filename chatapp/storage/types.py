"""Text as both databases keep it. Postgres refuses the character NUL, which a model may well write;
there it is escaped, and nobody sees that."""

from typing import Any

from sqlalchemy import Dialect, String
from sqlalchemy.types import TypeDecorator

ESCAPE = "\ue0ff"  # of the private use area; where it occurs itself, it is escaped too
_ESCAPES = {ord("\0"): f"{ESCAPE}0", ord(ESCAPE): f"{ESCAPE}1"}


class Text(TypeDecorator[str]):
    """Any text, with NULs. Equality and order are those of the database's own text. What needs no
    escapes costs nothing: a list of messages has thousands of texts."""

    impl = String
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Any:
        return super().bind_processor(dialect) if _escapes_in(dialect) else None

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        return super().result_processor(dialect, coltype) if _escapes_in(dialect) else None

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value.translate(_ESCAPES) if value and ("\0" in value or ESCAPE in value) else value

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        if value and ESCAPE in value:
            return str(value).replace(f"{ESCAPE}0", "\0").replace(f"{ESCAPE}1", ESCAPE)
        return value  # type: ignore[no-any-return]


def _escapes_in(dialect: Dialect) -> bool:
    return dialect.name == "postgresql"
