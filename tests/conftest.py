"""How long Hypothesis searches, and the summary of what tests measured and did not judge.

`HYPOTHESIS_PROFILE=long` searches for a night, `ci` is the default.
"""

from __future__ import annotations

import os
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

# A property that a test records with this before its name is a number of seconds: it is printed at
# the end, the longest first, and fails nothing.
MEASURED: Final = "seconds: "
SHOWN: Final = 10

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    max_examples=150,
    stateful_step_count=60,
    suppress_health_check=QUIET,
)
settings.register_profile(
    "long",
    deadline=None,
    max_examples=5_000,
    stateful_step_count=200,
    suppress_health_check=QUIET,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the longest times that were recorded."""
    measured = {
        (float(str(value)), name.removeprefix(MEASURED), report.nodeid)
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport)
        for name, value in report.user_properties
        if name.startswith(MEASURED)
    }
    if measured:
        terminalreporter.section("measured, not judged")
    for seconds, what, test in sorted(measured, reverse=True)[:SHOWN]:
        terminalreporter.write_line(f"{seconds:8.3f} s  {what}  ({test})")
