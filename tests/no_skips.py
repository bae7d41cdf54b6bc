"""A pytest plugin that makes a skip a failure: in CI every part is there. `PYTHONPATH=tests pytest -p no_skips`.

Recordings of providers are the exception: they are not part of the repository.
"""

from collections.abc import Generator
from typing import TypeVar

import pytest

ALLOWED = "../shared"

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _refuse_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _refuse_skip((yield))


def _refuse_skip(report: Report) -> Report:
    if report.skipped and not hasattr(report, "wasxfail") and ALLOWED not in str(report.longrepr):
        report.outcome = "failed"
        report.longrepr = f"skipped, and nothing may skip here: {report.longrepr}"
    return report
