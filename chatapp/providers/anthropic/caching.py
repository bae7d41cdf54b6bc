"""Marks what Anthropic is to keep of a request, so that the next one that begins alike costs less.
Pure.

The marks stand behind what comes again: the tools, the system prompt, and the last block, which
Anthropic marks itself. Source: https://platform.claude.com/docs/en/build-with-claude/prompt-caching
"""

from chatapp.providers.thinking import Fields


def with_marks(body: Fields, ttl: str) -> Fields:
    """The body with marks. A tool that a client described as Anthropic's own has none."""
    mark: Fields = {"type": "ephemeral", "ttl": ttl}
    marked: Fields = {"cache_control": mark}
    if system := body.get("system"):
        marked["system"] = [{"type": "text", "text": system, "cache_control": mark}]
    tools = body.get("tools")
    if isinstance(tools, list) and "input_schema" in tools[-1]:
        marked["tools"] = [*tools[:-1], {**tools[-1], "cache_control": mark}]
    return body | marked
