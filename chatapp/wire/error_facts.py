"""Which limit, and which number: what a provider's error says beyond its kind. Pure.

Numbers, units and names of request fields are taken out of it, each of a known shape, and put into
our own words. The provider's sentences are not passed on: they quote keys, accounts and prompts.
"""

import re

READ_CHARS = 8_192  # of an error; what is meant stands at its beginning
COUNT = r"([\d,_]{1,20})"

LIMITED = re.compile(
    r"(input tokens|output tokens|tokens|requests|images|characters)[ _-]{0,3}per[ _-]{0,3}(second|min(?:ute)?|hour|day|month)",
    re.IGNORECASE,
)
# OpenAI's, Groq's and Anthropic's short names; Google writes GenerateRequestsPerDayPerProject.
SHORT = re.compile(r"\b([IO]?TP|RP|IP)([MD])\b")
UNITS = {"ITP": "input tokens", "OTP": "output tokens", "TP": "tokens", "RP": "requests", "IP": "images"}
SPANS = {"M": "minute", "D": "day", "min": "minute"}
GOOGLE = re.compile(r"(InputTokens?|Requests?)\w{0,40}?Per(Minute|Day)", re.IGNORECASE)
FIGURES = (
    ("limit", re.compile(rf'\blimit"?(?: of)?:? {{0,2}}"?{COUNT}|"quotaValue": ?"{COUNT}"', re.IGNORECASE)),
    ("used", re.compile(rf"\bused:? {{0,2}}{COUNT}", re.IGNORECASE)),
    ("requested", re.compile(rf"\brequested:? {{0,2}}{COUNT}", re.IGNORECASE)),
)

# Each finds how many tokens there were, and how many there may be.
TOO_MANY = (
    re.compile(rf"too long: {COUNT} tokens > {COUNT}", re.IGNORECASE),
    re.compile(rf"token count \(?{COUNT}\)? exceeds.{{0,60}}?\(?{COUNT}\)?", re.IGNORECASE),
    re.compile(rf"\({COUNT} tokens\) exceeds.{{0,60}}?\({COUNT} tokens\)", re.IGNORECASE),
    re.compile(
        rf"(?P<most>maximum context length is {COUNT}) tokens.{{0,60}}?(?:requested|resulted in)(?: about)? {COUNT} tokens",
        re.IGNORECASE | re.DOTALL,
    ),
)
# vLLM's: how many there may be, and how many the request has; beside them, how many it wants.
INPUT = re.compile(
    rf"maximum context length is {COUNT} tokens.{{0,80}}?(?:request has|prompt contains at least) {COUNT} input tokens",
    re.IGNORECASE | re.DOTALL,
)
WANTED = re.compile(
    rf"tokens' is too large: {COUNT}|requested {COUNT} output tokens|plus {COUNT} 'max_tokens'", re.IGNORECASE
)
AT_MOST = re.compile(rf"maximum context length is {COUNT} tokens", re.IGNORECASE)

FIELD = re.compile(r'"(?:param|field)": ?"([a-z_]{2,40})|"message": ?"(?:\d+: )?([a-z_]{2,40})(?:\.[\w.]{0,40})?: ')
FIELDS = frozenset(
    [
        "contents",
        "frequency_penalty",
        "generationConfig",
        "input",
        "instructions",
        "logprobs",
        "max_completion_tokens",
        "max_output_tokens",
        "max_tokens",
        "messages",
        "metadata",
        "model",
        "options",
        "parallel_tool_calls",
        "presence_penalty",
        "reasoning",
        "reasoning_effort",
        "response_format",
        "seed",
        "stop",
        "stream",
        "stream_options",
        "system",
        "temperature",
        "text",
        "thinking",
        "tool_choice",
        "tools",
        "top_k",
        "top_p",
        "verbosity",
    ]
)


def which_limit(said: str) -> str:
    """As in `tokens per day, limit 100000, used 99336`; empty if the error does not tell."""
    said = said[:READ_CHARS]
    found = [f"{name} {_number(match)}" for name, shape in FIGURES if (match := shape.search(said))]
    return ", ".join(([unit] if (unit := _unit(said)) else []) + found)


def how_long(said: str) -> str:
    """As in `9000 tokens, at most 8192`, or with those for the answer; empty if the error does not
    tell."""
    said = said[:READ_CHARS]
    if match := INPUT.search(said):
        wanted = f" and {_number(found)} for the answer" if (found := WANTED.search(said)) else ""
        return f"{_plain(match[2])} tokens{wanted}, at most {_plain(match[1])}"
    for shape in TOO_MANY:
        if match := shape.search(said):
            first, second = (group for group in match.groups() if group and group.strip(",_0123456789") == "")
            there, most = (second, first) if "most" in match.groupdict() else (first, second)
            return f"{_plain(there)} tokens, at most {_plain(most)}"
    most_only = AT_MOST.search(said)
    return f"at most {_number(most_only)} tokens" if most_only else ""


def which_field(said: str) -> str:
    """As in `the field temperature`; empty if the error names none that a request of ours has."""
    match = FIELD.search(said[:READ_CHARS])
    name = (match[1] or match[2]) if match else ""
    return f"the field {name}" if name in FIELDS else ""


def _unit(said: str) -> str:
    if match := LIMITED.search(said):
        return f"{match[1].lower()} per {SPANS.get(match[2].lower(), match[2].lower())}"
    if match := SHORT.search(said):
        return f"{UNITS[match[1]]} per {SPANS[match[2]]}"
    if match := GOOGLE.search(said):
        return f"{'input tokens' if 'token' in match[1].lower() else 'requests'} per {match[2].lower()}"
    return ""


def _number(match: re.Match[str]) -> str:
    return _plain(next(group for group in match.groups() if group))


def _plain(count: str) -> str:
    return count.replace(",", "").replace("_", "")
