"""Whole runs, as the golden files have them, follow the schemas of the OpenResponses specification."""

from pathlib import Path

import pytest
from openresponses import check_stream, needs_specification

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("responses.*.txt"))


@needs_specification
@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_every_event_of_a_run_follows_its_schema(file: Path) -> None:
    lines = file.read_text("utf-8").split("\n")
    events = check_stream([line.removeprefix("data: ") for line in lines if line.startswith("data: ")])
    assert events[0]["type"] == "response.created" and events[-1]["response"]["status"] != "in_progress"
