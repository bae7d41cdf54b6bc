"""What an event costs, counted, on its way from a provider to a client: a change that makes it dearer must say so here.

bench/calls.py counts, and can name each call: `bench/calls.py --list 100`. docs/performance.md says what they are for.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

BENCH = Path(__file__).parents[2] / "bench" / "calls.py"
MORE = 1.10
A_TICK = 0.2  # of the timers that an event may see, and an idle server has too

CALLS_OF_PYTHON = {1: 64.3, 64: 31.8}
SYSTEM_CALLS = {1: 17.2, 64: 0.36}
"""For each event, with the default log, by how many events come in one read."""


CALLS_OF_A_RUN = 2690.0
"""Of Python, for a run of one event, from its request to the end that its leaving client brings."""


@pytest.fixture(scope="module")
def counted() -> list[dict[str, Any]]:
    return _count()


def _count(*options: str) -> list[dict[str, Any]]:
    command = [sys.executable, str(BENCH), "--json", "--log", "sqlite:", *options]
    output = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, timeout=110, check=True)
    rows: list[dict[str, Any]] = json.loads(output.stdout)
    return rows


def test_a_run_costs_no_more_calls() -> None:
    (row,) = _count("--runs")
    assert 0 < row["python"] <= CALLS_OF_A_RUN * MORE


@pytest.mark.parametrize(("kind", "kept"), [("python", CALLS_OF_PYTHON), ("system", SYSTEM_CALLS)])
def test_an_event_costs_no_more_calls(counted: list[dict[str, Any]], kind: str, kept: dict[int, float]) -> None:
    if kind == "system" and shutil.which("strace") is None:
        pytest.skip("strace is not installed: apt-get install strace")
    dearer = {row["batch"]: row[kind] for row in counted if not 0 < row[kind] <= kept[row["batch"]] * MORE + A_TICK}
    assert not dearer, f"more calls ({kind}) for an event than the {kept} that are kept here"
