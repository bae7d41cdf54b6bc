"""What an operator would look at on the first bad day, looked at in seconds; each finding has its
fix.

`parts` looks at what the configuration names, `providers` asks them, `stores` opens what is kept,
`machine` looks at the rest. Nothing is changed, made or migrated.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

State = Literal["ok", "warning", "problem"]


class Finding(msgspec.Struct, frozen=True):
    """`part` is what was looked at, `says` what was seen. `fix` is empty if all is well. A warning
    keeps nothing from working."""

    part: str
    state: State
    says: str
    fix: str = ""


def ok(part: str, says: str) -> Finding:
    return Finding(part, "ok", says)


def warning(part: str, says: str, fix: str) -> Finding:
    return Finding(part, "warning", says, fix)


def problem(part: str, says: str, fix: str) -> Finding:
    return Finding(part, "problem", says, fix)


def has_problem(findings: Iterable[Finding]) -> bool:
    return any(finding.state == "problem" for finding in findings)
