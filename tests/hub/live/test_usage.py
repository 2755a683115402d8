"""What a running task uses is said with the task, while its daemon says it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from arborlink.protocol.fields import TaskUsage
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import Usage
from tests.hub.live.bench import Bench
from tests.hub.live.peers import DaemonIdentity, ScriptedDaemon
from tests.hub.live.test_output import handed

pytestmark = pytest.mark.asyncio(loop_scope="module")


def used(task_id: str, *, cpu_seconds: float) -> TaskUsage:
    return TaskUsage(
        task_id=task_id, cpu_seconds=cpu_seconds, cpu_share=0.5, memory_bytes=4096, processes=3
    )


async def shown(bench: Bench, task_id: str) -> Any:
    """Return the task's `usage`, which is the same in the list and by itself."""
    alone = await bench.task(task_id)
    listed = (await bench.client.get("/api/tasks", params={"limit": 200})).json()["items"]
    in_list = next(each for each in listed if each["id"] == task_id)
    assert in_list["usage"] == alone["usage"]
    return alone["usage"]


async def running(bench: Bench, identity: DaemonIdentity, daemon: ScriptedDaemon) -> str:
    """Return a task that its daemon says is running."""
    task = await handed(bench, identity, daemon)
    await daemon.running(task)
    await bench.becomes(task, TaskStatus.RUNNING)
    return task


async def measured(daemon: ScriptedDaemon, *tasks: TaskUsage) -> None:
    """Send it, and wait until the hub has read it."""
    await daemon.send(Usage(tasks=list(tasks)))
    await daemon.settle()


async def test_the_newest_usage_is_shown_until_the_connection_or_the_task_ends(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon:
        task = await running(bench, identity, daemon)
        assert await shown(bench, task) is None
        await measured(daemon, used(task, cpu_seconds=1.5))
        await measured(daemon, used(task, cpu_seconds=2.5))
        usage = await shown(bench, task)
        assert datetime.fromisoformat(usage.pop("at")).tzinfo is not None
        assert usage == {
            "cpuSeconds": 2.5,
            "cpuShare": 0.5,
            "memoryBytes": 4096,
            "processes": 3,
        }
        # One that the daemon measures no more has none.
        await measured(daemon)
        assert await shown(bench, task) is None
        await measured(daemon, used(task, cpu_seconds=3.5))
    assert await shown(bench, task) is None


async def test_a_task_that_is_over_uses_nothing(bench: Bench, identity: DaemonIdentity) -> None:
    async with bench.daemon(identity) as daemon:
        task = await running(bench, identity, daemon)
        await measured(daemon, used(task, cpu_seconds=1.0))
        await daemon.ended(task)
        await daemon.settled(task)
        assert await shown(bench, task) is None


async def test_a_daemon_says_nothing_of_other_workspaces(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon, bench.daemon(await bench.enrolled()) as other:
        task = await running(bench, identity, daemon)
        await measured(other, used(task, cpu_seconds=9.0))
        assert await shown(bench, task) is None
