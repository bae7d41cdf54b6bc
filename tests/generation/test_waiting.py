"""What a run waits for its owner for, as it is told to those who list."""

import pytest

from chatapp.errors import DatabaseUnavailable
from chatapp.events import StreamEvent, TextDelta, ToolApproval, ToolQuestion
from chatapp.generation.waiting import Waiting


class Told:
    def __init__(self) -> None:
        self.until: list[float | None] = []

    def tell(self, run_id: str, until: float | None) -> None:
        self.until.append(until)


class Away:
    def tell(self, run_id: str, until: float | None) -> None:
        raise DatabaseUnavailable("away")


def question(state: str) -> ToolQuestion:
    return ToolQuestion("c2", "q", state, 9.0, "Which?", {})  # type: ignore[arg-type]


def test_it_waits_as_long_as_anything_of_it_does() -> None:
    told = Told()
    waiting = Waiting("r", told)
    events: list[StreamEvent] = [
        TextDelta("x"),
        ToolApproval("c1", "asked", 5.0),
        question("asked"),
        ToolApproval("c1", "approved", 5.0),
        question("accepted"),
        ToolApproval("c1", "denied", 5.0),  # of a call that was over
    ]
    for event in events:
        waiting.take(event)
    assert told.until == [5.0, 9.0, None]


def test_a_store_that_is_away_does_not_end_the_run(caplog: pytest.LogCaptureFixture) -> None:
    Waiting("r", Away()).take(question("asked"))
    assert "away" in caplog.text
