"""The banner has a command for every dialect."""

import re

from chatapp.dialects.registry import DIALECTS
from chatapp.ops.banner import banner

RESULT_MODES = {"xml_plaintext", "raw_passthrough"}  # modes of `message`


def test_every_dialect_has_its_command() -> None:
    named = re.findall(r"(?m)^  (\w+) +curl ", banner("http://here"))
    assert set(named) == set(DIALECTS) - RESULT_MODES
