"""What `arbor events` tells, whatever was asked when."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from arborlink.cli.event_log import Event, EventLog
from arborlink.protocol.ids import make_id
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.resources import Task, Workspace
from tests.resources import TASK

START = 1_767_225_600_000


def task(number: int, stage: int, at_ms: int = 0) -> Task:
    """A task that was created (1), has started (2), has ended (3)."""
    made = replace(
        TASK,
        id=make_id("tsk", START + at_ms, number.to_bytes(10)),
        status=TaskStatus.PENDING,
        exit_code=None,
        created_at="2026-01-01T00:00:00Z",
    )
    if stage > 1:
        made = replace(made, status=TaskStatus.RUNNING, started_at="2026-01-01T00:00:01Z")
    if stage > 2:
        time = "2026-01-01T00:00:02Z"
        made = replace(made, status=TaskStatus.FAILED, exit_code=3, finished_at=time)
    return made


def workspace(name: str, state: str, since: str | None) -> Workspace:
    return Workspace(
        id=f"ws_{name}",
        name=name,
        state=state,  # type: ignore[arg-type]
        since=since,
        host=None,
        platform=None,
        user=None,
        path=None,
        version=None,
        daemon_id=None,
        round_trip_ms=None,
        running_tasks=0,
        queued_tasks=0,
        created_at="2026-01-01T00:00:00Z",
    )


def told(events: list[Event]) -> list[str]:
    return [each.what for each in events]


@given(st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=4), min_size=1, max_size=5))
def test_each_event_is_told_once_whenever_it_is_asked_for(lives: list[list[int]]) -> None:
    log = EventLog(None)
    log.tasks([], {})
    log.follow()
    heard: dict[str, list[str]] = {}
    for turn in range(4):
        seen = [task(number, max(stages[: turn + 1])) for number, stages in enumerate(lives)]
        for each in log.tasks(seen, {}):
            assert each.task_id is not None
            heard.setdefault(each.task_id, []).append(each.what)
    for number, stages in enumerate(lives):
        whole = ["created", "started", "failed"][: max(stages)]
        assert heard[task(number, 1).id] == whole


def test_what_was_before_is_told_only_if_it_is_asked_for() -> None:
    quiet = EventLog(None)
    assert quiet.tasks([task(1, 2)], {}) == []
    quiet.follow()
    assert told(quiet.tasks([task(1, 3), task(2, 1)], {})) == ["created", "failed"]
    since = EventLog(datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC))
    assert told(since.tasks([task(1, 3)], {})) == ["started", "failed"]
    [event] = [each for each in EventLog(since._since).tasks([task(1, 3)], {}) if each.exit_code]
    assert (event.what, event.exit_code) == ("failed", 3)


def test_a_hub_whose_clock_is_behind_is_told_of_as_well() -> None:
    log = EventLog(None)
    log.follow()
    assert told(log.tasks([task(1, 1)], {})) == ["created"]


def test_tasks_that_are_listed_late_are_read_again() -> None:
    log = EventLog(None)
    log.tasks([task(1, 3, at_ms=60_000)], {})
    log.follow()
    late = task(2, 3, at_ms=59_000)
    assert log.read_from < late.id
    assert told(log.tasks([late, task(1, 3, at_ms=60_000)], {})) == ["created", "started", "failed"]
    assert log.tasks([late], {}) == []


def test_workspaces_come_change_and_go() -> None:
    log = EventLog(None)
    now = "2026-01-01T01:00:00Z"
    assert log.workspaces([workspace("a", "connected", "2026-01-01T00:30:00Z")], now) == []
    log.follow()
    gone = log.workspaces([workspace("a", "unreachable", "2026-01-01T00:59:00Z")], now)
    assert [(each.what, each.time, each.text) for each in gone] == [
        ("unreachable", "2026-01-01T00:59:00Z", "a")
    ]
    assert told(log.workspaces([workspace("b", "never_connected", None)], now)) == [
        "created",
        "removed",
    ]
