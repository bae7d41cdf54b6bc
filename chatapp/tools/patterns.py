"""JSON schema's patterns with an end to what they may cost. Pure.

A pattern comes from a server, the text that it is matched with from a model, and Python's own
engine takes exponential time for some (`^(a+)+$`) while the whole process waits. Here a match has a
time limit. What it does not decide in time counts as valid: the tool checks its arguments again.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import jsonschema
import regex
from jsonschema.exceptions import ValidationError

_extend: Any = jsonschema.validators.extend

MATCH_S = 0.004  # of a hub that should turn every 5 ms
MATCHES = 100  # of one call: so many arguments have a pattern, or names that must match one
PATTERN_CHARS = 1000


class Patterns:
    """The patterns of one check."""

    def __init__(self) -> None:
        self._left = MATCHES

    def validator(self, dialect: Any) -> Any:
        """The class of validators for this dialect that matches here."""
        own = dialect.VALIDATORS.get("additionalProperties")

        def additional(validator: Any, rule: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
            if "patternProperties" in schema:
                yield from self._additional(validator, rule, instance, schema)
            elif own is not None:
                yield from own(validator, rule, instance, schema)

        checks = {
            "pattern": self._pattern,
            "patternProperties": self._properties,
            "additionalProperties": additional,
            "unevaluatedProperties": _unchecked,  # matches patterns of other schemas, too
        }
        return _extend(dialect, checks)

    def _pattern(self, validator: Any, pattern: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
        if validator.is_type(instance, "string") and not self._matches(pattern, instance):
            yield ValidationError(f"{instance[:200]!r} does not match {pattern!r}")

    def _properties(self, validator: Any, rules: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
        if validator.is_type(instance, "object"):
            for pattern, rule in rules.items():
                for name, value in instance.items():
                    if self._matches(pattern, name):
                        yield from validator.descend(value, rule, path=name, schema_path=pattern)

    def _additional(
        self, validator: Any, rule: Any, instance: Any, schema: Mapping[str, Any]
    ) -> Iterator[ValidationError]:
        if not validator.is_type(instance, "object"):
            return
        known, patterns = schema.get("properties", {}), schema["patternProperties"]
        for name in instance:
            if name in known or any(self._matches(pattern, name) for pattern in patterns):
                continue
            if rule is False:
                yield ValidationError(f"Additional properties are not allowed ({name[:200]!r} was unexpected)")
            elif validator.is_type(rule, "object"):
                yield from validator.descend(instance[name], rule, path=name)

    def _matches(self, pattern: str, text: str) -> bool:
        self._left -= 1
        compiled = _compiled(pattern) if len(pattern) <= PATTERN_CHARS else None
        if compiled is None or self._left < 0:
            return True
        try:
            return compiled.search(text, timeout=MATCH_S) is not None
        except TimeoutError:
            self._left = 0  # the others of this call would cost as much
            return True


@lru_cache(maxsize=500)
def _compiled(pattern: str) -> Any:
    """None if it is no pattern."""
    try:
        return regex.compile(pattern)
    except (regex.error, RecursionError, OverflowError):
        return None


def _unchecked(*_: Any) -> Iterator[ValidationError]:
    yield from ()
