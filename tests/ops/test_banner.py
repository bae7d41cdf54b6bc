"""What a start prints works as it is, in every dialect."""

import re

from chatapp.dialects.registry import DIALECTS
from chatapp.ops.banner import greeting

RESULT_MODES = {"xml_plaintext", "raw_passthrough"}  # of `message`


def test_every_dialect_has_its_line() -> None:
    named = re.findall(r"(?m)^  (\w+) +curl ", greeting("http://here"))
    assert set(named) == set(DIALECTS) - RESULT_MODES
