"""Tasks in SQLite."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final

import apsw
from msgspec import structs

from arborlink.hub.store.base import (
    IdempotencyKey,
    TaskChanges,
    TaskCounts,
    TaskList,
    TaskQuery,
    TaskRequest,
    TaskRow,
)
from arborlink.hub.store.database import Bindings, Database, fetch
from arborlink.hub.store.faults import breaks_reference
from arborlink.hub.store.queries import load
from arborlink.hub.store.rows import RowMapper, to_json
from arborlink.hub.store.task_head import split_row
from arborlink.hub.store.task_search import add_matcher, search_bindings, searched_text
from arborlink.hub.store.terminal_sizes import decode_sizes, store_size
from arborlink.protocol.errors import Conflict, LocalProtocolError, NotFound, TooManyRequests
from arborlink.protocol.lifecycle import TaskEvent, TaskStatus, advance, is_final
from arborlink.protocol.limits import KIB, MIB
from arborlink.protocol.resources import TerminalSizeChange

# A page of a list ends where its rows have more text than this. One row is always there.
LIST_CHARS: Final = 1 * MIB
# When a day's oldest keys may have ended.
KEYS_RETRY_SECONDS: Final = 60.0
# Greater than every task's id: a page that begins at the newest is a range like any other.
AFTER_ALL_IDS: Final = "tsk~"
ID_PREFIX: Final = "tsk_"
# Of the end of an id that is looked up, as the index `tasks_by_end` has it.
END_CHARS: Final = 4

# What a task takes in the database besides its texts, about: all else in its rows, and the indexes.
ROW_BYTES: Final = 1 * KIB

_SQL: Final = load("tasks")
_RETENTION: Final = load("retention")
_TASK: Final = RowMapper(TaskRow, json=frozenset({"args", "env", "tty", "gaps"}))
_REQUEST: Final = RowMapper(TaskRequest, json=frozenset({"args", "env"}))


class SqliteTasks(Database):
    """Implements `TaskStore`."""

    def task(self, task_id: str) -> TaskRow | None:
        """One task."""
        return _TASK.optional(self._one(_SQL["task"], {"id": task_id}))

    def task_request(self, task_id: str) -> TaskRequest:
        """Return what the task was asked to run."""
        request = _REQUEST.optional(self._one(_SQL["task_request"], {"id": task_id}))
        if request is None:
            raise _no_task(task_id)
        return request

    async def tasks(self, query: TaskQuery) -> TaskList:
        """Read a page, newest first."""
        search = query.search or ""

        def job(connection: apsw.Connection) -> TaskList:
            add_matcher(connection, search)
            if query.id_part is None:
                return _page(connection.execute(*_listing(query)), query.limit)
            rows = [
                row
                for sql, bindings in _named(query, query.id_part)
                for row in connection.execute(sql, bindings)
            ]
            # An id may begin and end so; each listing has its newest rows.
            by_id = {row[0]: row for row in rows}
            newest = sorted(by_id, reverse=True)[: query.limit + 1]
            return _page((by_id[each] for each in newest), query.limit)

        readers = self.searches if search else self.lists
        return await readers.read(job)

    def unfinished_tasks(self, workspace_id: str) -> list[TaskRow]:
        """Return those that are not final, oldest first."""
        return self._tasks(_SQL["unfinished_tasks"], {"workspace": workspace_id})

    def next_waiting_task(self, workspace_id: str) -> TaskRow | None:
        """Return the oldest that is pending and was not handed to a daemon."""
        return _TASK.optional(self._one(_SQL["next_waiting_task"], {"workspace": workspace_id}))

    def task_counts(self, workspace_id: str | None = None) -> TaskCounts:
        """Unfinished tasks of a workspace, or of all."""
        if workspace_id is None:
            row = self._one(_SQL["all_task_counts"])
        else:
            row = self._one(_SQL["task_counts"], {"workspace": workspace_id})
        dispatched, queued = row or (0, 0)
        return TaskCounts(dispatched=dispatched, queued=queued)

    async def task_counts_by_workspace(self) -> dict[str, TaskCounts]:
        """Read the counts of all workspaces that have any."""
        rows = await self.lists.read(
            lambda connection: fetch(connection, _SQL["task_counts_by_workspace"])
        )
        return {
            workspace_id: TaskCounts(dispatched=dispatched, queued=queued)
            for workspace_id, dispatched, queued in rows
        }

    def handed_over_tasks(self, workspace_id: str) -> list[TaskRow]:
        """Return those that were meant for an earlier daemon and are not final, oldest first."""
        return self._tasks(_SQL["handed_over_tasks"], {"workspace": workspace_id})

    def queued_by(self, user_id: str) -> int:
        """Return how many tasks of this account wait, in all workspaces."""
        ((count,),) = self._all(_SQL["queued_by"], {"user_id": user_id})
        return int(count)

    def expired_tasks(self, now: int, limit: int) -> list[TaskRow]:
        """Return some that are pending, never handed to a daemon, and past `expires_at`."""
        return self._tasks(_SQL["expired_tasks"], {"now": now, "limit": limit})

    def repeated_task(self, key: IdempotencyKey, now: int) -> TaskRow | None:
        """The task that the key made before."""
        found = self._one(_SQL["live_key"], {"user_id": key.user_id, "key": key.key, "now": now})
        return None if found is None else self.task(_same_request(key, *found))

    def known_tasks(self, task_ids: Collection[str]) -> set[str]:
        """Those of the ids that are tasks'."""
        rows = self._all(_SQL["known_tasks"], {"ids": to_json(sorted(task_ids))})
        return {task_id for (task_id,) in rows}

    async def add_task(
        self,
        row: TaskRow,
        key: IdempotencyKey | None = None,
        *,
        limit: int | None = None,
        keys_limit: int | None = None,
    ) -> TaskRow:
        """Store a new task, or find the one that the key made."""
        head, request = split_row(row)
        statements = _insertions(row, head, request)

        def job(connection: apsw.Connection) -> TaskRow:
            if key is not None:
                earlier = _earlier(connection, key, row.created_at)
                if earlier is not None:
                    return earlier
                if keys_limit is not None:
                    _check_keys(connection, key, keys_limit)
            if limit is not None:
                _check_unfinished(connection, row.workspace_id, limit)
            try:
                for name, bindings in statements:
                    connection.execute(_SQL[name], bindings)
            except apsw.ConstraintError as error:
                raise _refused(row, error) from error
            if key is not None:
                connection.execute(_SQL["add_key"], {**_key(key), "task_id": row.id})
            return head

        return await self._write(job)

    async def dispatch_task(self, task_id: str, instance_id: str | None) -> TaskRow:
        """Record to which supervisor instance the task is about to be handed."""

        def job(connection: apsw.Connection) -> TaskRow:
            row = _existing(connection, task_id)
            if row.status is not TaskStatus.PENDING:
                raise LocalProtocolError(
                    f"a task that is {row.status} cannot be dispatched", code="illegal_transition"
                )
            # At most once: what one instance may have started is never handed to another.
            if instance_id is not None and row.instance_id not in (None, instance_id):
                raise LocalProtocolError(
                    f"task {task_id} went to instance {row.instance_id} already",
                    code="illegal_transition",
                )
            connection.execute(_SQL["dispatch_task"], {"id": task_id, "instance_id": instance_id})
            return _existing(connection, task_id)

        return await self._write(job)

    async def set_task_log(self, task_id: str, log_id: str) -> None:
        """Record the identity of the task's output log."""
        bindings = {"id": task_id, "log_id": log_id}
        await self._execute(_SQL["set_task_log"], bindings)

    async def transition_task(
        self, task_id: str, event: TaskEvent, changes: TaskChanges
    ) -> TaskRow:
        """Advance the task by the lifecycle's table."""

        def job(connection: apsw.Connection) -> TaskRow:
            status = advance(_existing(connection, task_id).status, event)
            bindings = {**_TASK.encode(changes), "id": task_id, "status": status}
            connection.execute(_SQL["transition_task"], bindings)
            if is_final(status):
                settled = {"id": task_id, "at": changes.finished_at or 0}
                connection.execute(_SQL["settle_variables"], settled)
            return _existing(connection, task_id)

        return await self._write(job)

    async def request_cancel(self, task_id: str) -> TaskRow:
        """Remember that somebody wants the task cancelled."""

        def job(connection: apsw.Connection) -> TaskRow:
            connection.execute(_SQL["request_cancel"], {"id": task_id})
            return _existing(connection, task_id)

        return await self._write(job)

    def terminal_sizes(self, task_id: str) -> list[TerminalSizeChange]:
        """Return the sizes that the task's terminal has had, in order."""
        return decode_sizes(self._all(_SQL["terminal_sizes"], {"task_id": task_id}))

    async def resize_task(self, task_id: str, change: TerminalSizeChange) -> TaskRow:
        """Record a size of the task's terminal."""

        def job(connection: apsw.Connection) -> TaskRow:
            row = _existing(connection, task_id)
            if row.tty is not None and store_size(connection, task_id, row.tty, change):
                terminal = structs.replace(row.tty, cols=change.cols, rows=change.rows)
                bindings = {"id": task_id, "tty": to_json(terminal)}
                connection.execute(_SQL["resize_task"], bindings)
                row = _existing(connection, task_id)
            return row

        return await self._write(job)

    def _tasks(self, sql: str, bindings: Bindings) -> list[TaskRow]:
        return [_TASK.decode(row) for row in self._all(sql, bindings)]


def _listing(query: TaskQuery) -> tuple[str, Bindings]:
    workspaces = query.workspace_ids
    bindings: Bindings = {
        "before": AFTER_ALL_IDS if query.before is None else query.before,
        "statuses": to_json(sorted(query.statuses)) if query.statuses else None,
        **search_bindings(query.search),
        "limit": query.limit + 1,
    }
    if query.created_by is None and workspaces is not None and len(workspaces) == 1:
        bindings["workspace"] = next(iter(workspaces))
        return _SQL["tasks_of_workspace"], bindings
    bindings["workspaces"] = None if workspaces is None else to_json(sorted(workspaces))
    if query.created_by is not None:
        bindings["created_by"] = query.created_by
        return _SQL["tasks_of_creator"], bindings
    return _SQL["tasks"], bindings


def _named(query: TaskQuery, part: str) -> list[tuple[str, Bindings]]:
    """Return the listings whose tasks have an id that begins or ends with `part`."""
    workspaces = query.workspace_ids
    bindings: Bindings = {
        "before": AFTER_ALL_IDS if query.before is None else query.before,
        "statuses": to_json(sorted(query.statuses)) if query.statuses else None,
        **search_bindings(query.search),
        "limit": query.limit + 1,
        "workspaces": None if workspaces is None else to_json(sorted(workspaces)),
        "created_by": query.created_by,
    }
    beginning = part if part.startswith(ID_PREFIX) else ID_PREFIX + part
    found = [(_SQL["tasks_that_begin"], {**bindings, "part": beginning})]
    if len(part) >= END_CHARS:
        found.append((_SQL["tasks_that_end"], {**bindings, "part": part}))
    return found


def _page(found: Iterable[tuple[Any, ...]], limit: int) -> TaskList:
    rows: list[TaskRow] = []
    size = 0
    for row in found:
        size += sum(len(value) for value in row if isinstance(value, str))
        if len(rows) == limit or (rows and size > LIST_CHARS):
            return TaskList(rows=rows, has_more=True)
        rows.append(_TASK.decode(row))
    return TaskList(rows=rows, has_more=False)


def _insertions(
    row: TaskRow, head: TaskRow, request: TaskRequest | None
) -> list[tuple[str, dict[str, Any]]]:
    """The names of the statements that store a task, with their bindings, in order."""
    texts = {"text": searched_text(row)}
    found = [("add_task_text", {"id": row.id, **texts})]
    if request is not None:
        encoded = _REQUEST.encode(request)
        whole = {name: encoded[name] for name in ("command", "args", "env")}
        texts |= whole
        found.append(("add_task_request", {"id": row.id, **whole}))
    if row.env:
        texts["values"] = to_json(row.env)
        found.append(("add_task_variables", {"id": row.id, "env": texts["values"]}))
    own = _TASK.encode(head)
    stored = [*texts.values(), *(value for value in own.values() if isinstance(value, str))]
    own["row_bytes"] = ROW_BYTES + sum(len(text.encode()) for text in stored)
    return [("add_task", own), *found]


def _check_unfinished(connection: apsw.Connection, workspace_id: str, limit: int) -> None:
    ((count,),) = fetch(connection, _RETENTION["unfinished_of_owner"], {"workspace": workspace_id})
    if count >= limit:
        raise TooManyRequests(
            f"{count} tasks of this account wait or run already, and at most {limit} may; cancel "
            "some or wait",
            code="too_many_tasks",
            retry_after=10.0,
        )


def _existing(connection: apsw.Connection, task_id: str) -> TaskRow:
    for row in fetch(connection, _SQL["task"], {"id": task_id}):
        return _TASK.decode(row)
    raise _no_task(task_id)


def _no_task(task_id: str) -> NotFound:
    return NotFound(f"There is no task {task_id}.", ref=task_id)


def _check_keys(connection: apsw.Connection, key: IdempotencyKey, limit: int) -> None:
    ((count,),) = fetch(connection, _SQL["count_keys"], {"user_id": key.user_id})
    if count >= limit:
        raise TooManyRequests(
            f"This account used {count} Idempotency-Keys within a day, and at most {limit} are "
            "remembered. Send the request without one, or wait.",
            code="too_many_keys",
            retry_after=KEYS_RETRY_SECONDS,
        )


def _earlier(connection: apsw.Connection, key: IdempotencyKey, now: int) -> TaskRow | None:
    connection.execute(_RETENTION["forget_keys"], {"now": now})
    for body_hash, task_id in fetch(connection, _SQL["key"], _key(key)):
        return _existing(connection, _same_request(key, body_hash, task_id))
    return None


def _same_request(key: IdempotencyKey, body_hash: bytes, task_id: str) -> str:
    if body_hash != key.body_hash:
        raise Conflict(
            "This Idempotency-Key was used for another request. Use a new key.",
            code="idempotency_key_reused",
        )
    return task_id


def _key(key: IdempotencyKey) -> dict[str, Any]:
    return {
        "user_id": key.user_id,
        "key": key.key,
        "body_hash": key.body_hash,
        "expires_at": key.expires_at,
    }


def _refused(row: TaskRow, error: apsw.ConstraintError) -> Exception:
    if breaks_reference(error):
        return NotFound(f"There is no workspace {row.workspace_id}.", ref=row.workspace_id)
    return Conflict(f"Task {row.id} cannot be stored: {error}.", ref=row.id)
