"""What any store must do. A test module subclasses these and provides the fixture `store`."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import msgspec
import pytest

from arborlink.hub.store.base import (
    IdempotencyKey,
    Store,
    TaskChanges,
    TaskCounts,
    TaskQuery,
    TaskRow,
)
from arborlink.protocol import limits
from arborlink.protocol.errors import Conflict, LocalProtocolError, NotFound
from arborlink.protocol.lifecycle import TaskEvent, TaskStatus
from arborlink.protocol.resources import GapInfo, Terminal, TerminalSizeChange
from arborlink.protocol.size_history import SizeHistory

from . import rows


class TaskContract:
    """Tasks and their transitions."""

    async def test_a_task_comes_back_as_it_was_stored(self, store: Store) -> None:
        row = rows.task(
            1,
            args=["a b", "", 'quote " \\', "ünïcode\n"],
            env={"NAME": "välue"},
            tty=Terminal(cols=80, rows=24),
            timeout=1.5,
            stdin="empty",
            title="Title",
            expires_at=77,
            gaps=[GapInfo(start=1, end=5, reason="spool_full")],
            error="null",
        )
        stored = msgspec.structs.replace(row, env={"NAME": ""})
        assert await store.add_task(row) == stored
        assert store.task(row.id) == stored
        assert store.task_request(row.id).env == row.env
        assert store.task("tsk_other") is None

    async def test_a_task_needs_its_workspace(self, store: Store) -> None:
        with pytest.raises(NotFound):
            await store.add_task(rows.task(1, workspace_id="ws_other"))

    async def test_many_writes_at_once_all_arrive(self, store: Store) -> None:
        await asyncio.gather(*(store.add_task(rows.task(n)) for n in range(200)))
        assert len((await store.tasks(TaskQuery(limit=500))).rows) == 200
        assert store.take_most_writes_waiting() == 200
        assert store.writes_waiting() == store.take_most_writes_waiting() == 0

    async def test_one_failing_write_does_not_spoil_the_others(self, store: Store) -> None:
        wrong = rows.task(1, workspace_id="ws_other")
        written = await asyncio.gather(
            store.add_task(rows.task(2)),
            store.add_task(wrong),
            store.add_task(rows.task(3)),
            return_exceptions=True,
        )
        assert isinstance(written[1], NotFound)
        assert [row.id for row in (await store.tasks(TaskQuery())).rows] == [
            rows.task_id(3),
            rows.task_id(2),
        ]

    async def test_listing_pages_newest_first(self, store: Store) -> None:
        for n in range(5):
            await store.add_task(rows.task(n))
        first = await store.tasks(TaskQuery(limit=2))
        assert [row.id for row in first.rows] == [rows.task_id(4), rows.task_id(3)]
        assert first.has_more
        rest = await store.tasks(TaskQuery(limit=3, before=first.rows[-1].id))
        assert [row.id for row in rest.rows] == [rows.task_id(n) for n in (2, 1, 0)]
        assert not rest.has_more

    async def test_listing_filters_by_workspace_and_status(self, store: Store) -> None:
        await store.add_workspace(rows.workspace(2))
        await store.add_task(rows.task(1))
        await store.add_task(rows.task(2, workspace_id=rows.workspace_id(2)))
        await store.transition_task(rows.task_id(1), TaskEvent.START, TaskChanges())
        one = frozenset({rows.workspace_id(2)})
        both = one | {rows.workspace_id(1)}
        running = frozenset({TaskStatus.RUNNING})

        async def ids(query: TaskQuery) -> list[str]:
            return [row.id for row in (await store.tasks(query)).rows]

        assert await ids(TaskQuery(workspace_ids=one)) == [rows.task_id(2)]
        assert await ids(TaskQuery(workspace_ids=both)) == [rows.task_id(2), rows.task_id(1)]
        assert await ids(TaskQuery(workspace_ids=frozenset())) == []
        assert await ids(TaskQuery(statuses=running)) == [rows.task_id(1)]
        assert await ids(TaskQuery(statuses=running, workspace_ids=one)) == []

    async def test_listing_filters_by_who_made_a_task(self, store: Store) -> None:
        await store.add_workspace(rows.workspace(2))
        for n, maker in ((1, "usr_1"), (2, "usr_2"), (3, "usr_1"), (4, "usr_1")):
            place = rows.workspace_id(2 if n == 4 else 1)
            await store.add_task(rows.task(n, created_by=maker, workspace_id=place))
        one = frozenset({rows.workspace_id(1)})

        async def ids(**fields: Any) -> list[str]:
            query = TaskQuery(created_by="usr_1", **fields)
            return [row.id for row in (await store.tasks(query)).rows]

        assert await ids() == [rows.task_id(n) for n in (4, 3, 1)]
        assert await ids(workspace_ids=one) == [rows.task_id(n) for n in (3, 1)]
        assert await ids(before=rows.task_id(3)) == [rows.task_id(1)]
        assert await ids(search="true", limit=1) == [rows.task_id(4)]
        assert await ids(statuses=frozenset({TaskStatus.RUNNING})) == []
        assert (await store.tasks(TaskQuery(created_by="usr_9"))).rows == []

    @pytest.mark.parametrize(
        ("search", "found"),
        [
            ("MAKE", [1]),
            ("make all", [1]),
            ("straße", [1]),
            ("STRASSE", [1]),
            ("100%", [2]),
            ("%", [2]),
            ("_", [3]),
            ("\\", [3]),
            ("' OR 1=1 --", []),
            ("titled", [3]),
        ],
    )
    async def test_search_is_for_a_plain_substring(
        self, store: Store, search: str, found: list[int]
    ) -> None:
        await store.add_task(rows.task(1, command="make", args=["all", "Straße"]))
        await store.add_task(rows.task(2, command="echo", args=["100%"]))
        await store.add_task(rows.task(3, command="x", args=["a_b\\c"], title="Titled"))
        hits = await store.tasks(TaskQuery(search=search))
        assert [row.id for row in hits.rows] == [rows.task_id(n) for n in found]
        one = frozenset({rows.workspace_id(1)})
        assert await store.tasks(TaskQuery(search=search, workspace_ids=one)) == hits

    async def test_a_key_makes_one_task(self, store: Store) -> None:
        key = IdempotencyKey(user_id="u", key="k", body_hash=b"1", expires_at=1_000)
        both = await asyncio.gather(
            store.add_task(rows.task(1, created_at=10), key),
            store.add_task(rows.task(2, created_at=10), key),
        )
        assert [row.id for row in both] == [rows.task_id(1)] * 2
        assert store.task(rows.task_id(2)) is None
        await store.transition_task(rows.task_id(1), TaskEvent.START, TaskChanges())
        again = await store.add_task(rows.task(3, created_at=999), key)
        assert again.status is TaskStatus.RUNNING
        assert store.repeated_task(key, 999) == again
        assert store.repeated_task(key, 1_000) is None

    async def test_a_key_belongs_to_its_body_and_user_and_time(self, store: Store) -> None:
        key = IdempotencyKey(user_id="u", key="k", body_hash=b"1", expires_at=1_000)
        await store.add_task(rows.task(1, created_at=10), key)
        other_body = IdempotencyKey(user_id="u", key="k", body_hash=b"2", expires_at=1_000)
        with pytest.raises(Conflict) as caught:
            await store.add_task(rows.task(2, created_at=10), other_body)
        assert caught.value.code == "idempotency_key_reused"
        other_user = IdempotencyKey(user_id="v", key="k", body_hash=b"2", expires_at=1_000)
        assert (await store.add_task(rows.task(3), other_user)).id == rows.task_id(3)
        later = await store.add_task(rows.task(4, created_at=1_000), other_body)
        assert later.id == rows.task_id(4)

    async def test_transitions_follow_the_table_and_keep_what_they_do_not_name(
        self, store: Store
    ) -> None:
        await store.add_task(rows.task(1))
        started = await store.transition_task(
            rows.task_id(1), TaskEvent.START, TaskChanges(started_at=5)
        )
        assert (started.status, started.started_at) == (TaskStatus.RUNNING, 5)
        changes = TaskChanges(
            finished_at=9,
            exit_code=0,
            output_size=12,
            gaps=[GapInfo(start=0, end=3, reason="r")],
        )
        ended = await store.transition_task(rows.task_id(1), TaskEvent.COMPLETE, changes)
        assert ended.status is TaskStatus.COMPLETED
        assert (ended.started_at, ended.finished_at, ended.exit_code) == (5, 9, 0)
        assert (ended.output_size, ended.gaps) == (12, [GapInfo(start=0, end=3, reason="r")])
        assert store.task(rows.task_id(1)) == ended
        with pytest.raises(LocalProtocolError) as caught:
            await store.transition_task(rows.task_id(1), TaskEvent.START, TaskChanges())
        assert caught.value.code == "illegal_transition"
        with pytest.raises(NotFound):
            await store.transition_task("tsk_other", TaskEvent.START, TaskChanges())

    async def test_dispatch_is_at_most_once(self, store: Store) -> None:
        await store.add_task(rows.task(1))
        assert (await store.dispatch_task(rows.task_id(1), "i1")).instance_id == "i1"
        assert (await store.dispatch_task(rows.task_id(1), "i1")).instance_id == "i1"
        with pytest.raises(LocalProtocolError):
            await store.dispatch_task(rows.task_id(1), "i2")
        assert (await store.dispatch_task(rows.task_id(1), None)).instance_id is None
        await store.transition_task(rows.task_id(1), TaskEvent.CANCEL, TaskChanges())
        with pytest.raises(LocalProtocolError):
            await store.dispatch_task(rows.task_id(1), "i2")
        with pytest.raises(NotFound):
            await store.dispatch_task("tsk_other", "i1")

    async def test_unfinished_tasks_are_counted_by_where_they_are(self, store: Store) -> None:
        for n in range(4):
            await store.add_task(rows.task(n))
        await store.dispatch_task(rows.task_id(0), "i")
        await store.dispatch_task(rows.task_id(1), "i")
        await store.transition_task(rows.task_id(1), TaskEvent.START, TaskChanges())
        await store.transition_task(rows.task_id(3), TaskEvent.CANCEL, TaskChanges())
        counts = store.task_counts(rows.workspace_id(1))
        assert counts == TaskCounts(dispatched=2, queued=1)
        assert store.task_counts("ws_other") == TaskCounts(dispatched=0, queued=0)
        assert store.task_counts() == counts
        assert await store.task_counts_by_workspace() == {rows.workspace_id(1): counts}
        unfinished = [rows.task_id(n) for n in range(3)]
        assert [row.id for row in store.unfinished_tasks(rows.workspace_id(1))] == unfinished
        assert store.unfinished_tasks("ws_other") == []

    async def test_only_tasks_that_nobody_has_expire(self, store: Store) -> None:
        await store.add_task(rows.task(1, expires_at=10))
        await store.add_task(rows.task(2, expires_at=11))
        await store.add_task(rows.task(3))
        await store.add_task(rows.task(4, expires_at=10, instance_id="i"))
        assert [row.id for row in store.expired_tasks(10, 9)] == [rows.task_id(1)]
        assert len(store.expired_tasks(11, 1)) == 1

    async def test_the_size_of_a_terminal_is_remembered_where_there_is_one(
        self, store: Store
    ) -> None:
        change = TerminalSizeChange(cols=132, rows=43, offset=7, time=8)
        row: TaskRow = await store.add_task(
            rows.task(1, tty=Terminal(cols=80, rows=24, modes={"VERASE": 8}))
        )
        assert store.terminal_sizes(row.id) == []
        stored = await store.resize_task(row.id, change)
        assert stored.tty == Terminal(cols=132, rows=43, modes={"VERASE": 8})
        created = TerminalSizeChange(cols=80, rows=24, offset=0, time=0)
        assert store.terminal_sizes(row.id) == [created, change]
        piped: TaskRow = await store.add_task(rows.task(2))
        assert (await store.resize_task(piped.id, change)).tty is None
        assert store.terminal_sizes(piped.id) == []
        with pytest.raises(NotFound):
            await store.resize_task("tsk_other", change)

    async def test_the_sizes_of_a_terminal_are_kept_once_each_and_in_order(
        self, store: Store
    ) -> None:
        row: TaskRow = await store.add_task(rows.task(1, tty=Terminal(cols=80, rows=24)))
        most = limits.MAX_TERMINAL_SIZES
        changes = [
            TerminalSizeChange(cols=80 - number % 9, rows=24, offset=number // 2, time=number)
            for number in range(most + 5)
        ]
        for change in changes:
            await store.resize_task(row.id, change)
        kept = [*changes[: most - 1], changes[-1]]
        assert store.terminal_sizes(row.id) == kept
        # A daemon that comes back says them again.
        for change in (changes[3], changes[-2], changes[-1]):
            stored = await store.resize_task(row.id, change)
            assert stored.tty == Terminal(cols=changes[-1].cols, rows=24)
        assert store.terminal_sizes(row.id) == kept

    async def test_sizes_in_any_order_are_what_a_history_makes_of_them(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "MAX_TERMINAL_SIZES", 5)
        for seed in range(30):
            random = Random(seed)
            row: TaskRow = await store.add_task(rows.task(seed, tty=Terminal(cols=80, rows=24)))
            first = TerminalSizeChange(cols=80, rows=24, offset=0, time=0)
            history = SizeHistory([first])
            for number in range(12):
                change = TerminalSizeChange(
                    cols=number + 1, rows=24, offset=random.randrange(6), time=random.randrange(3)
                )
                is_last = history.add(change) and history.last == change
                stored = await store.resize_task(row.id, change)
                assert stored.tty is not None and (stored.tty.cols == number + 1) == is_last
                assert store.terminal_sizes(row.id) == list(history.items)

    async def test_a_wish_to_cancel_and_a_log_are_remembered(self, store: Store) -> None:
        row: TaskRow = await store.add_task(rows.task(1))
        assert (await store.request_cancel(row.id)).cancel_requested
        await store.set_task_log(row.id, "log")
        stored = store.task(row.id)
        assert stored is not None and stored.log_id == "log" and stored.cancel_requested
        with pytest.raises(NotFound):
            await store.request_cancel("tsk_other")
