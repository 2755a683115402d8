"""A task's row has the beginning of a long command; all of it is stored beside the row."""

from __future__ import annotations

from pathlib import Path

import apsw
import msgspec
from hypothesis import given
from hypothesis import strategies as st

from arborlink.hub.store import schema
from arborlink.hub.store.base import TaskChanges, TaskQuery, TaskRequest
from arborlink.hub.store.sqlite import SqliteStore
from arborlink.hub.store.sqlite_tasks import LIST_CHARS
from arborlink.hub.store.task_head import split_row
from arborlink.protocol.lifecycle import TaskEvent
from arborlink.protocol.limits import MIB, TASK_HEAD_BYTES
from arborlink.protocol.resources import command_bytes

from . import rows

# The last schema with all arguments in the tasks' own rows.
SCHEMA_BEFORE = 6
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=600)


@given(
    command=TEXTS, args=st.lists(TEXTS, max_size=5), env=st.dictionaries(TEXTS, TEXTS, max_size=5)
)
def test_a_row_has_a_bounded_beginning_and_says_so(
    command: str, args: list[str], env: dict[str, str]
) -> None:
    row = rows.task(1, command=command, args=args, env=env)
    head, request = split_row(row)
    assert command_bytes(head.command, head.args, {}) <= TASK_HEAD_BYTES
    assert command_bytes("", [], dict.fromkeys(head.env, "")) <= TASK_HEAD_BYTES + 1 + len(head.env)
    is_whole = (head.command, head.args, list(head.env)) == (command, args, list(env))
    assert head.is_cut is not is_whole
    assert not any(head.env.values())
    if request is None:
        assert head == msgspec.structs.replace(row, env=head.env)
    else:
        assert request == TaskRequest(command=command, args=args, env=env)
        # All but the last are whole, and that is a beginning.
        texts, shown = [command, *args], [head.command, *head.args]
        assert shown[:-1] == texts[: len(shown) - 1]
        assert texts[len(shown) - 1].startswith(shown[-1])
        assert list(head.env) == list(env)[: len(head.env)]


def test_a_command_at_the_size_of_a_head_is_whole_and_one_above_it_is_cut() -> None:
    for size, is_cut in ((TASK_HEAD_BYTES - 1, False), (TASK_HEAD_BYTES, True)):
        head, request = split_row(rows.task(1, command="c" * size))
        assert (head.is_cut, request is not None) == (is_cut, is_cut)
        assert len(head.command) == TASK_HEAD_BYTES - 1


async def test_a_long_command_stays_whole_through_all_changes(
    store: SqliteStore, tmp_path: Path
) -> None:
    row = rows.task(1, command="c", args=["ä" * 40_000, "b"], env={"NAME": "v" * 9_000})
    stored = await store.add_task(row)
    assert (stored.is_cut, stored.command, stored.env) == (True, "c", {"NAME": ""})
    assert store.task(row.id) == stored and (await store.tasks(TaskQuery())).rows == [stored]
    assert store.next_waiting_task(row.workspace_id) == stored
    await store.dispatch_task(row.id, "i")
    assert store.next_waiting_task(row.workspace_id) is None
    whole = TaskRequest(command="c", args=row.args, env=row.env)
    assert store.task_request(row.id) == whole
    await store.transition_task(row.id, TaskEvent.CANCEL, TaskChanges())
    assert store.task_request(row.id) == whole
    assert await store.delete_tasks([row.id]) == {row.id}
    connection = apsw.Connection(str(tmp_path / "hub.sqlite3"))
    for table in ("task_requests", "task_variables", "task_texts"):
        assert connection.execute(f"SELECT count(*) FROM {table}").get == 0
    connection.close()


async def test_a_page_ends_where_its_rows_are_large(store: SqliteStore) -> None:
    count = 300
    for n in range(count):
        await store.add_task(rows.task(n, cwd="d" * 4_000, error="e" * 4_000))
    seen, pages, before = [], 0, None
    while True:
        page = await store.tasks(TaskQuery(limit=500, before=before))
        assert len(msgspec.json.encode(page.rows)) < LIST_CHARS * 1.2
        seen += [row.id for row in page.rows]
        pages, before = pages + 1, page.rows[-1].id
        if not page.has_more:
            break
    assert seen == [rows.task_id(n) for n in reversed(range(count))]
    assert pages == 3


async def test_long_commands_move_when_a_database_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite3"
    connection = apsw.Connection(str(path))
    for number, script in schema.migrations()[:SCHEMA_BEFORE]:
        connection.execute(f"{script}; PRAGMA user_version = {number}")
    connection.execute("INSERT INTO users VALUES ('usr_1', 'owner', 'owner', NULL, 1)")
    connection.execute(
        "INSERT INTO workspaces (id, name, owner_id, created_at) VALUES ('ws_1', 'w', 'usr_1', 1)"
    )
    insert = """INSERT INTO tasks (
      id, workspace_id, command, args, cwd, env, shell, on_spool_full, stdin, status, created_by,
      created_at
    ) VALUES (?, 'ws_1', ?, ?, '.', ?, 0, 'block', 'open', 'pending', 'usr_1', 1)"""
    requests = [
        TaskRequest(command="make", args=["all"], env={"A": "1"}),
        TaskRequest(command="m" * MIB, args=[], env={}),
        TaskRequest(command="make", args=["all", "ü" * MIB, "c"], env={"A": "1", "B": "b" * MIB}),
        TaskRequest(command="make", args=["x"] * 10_000, env={f"N{n}": "" for n in range(1_000)}),
    ]
    for n, request in enumerate(requests):
        texts = [msgspec.json.encode(each).decode() for each in (request.args, request.env)]
        connection.execute(insert, (rows.task_id(n), request.command, *texts))
    connection.close()
    store = await SqliteStore.open(path, lambda: "hub_1")
    assert [store.task_request(rows.task_id(n)) for n in range(4)] == requests
    found = list(reversed((await store.tasks(TaskQuery())).rows))
    assert [row.is_cut for row in found] == [False, True, True, True]
    assert (found[0].args, found[0].env) == (["all"], {"A": ""})
    assert (found[2].command, found[2].args) == ("make", ["all"])
    assert list(found[2].env) == ["A", "B"] and not any(found[2].env.values())
    for row in found:
        assert command_bytes(row.command, row.args, {}) <= TASK_HEAD_BYTES
        assert sum(map(len, row.env)) <= TASK_HEAD_BYTES
    assert store.next_waiting_task("ws_1") == found[0]
    await store.close()
