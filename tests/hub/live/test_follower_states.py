"""Who follows a task hears when its machine goes away and is back, and nothing else of it."""

from __future__ import annotations

import pytest

from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import TaskStatusChanged, WorkspaceChanged
from tests.hub.live.bench import Bench
from tests.hub.live.peers import DaemonIdentity, spooled
from tests.hub.live.test_output import handed

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_follower_hears_of_the_machine_of_its_task(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.viewer() as viewer:
        async with bench.daemon(identity) as daemon:
            task = await handed(bench, identity, daemon)
            await daemon.running(task)
            await bench.becomes(task, TaskStatus.RUNNING)
            await viewer.subscribe(task)
            # Another task's start and end change the workspace, but not its state.
            other = await handed(bench, identity, daemon)
            await daemon.running(other)
            await daemon.ended(other)
            await daemon.settled(other)
            await viewer.settle()
            assert viewer.seen(WorkspaceChanged) == []
        away = await viewer.expect(WorkspaceChanged)
        assert (away.workspace_id, away.state) == (identity.workspace_id, "unreachable")
        assert away.workspace and away.workspace.since == away.since
        async with bench.daemon(identity, tasks=[spooled(task)]) as daemon:
            assert (await viewer.expect(WorkspaceChanged)).state == "connected"
            await daemon.ended(task)
            await daemon.settled(task)
        await viewer.settle()
        assert len(viewer.seen(WorkspaceChanged)) == 0


async def test_one_that_comes_later_hears_it_at_once(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        await daemon.running(task)
        await bench.becomes(task, TaskStatus.RUNNING)
    async with bench.viewer() as viewer, bench.viewer() as stranger:
        await viewer.subscribe(task)
        await viewer.expect(TaskStatusChanged)
        assert (await viewer.expect(WorkspaceChanged)).state == "unreachable"
        # Without a task that is followed there, nothing is heard.
        async with bench.daemon(identity, tasks=[spooled(task)]):
            assert (await viewer.expect(WorkspaceChanged)).state == "connected"
        await stranger.settle()
        assert stranger.seen(WorkspaceChanged) == []
