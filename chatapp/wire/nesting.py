"""How deeply a JSON value may be nested, to be let into a log. Pure.

Encoders and decoders follow a value recursively: one that could just be read cannot be written again inside a frame or
a message, and a log that holds it can then never be shown.
"""

MAX_LEVELS = 100  # a tenth of what the encoders follow; what people and models write has a dozen


def too_deep(value: object) -> bool:
    """Whether lists and objects stand more than MAX_LEVELS deep in each other."""
    containers = [value] if isinstance(value, list | dict) else []
    for _ in range(MAX_LEVELS):
        held = (inner for outer in containers for inner in (outer.values() if isinstance(outer, dict) else outer))
        containers = [inner for inner in held if isinstance(inner, list | dict)]
    return bool(containers)
