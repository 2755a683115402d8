"""A command that is long reaches its daemon whole, and lists and events by its beginning."""

from __future__ import annotations

from pathlib import Path

import pytest

from arborlink.protocol.limits import KIB, TASK_COMMAND_BYTES, TASK_HEAD_BYTES
from arborlink.protocol.messages import Command, Subscribe, TaskStatusChanged
from arborlink.protocol.resources import Task
from tests.hub.live.bench import Bench, running_bench
from tests.hub.live.peers import DaemonIdentity, ScriptedViewer

pytestmark = pytest.mark.asyncio(loop_scope="module")

ARGUMENT = "ab" * 30 * KIB
ENVIRONMENT = {"NAME": "v" * 30 * KIB}


async def heard(viewer: ScriptedViewer, task_id: str) -> Task:
    """The task as the next event has it."""
    event = await viewer.expect(TaskStatusChanged, lambda each: each.task_id == task_id)
    assert isinstance(event.task, Task)
    return event.task


async def test_a_long_command_is_whole_for_its_daemon_and_where_it_is_asked_for(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.viewer() as viewer:
        await viewer.watch(identity.workspace_id)
        path = f"/api/workspaces/{identity.workspace_id}/tasks"
        body = {"command": "c", "args": [ARGUMENT, "z"], "env": ENVIRONMENT, "ifOffline": "queue"}
        made = await bench.post(path, body)
        beginning = ARGUMENT[: TASK_HEAD_BYTES - len("c") - 2]
        assert (made["isCut"], made["args"], made["env"]) == (True, [beginning], ["NAME"])
        task = await heard(viewer, made["id"])
        assert (task.is_cut, task.args) == (True, [beginning])
        listed = (await bench.client.get(f"/api/tasks?workspace={identity.workspace_id}")).json()
        assert listed["items"] == [made]
        whole = await bench.task(made["id"])
        assert (whole["isCut"], whole["args"], whole["env"]) == (False, [ARGUMENT, "z"], ["NAME"])
        async with bench.daemon(identity) as daemon:
            for task_id in (made["id"], None):
                if task_id is None:
                    task_id = (await bench.post(f"/api/tasks/{made['id']}/rerun"))["id"]
                command = await daemon.expect(Command)
                assert (command.task_id, command.command) == (task_id, "c")
                assert (command.args, command.env) == ([ARGUMENT, "z"], ENVIRONMENT)
        async with bench.viewer() as late:
            await late.send(Subscribe(task_id=made["id"]))
            assert (await heard(late, made["id"])).is_cut


async def test_a_command_at_its_limit_is_taken_and_one_above_it_refused_by_name(
    bench: Bench, identity: DaemonIdentity, tmp_path: Path
) -> None:
    async def answer(bench: Bench, workspace_id: str, size: int) -> tuple[int, str | None]:
        # Each counts with its end: the command, an argument, a variable's name and its value.
        argument = "ü" + "a" * (size - len("c.") - len("ü.".encode()) - len("A.v."))
        body = {"command": "c", "args": [argument], "env": {"A": "v"}}
        path = f"/api/workspaces/{workspace_id}/tasks"
        response = await bench.client.post(path, json=body | {"ifOffline": "queue"})
        return response.status_code, response.json().get("code")

    async with running_bench(tmp_path, task_command_bytes=100) as small:
        theirs = await small.enrolled()
        for each, workspace, limit in (
            (bench, identity.workspace_id, TASK_COMMAND_BYTES),
            (small, theirs.workspace_id, 100),
        ):
            assert await answer(each, workspace, limit - 1) == (201, None)
            assert await answer(each, workspace, limit) == (201, None)
            assert await answer(each, workspace, limit + 1) == (422, "command_too_large")


async def test_a_workspace_full_of_long_commands_is_small_to_list_and_to_watch(
    tmp_path: Path,
) -> None:
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        size = TASK_COMMAND_BYTES - 10
        for _ in range(20):
            await bench.create(identity.workspace_id, "c", args=["a" * size])
        listed = await bench.client.get("/api/tasks?limit=500")
        assert len(listed.json()["items"]) == 20
        assert len(listed.content) < 20 * 4 * TASK_HEAD_BYTES
        async with bench.viewer() as viewer:
            await viewer.watch(identity.workspace_id)
            await viewer.settle()
            assert len(viewer.seen(TaskStatusChanged)) == 20
            assert bench.session_of(viewer).traffic.bytes_out < 20 * 4 * TASK_HEAD_BYTES
