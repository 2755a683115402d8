"""What any store must do for what removes old things. Used as `contract` is."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from arborlink.hub.store.base import IdempotencyKey, Store, TaskChanges, TaskQuery
from arborlink.hub.store.base_access import UserRow
from arborlink.hub.store.base_retention import WorkspaceUsage
from arborlink.protocol.errors import NotFound, TooManyRequests
from arborlink.protocol.lifecycle import TaskEvent, TaskStatus
from arborlink.protocol.limits import KIB, MAX_OFFSET
from arborlink.protocol.resources import GapInfo

from . import rows

MANY_TASKS = 1_100


async def over(store: Store, n: int, *, at: int, workspace: int = 1, **fields: Any) -> str:
    """A task that ended at a time; its id."""
    row = rows.task(n, workspace_id=rows.workspace_id(workspace), **fields)
    await store.add_task(row)
    await store.transition_task(row.id, TaskEvent.CANCEL, TaskChanges(finished_at=at))
    return row.id


async def usage(store: Store, workspace: int = 1) -> WorkspaceUsage:
    """What a workspace's tasks take."""
    (found,) = [
        each for each in await store.usage() if each.workspace_id == rows.workspace_id(workspace)
    ]
    return found


class RetentionContract:
    """Tasks as something that takes room, and secrets as something that is forgotten."""

    async def test_what_is_over_is_in_the_order_of_its_end(self, store: Store) -> None:
        await store.add_workspace(rows.workspace(2))
        last, first = await over(store, 1, at=9), await over(store, 2, at=7)
        other = await over(store, 3, at=8, workspace=2)
        await store.add_task(rows.task(4))
        assert [each.id for each in store.finished_tasks(8, 9)] == [first, other]
        assert [each.id for each in store.finished_tasks(MAX_OFFSET, 9)] == [first, other, last]
        assert [each.id for each in store.finished_tasks(MAX_OFFSET, 1)] == [first]
        own = store.finished_tasks(0, 9, rows.workspace_id(1))
        assert [each.id for each in own] == [first, last]
        assert store.workspaces_of_tasks([last, other, "tsk_other"]) == {
            last: rows.workspace_id(1),
            other: rows.workspace_id(2),
        }

    async def test_only_what_is_over_is_deleted(self, store: Store) -> None:
        gone, kept = await over(store, 1, at=1), rows.task(2)
        await store.add_task(kept)
        assert await store.delete_tasks([gone, kept.id, "tsk_other"]) == {gone}
        assert await store.delete_tasks([gone]) == set()
        assert store.known_tasks([gone, kept.id]) == {kept.id}

    async def test_usage_is_what_the_rows_take_through_all_changes(self, store: Store) -> None:
        assert await store.usage() == []
        row = rows.task(1, args=["a" * 40 * KIB], env={"A": "v" * 30 * KIB}, title="t" * 100)
        await store.add_task(row)
        before = await usage(store)
        assert (before.owner_id, before.tasks, before.unfinished) == (rows.OWNER.id, 1, 1)
        # Arguments also in what is searched, and their beginning in the task's own row.
        assert 86 * KIB <= before.bytes <= 90 * KIB
        changes = TaskChanges(
            finished_at=3, error="e" * 4_000, gaps=[GapInfo(start=1, end=2, reason="lost")]
        )
        await store.transition_task(row.id, TaskEvent.CANCEL, changes)
        after = await usage(store)
        assert (after.tasks, after.unfinished) == (1, 0)
        assert before.bytes + 4_000 < after.bytes < before.bytes + 4_200
        (finished,) = store.finished_tasks(9, 9)
        assert finished.row_bytes == after.bytes
        await store.delete_tasks([row.id])
        assert await usage(store) == WorkspaceUsage(
            workspace_id=row.workspace_id, owner_id=rows.OWNER.id, tasks=0, unfinished=0, bytes=0
        )
        await store.add_task(rows.task(2))
        await store.delete_workspace(row.workspace_id)
        assert await store.usage() == []

    async def test_a_workspace_with_many_tasks_is_deleted_in_steps(self, store: Store) -> None:
        await store.add_workspace(rows.workspace(2))
        tasks = [
            rows.task(n, status=TaskStatus.COMPLETED, finished_at=n, workspace_id="ws_2")
            for n in range(MANY_TASKS)
        ]
        await asyncio.gather(*map(store.add_task, tasks))
        await store.add_task(rows.task(MANY_TASKS, workspace_id="ws_2"))
        await store.add_task(rows.task(MANY_TASKS + 1))
        deleting = asyncio.create_task(store.delete_workspace("ws_2"))
        steps = set()
        while not deleting.done():
            await store.check_writable()
            steps.add(len(store.workspaces_of_tasks([row.id for row in tasks])))
        await deleting
        assert len(steps) > 1 and store.workspace("ws_2") is None
        left = (await store.tasks(TaskQuery())).rows
        assert [row.id for row in left] == [rows.task_id(MANY_TASKS + 1)]
        with pytest.raises(NotFound):
            await store.delete_workspace("ws_2")

    async def test_unfinished_tasks_of_an_account_are_limited(self, store: Store) -> None:
        await store.add_workspace(rows.workspace(2))
        await store.add_user(UserRow(id="usr_2", username="m", role="member", created_at=1))
        await store.add_workspace(rows.workspace(3, owner_id="usr_2"))
        key = IdempotencyKey(user_id="usr_1", key="k", body_hash=b"h" * 32, expires_at=99)
        await store.add_task(rows.task(1), key, limit=2)
        await store.add_task(rows.task(2, workspace_id="ws_2"), limit=2)
        for n in (1, 2):
            with pytest.raises(TooManyRequests) as caught:
                await store.add_task(rows.task(9, workspace_id=rows.workspace_id(n)), limit=2)
            assert caught.value.code == "too_many_tasks"
        assert (await store.add_task(rows.task(8), key, limit=2)).id == rows.task_id(1)
        await store.add_task(rows.task(3, workspace_id="ws_3"), limit=2)
        await store.transition_task(rows.task_id(1), TaskEvent.START, TaskChanges())
        with pytest.raises(TooManyRequests):
            await store.add_task(rows.task(9), limit=2)
        await store.transition_task(rows.task_id(1), TaskEvent.COMPLETE, TaskChanges(finished_at=5))
        await store.add_task(rows.task(9), limit=2)

    async def test_values_are_forgotten_in_the_order_of_ends(self, store: Store) -> None:
        for n, at in ((1, 5), (2, 3), (3, 4)):
            await over(store, n, at=at, env={"A": "x"})
        await store.add_task(rows.task(4, env={"A": "x"}))
        await over(store, 5, at=1)

        def forgotten() -> list[int]:
            return [n for n in range(1, 6) if store.task_request(rows.task_id(n)).is_forgotten]

        assert await store.forget_variables(2, 9) == 0
        assert await store.forget_variables(5, 2) == 2
        assert forgotten() == [2, 3]
        assert await store.forget_variables(5, 2) == 1
        assert forgotten() == [1, 2, 3]
        assert store.task_request(rows.task_id(1)).env == {"A": ""}
        assert await store.empty_log(0.0)
