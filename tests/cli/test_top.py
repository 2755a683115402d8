"""What running tasks use, once and on a whole screen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from arborlink.cli import exits
from arborlink.cli.usage_table import lines_of, rows_of
from arborlink.client.selection import Seen
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.resources import ProcessUsage, Task
from tests.e2e.arbor import wait_until
from tests.resources import TASK

from .conftest import Up
from .terminals import Terminal
from .test_task_table import ME, MINE, NOW

SEEN = Seen(ME, [MINE])


def running(name: str, *, share: float, memory: int, seconds: float) -> Task:
    usage = ProcessUsage(
        at="2026-01-02T13:34:00Z",
        cpu_seconds=seconds,
        cpu_share=share,
        memory_bytes=memory,
        processes=3,
    )
    return replace(
        TASK,
        id=f"tsk_{name}",
        workspace_id=MINE.id,
        title=name,
        status=TaskStatus.RUNNING,
        started_at="2026-01-02T13:33:00Z",
        finished_at=None,
        usage=usage,
    )


TASKS = [
    running("idle", share=0.0, memory=5 << 20, seconds=900),
    running("busy", share=1.52, memory=1 << 20, seconds=60),
    replace(running("unknown", share=0, memory=0, seconds=0), usage=None),
]


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("cpu", ["busy", "idle", "unknown"]),
        ("memory", ["idle", "busy", "unknown"]),
        ("time", ["idle", "busy", "unknown"]),
    ],
)
def test_what_uses_most_is_first_and_what_is_not_known_last(order: str, names: list[str]) -> None:
    rows = rows_of(TASKS, SEEN, order, NOW)  # type: ignore[arg-type]
    assert [row[-1] for row in rows] == names
    assert rows[-1][2:6] == ("-", "-", "-", "-")
    busy = next(row for row in rows if row[-1] == "busy")
    assert busy[1:7] == ("lab", "152%", "1.0 MiB", "1 min", "3", "2 min")


def test_the_first_line_is_about_all_of_them() -> None:
    assert lines_of(TASKS, SEEN, "cpu", NOW)[0] == "3 running · 152% CPU · 6.0 MiB · q ends"
    assert "arbor run" in lines_of([], SEEN, "cpu", datetime.now(UTC))[-1]


@pytest.fixture
def burning(up: Up) -> Iterator[str]:
    """A task whose daemon has said what it uses."""
    script = "echo READY; while :; do :; done"
    task = up.arbor("run", "-d", "-n", "--title", "burner", "--", "sh", "-c", script)
    task_id = task.stdout.decode().strip()
    wait_until(lambda: is_measured(up, task_id), "the first processor time")
    yield task_id
    up.arbor("cancel", task_id)


def is_measured(up: Up, task_id: str) -> bool:
    used = usage_of(up, task_id)
    return used is not None and used["cpuSeconds"] > 0


def usage_of(up: Up, task_id: str) -> dict[str, float] | None:
    tasks = json.loads(up.arbor("top", "--json").stdout)
    found: dict[str, float] | None = next(each for each in tasks if each["id"] == task_id)["usage"]
    return found


def test_a_real_task_is_shown_once_and_on_a_screen(up: Up, burning: str) -> None:
    used = usage_of(up, burning)
    assert used is not None and used["processes"] == 1 and used["memoryBytes"] > 0
    once = up.arbor("top").stdout.decode()
    assert burning in once and "burner" in once and "\x1b" not in once
    with Terminal(up, "top") as terminal:
        shown = terminal.until(b"burner")
        assert shown.startswith(b"\x1b[?1049h") and b"running \xc2\xb7" in shown
        terminal.type(b"\x03")
        assert terminal.end() == exits.CANCELLED
        assert b"\x1b[?25h\x1b[?1049l" in terminal.seen and terminal.is_as_before()
    with Terminal(up, "top") as terminal:
        terminal.until(b"burner")
        terminal.type(b"xyz\rq")
        assert terminal.end() == exits.DONE
        assert b"xyz" not in terminal.seen and terminal.is_as_before()
