"""What a person is told of the connection while a command runs."""

from __future__ import annotations

import asyncio
import math
import sys
from contextlib import aclosing, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Final

from arborlink.cli.console import complain, say

if TYPE_CHECKING:
    from arborlink.client import TaskHandle, Workspace

# A daemon that is restarted, or whose connection is replaced, is back before that.
AWAY_SECONDS: Final = 3.0


def new_key(url: str, key: str) -> str:
    """Return the line about a key that was taken because a hub proved it first."""
    return f"the hub at {url} has the key {key}; from now on it has to prove it (`arbor trust`)"


class Notices:
    """Says that the connection was lost and is back, and why it takes a while; to a person only."""

    def __init__(self) -> None:
        self._lost = False

    def connection(self, connected: bool) -> None:
        """For `Hub`'s `on_connection`."""
        if sys.stderr.isatty() and (self._lost or not connected):
            say("connected again" if connected else "connection lost, reconnecting…")
        self._lost = not connected

    @staticmethod
    def hub_key(key: str) -> None:
        """For `Hub`'s `on_hub_key`."""
        from arborlink.client import InvalidInput, credentials

        try:
            stored = credentials.load_all()
        except InvalidInput:
            return
        for each in stored:
            if each.hub_key == key:
                say(new_key(each.url, key))

    @staticmethod
    def wait(seconds: float, why: str) -> None:
        """For `Hub`'s `on_wait`."""
        if sys.stderr.isatty():
            say(f"{why}; trying again in {math.ceil(seconds)} s")


async def watch_machine(task: TaskHandle) -> None:
    """Say when the machine of `task` has been away for AWAY_SECONDS, and when it is back; until the
    task is over. To be started after what follows the task, whose connection it shares."""
    from arborlink.protocol.errors import ArborError

    machine = _Machine(task)
    # Those who follow the task hear of its errors.
    with suppress(ArborError):
        async with aclosing(task.workspace_states()) as states:
            try:
                async for workspace in states:
                    machine.changed(workspace)
            finally:
                machine.close()


class _Machine:
    def __init__(self, task: TaskHandle) -> None:
        self._task = task
        self._timer: asyncio.TimerHandle | None = None
        self._said = False

    def changed(self, workspace: Workspace) -> None:
        self.close()
        if workspace.state != "connected":
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(AWAY_SECONDS, self._say_away, workspace)
        elif self._said:
            self._said = False
            complain(f"{_place(workspace)} is connected again")

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _say_away(self, workspace: Workspace) -> None:
        if self._said:
            return
        self._said = True
        since = "" if workspace.since is None else f" since {_clock(workspace.since)}"
        waits = "the task waits for it"
        runs = "the task goes on there as far as is known; its output comes when it is back"
        pending = self._task.info.status == "pending"
        complain(f"{_place(workspace)} is not connected{since}: {waits if pending else runs}")


def _place(workspace: Workspace) -> str:
    return workspace.name if workspace.host is None else f"{workspace.name} on {workspace.host}"


def _clock(time: str) -> str:
    return f"{datetime.fromisoformat(time).astimezone():%H:%M:%S}"
