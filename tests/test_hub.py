"""Whatever pauses so that others can go on, lets their sockets go on too."""

import re
from pathlib import Path

import chatapp

PACKAGE = Path(chatapp.__file__).parent


def test_nothing_pauses_for_no_time_at_all() -> None:
    """`sleep(0)` looks at no socket; `chatapp.hub.let_others_run` does."""
    pausing = [
        path.name for path in PACKAGE.rglob("*.py") if re.search(r"\bsleep\(0(\.0*)?\)", path.read_text("utf-8"))
    ]
    assert not pausing
