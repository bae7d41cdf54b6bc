"""The built-in tools: safe, and bounded, so that no call can block the process."""

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from msgspec import Meta

from chatapp.tools import ToolFailed
from chatapp.tools.builtin.arithmetic import evaluate
from chatapp.tools.functions import tool

SAMPLE_QUOTES = {
    "ACME": ("Acme Corporation", 128.40, "USD"),
    "GLOBEX": ("Globex", 57.15, "USD"),
    "INITECH": ("Initech", 9.99, "USD"),
    "UMBRELLA": ("Umbrella", 310.00, "EUR"),
}
"""For demonstrations: fictional companies at prices that never change."""


@tool
def current_time(timezone: str = "UTC") -> dict[str, str]:
    """The current date and time in a time zone.

    Args:
        timezone: name in the IANA database, such as Europe/Paris or UTC
    """
    try:
        now = datetime.now(ZoneInfo(timezone))
    except (OSError, ValueError, LookupError):  # all that ZoneInfo raises for an unknown name
        raise ToolFailed(f"Unknown time zone {timezone!r}; give a name such as Europe/Paris.") from None
    return {"timezone": timezone, "time": now.isoformat(timespec="seconds"), "weekday": now.strftime("%A")}


@tool
def calculate(expression: Annotated[str, Meta(examples=["(17.5 / 100) * 240"])]) -> object:
    """The value of an arithmetic expression.

    Args:
        expression: numbers, + - * / // % **, parentheses, pi, e, and the functions abs, ceil,
            cos, exp, floor, log, log10, log2, max, min, round, sin, sqrt and tan; such as
            (17.5 / 100) * 240
    """
    return {"expression": expression, "value": evaluate(expression)}


@tool
def sample_stock_quote(symbol: Annotated[str, Meta(examples=["ACME"])]) -> dict[str, object]:
    """A stock quote from a sample table for demonstrations: companies that do not exist, prices
    that are not real.

    Args:
        symbol: one of ACME, GLOBEX, INITECH and UMBRELLA
    """
    if symbol.upper() not in SAMPLE_QUOTES:
        raise ToolFailed(f"Unknown symbol {symbol!r}; available: {', '.join(SAMPLE_QUOTES)}.")
    company, price, currency = SAMPLE_QUOTES[symbol.upper()]
    return {"symbol": symbol.upper(), "company": company, "price": price, "currency": currency, "sample_data": True}


TOOLS = (current_time, calculate, sample_stock_quote)
