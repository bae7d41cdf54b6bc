"""A value against a JSON schema, with a bound to what this may cost. Pure."""

from collections.abc import Mapping
from typing import Any

import jsonschema
from jsonschema.exceptions import SchemaError, UnknownType, ValidationError, best_match
from referencing import Registry
from referencing.exceptions import Unresolvable

from chatapp.tools.patterns import Patterns


def first_error(schema: Mapping[str, Any], value: Mapping[str, Any], formats: bool = False) -> ValidationError | None:
    """None if it is valid, and also if the schema is not."""
    dialect = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    checker = dialect.FORMAT_CHECKER if formats else None
    # The default registry fetches remote `$ref`s.
    validator = Patterns().validator(dialect)(schema, registry=Registry(), format_checker=checker)
    try:
        error: ValidationError | None = best_match(validator.iter_errors(value))
    except (SchemaError, UnknownType, Unresolvable, ValueError, TypeError, AttributeError, RecursionError):
        return None
    return error
