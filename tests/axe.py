"""axe-core in a page of a real browser: all that it knows, best practices too."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

AXE = Path(sys.prefix) / "npm/node_modules/axe-core/axe.min.js"
COLOURS = ("color-contrast", "link-in-text-block")  # the rules that look at colours
RUN = """async (rules) => {
    // It is not in the frames: asking them would take half a second.
    const options = { resultTypes: ["violations"], iframes: false, ...(rules.length ? { runOnly: rules } : {}) };
    const { violations } = await axe.run(document, options);
    return violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => [id, target.join(" "), failureSummary]));
}"""


def violations(page: Any, rules: Sequence[str] = ()) -> list[Any]:
    """In the page as it is now, with its open shadow roots; of all rules unless some are named."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: make test installs the packages of tests/npm")
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text("utf-8"))  # past the policy, as only a test's debugger can
    found: list[Any] = page.evaluate(RUN, rules)
    return found
