"""What `make test-fast` leaves out, how long Hypothesis searches, and what tests measure.

`HYPOTHESIS_PROFILE=long` is for a night, `fast` for `make test-fast`, `ci` otherwise.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

# A property that a test records with this before its name is a number of seconds: it is printed at
# the end, the longest first, and fails nothing.
MEASURED: Final = "seconds: "
SHOWN: Final = 10

HERE: Final = Path(__file__).parent
# Below tests/: what starts all of Arbor as processes, or tries every byte or credential.
SLOW: Final = (
    "cli/test_accounts.py",
    "cli/test_hostile_member.py",
    "cli/test_logs.py",
    "cli/test_processes.py",
    "cli/test_signals.py",
    "cli/test_up.py",
    "conformance",
    "corpus",
    "e2e",
    "fuzz",
    "hub/matrix",
    "hub/test_backup.py",
    "outputlog/test_crash.py",
    "outputlog/test_forgetting.py",
)
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    max_examples=150,
    stateful_step_count=60,
    suppress_health_check=QUIET,
)
settings.register_profile("fast", settings.get_profile("ci"), max_examples=25)
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


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--fast`."""
    parser.addoption("--fast", action="store_true", help="leave out the modules that take long")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave them out unimported: xdist collects in each worker, 9 s of processor time each."""
    if config.getoption("--fast") and collection_path.relative_to(HERE).as_posix() in SLOW:
        return True
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what modules that are quick have for long runs, too."""
    if not config.getoption("--fast"):
        return
    long = [item for item in items if item.get_closest_marker("soak") is not None]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in long]
