"""What happened to tasks and workspaces, told from how they are now and were before. Pure.

The hub keeps when a task was created, started and ended, and since when a workspace is in its
state: each of these times is an event, whenever it is asked for. Of a workspace that changed its
state twice between two questions, the last change is known.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from msgspec import Struct

from arborlink.cli.display import moment
from arborlink.protocol.ids import RANDOM_BYTES, make_id, unix_ms_of
from arborlink.protocol.lifecycle import is_final
from arborlink.protocol.resources import Task, Workspace

CREATED: Final = "created"
STARTED: Final = "started"
# For so long after its id was made a task may be listed for the first time.
LATE_MS: Final = 10_000


class Event(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One event. `what`: created, started or how a task ended; a workspace's state, or `removed`.

    `time` is the hub's, as RFC 3339; `taskId` is there for events of tasks.
    """

    time: str
    what: str
    workspace_id: str
    task_id: str | None = None
    text: str = ""
    exit_code: int | None = None
    signal: int | None = None


class EventLog:
    """Knows what was told already.

    Of what was there at the first time, that is told which happened since `since`, or nothing
    without it; of all later times, everything, so that no clock but the hub's counts.
    """

    def __init__(self, since: datetime | None) -> None:
        self._since = since
        self._is_first = True
        # How many of its events were told of a task that is not over, or is young.
        self._told: dict[str, int] = {}
        self._states: dict[str, tuple[str, str | None]] | None = None
        self._newest = ""
        self.unfinished: set[str] = set()

    @property
    def read_from(self) -> str:
        """The id from which on tasks may be new; empty before the first were told.

        Ids begin with the time, to the millisecond, and a task is listed a moment after that.
        """
        if not self._newest:
            return ""
        return make_id("tsk", max(0, unix_ms_of(self._newest) - LATE_MS), bytes(RANDOM_BYTES))

    def tasks(self, tasks: Iterable[Task], text: dict[str, str]) -> list[Event]:
        """Return what is new of these tasks, in order; `text` describes each, by its id."""
        found: list[Event] = []
        for task in tasks:
            self._newest = max(self._newest, task.id)
            steps = _steps(task)
            told = self._told.get(task.id, 0)
            found += [
                _event(task, time, what, text.get(task.id, ""))
                for time, what in steps[told:]
                if self._is_told(time)
            ]
            self._told[task.id] = len(steps)
            (self.unfinished.discard if is_final(task.status) else self.unfinished.add)(task.id)
        old = [each for each in self._told if each < self.read_from]
        for each in old:
            if each not in self.unfinished:
                del self._told[each]
        return sorted(found, key=_time)

    def follow(self) -> None:
        """The first time is over."""
        self._is_first = False

    def _is_told(self, time: str) -> bool:
        if not self._is_first:
            return True
        return self._since is not None and moment(time) >= self._since

    def forget(self, task_id: str) -> None:
        """A task that was not over is gone."""
        self.unfinished.discard(task_id)
        self._told.pop(task_id, None)

    def workspaces(self, workspaces: Iterable[Workspace], now: str) -> list[Event]:
        """Return which workspaces changed their state, came or went since the last call."""
        states: dict[str, tuple[str, str | None]] = {
            each.id: (each.state, each.since) for each in workspaces
        }
        names = {each.id: each.name for each in workspaces}
        before, self._states = self._states, states
        found: list[Event] = []
        for each, (state, since) in states.items():
            time = since or now
            is_new = before is None or before.get(each) != (state, since)
            if is_new and (before is not None or (since and self._is_told(since))):
                what = state if since else CREATED
                found.append(Event(time=time, what=what, workspace_id=each, text=names[each]))
        gone = sorted(set(before or ()) - states.keys())
        found += [Event(time=now, what="removed", workspace_id=each) for each in gone]
        return sorted(found, key=_time)


def _event(task: Task, time: str, what: str, text: str) -> Event:
    is_end = what not in (CREATED, STARTED)
    return Event(
        time=time,
        what=what,
        workspace_id=task.workspace_id,
        task_id=task.id,
        text=text,
        exit_code=task.exit_code if is_end else None,
        signal=task.signal if is_end else None,
    )


def _steps(task: Task) -> list[tuple[str, str]]:
    steps = [(task.created_at, CREATED)]
    if task.started_at is not None:
        steps.append((task.started_at, STARTED))
    if is_final(task.status):
        # A task that never started has ended after one step, and one that did after two.
        steps.append((task.finished_at or task.created_at, str(task.status)))
    return steps


def _time(event: Event) -> datetime:
    return moment(event.time)
