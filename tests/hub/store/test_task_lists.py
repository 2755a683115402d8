"""Lists of tasks are read through indexes, in linear time, on threads, and within a budget."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from pathlib import Path

import apsw
import pytest

from arborlink.hub.store import queries, schema
from arborlink.hub.store.base import TaskQuery
from arborlink.hub.store.readers import READS_AT_ONCE, STEPS_PER_CHECK, Readers
from arborlink.hub.store.sqlite import SqliteStore
from arborlink.hub.store.task_search import SEARCHED_CHARS, START_CHARS, add_matcher
from arborlink.protocol.errors import InvalidInput, TooManyRequests, Unavailable
from tests.bounds import HANG_SECONDS, NEVER_SECONDS

from . import rows

# The last schema with what is searched in the tasks' own rows.
SCHEMA_BEFORE = 5
# Reads until it is interrupted, and returns nothing.
ENDLESS = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"
# What reads every row of a table, or sorts what it has read. Each has a reason.
EXPECTED_SCANS = {
    # One row that is made of constants, and the last size of one task.
    "place_of_terminal_size",
    # Unfinished tasks are bounded by the limits of each workspace.
    "all_task_counts",
    "task_counts_by_workspace",
    # Accounts, machines and facts about the hub: few, and not of a client's making.
    "workspaces",
    "workspace_names",
    "count_workspaces",
    "owner",
    "users",
    "count_owners",
    "names_of_workspaces",
    "sessions",
    "facts",
    # A backup reads everything, in a process of its own.
    "snapshot_tasks",
}


def endless(connection: apsw.Connection) -> None:
    """Read without an end."""
    connection.execute(ENDLESS).fetchall()


@pytest.mark.parametrize("file", ["tasks", "workspaces", "access", "meta", "snapshot"])
def test_what_is_read_is_found_by_an_index(file: str) -> None:
    connection = apsw.Connection(":memory:")
    schema.migrate(connection)
    add_matcher(connection, "")
    for name, sql in queries.load(file).items():
        if not sql.partition("\n")[2].lstrip().startswith(("SELECT", "--")):
            continue  # a write, on the writer's thread
        names = dict.fromkeys(re.findall(r":(\w+)", sql))
        plan = [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", names)]
        reads = [step for step in plan if re.match(r"SCAN (?!json_each)|USE TEMP B-TREE", step)]
        assert not reads or name in EXPECTED_SCANS, (name, plan)


@pytest.mark.parametrize("letters", [1, START_CHARS, START_CHARS + 1, 256])
async def test_a_text_is_found_wherever_it_is_and_however_long(
    store: SqliteStore, letters: int
) -> None:
    sought = ("Xy" * letters)[:letters]
    end = " " * (SEARCHED_CHARS - len("true ") - letters)
    await store.add_task(rows.task(1, args=[end + sought]))
    await store.add_task(rows.task(2, args=[end + " " + sought]))
    await store.add_task(rows.task(3, args=[sought[:-1] + "!"]))
    found = await store.tasks(TaskQuery(search=sought.upper()))
    # Of the second, the last letter is beyond what is searched.
    assert [row.id for row in found.rows] == [rows.task_id(1)]


async def test_a_search_takes_time_in_proportion_to_what_it_reads(store: SqliteStore) -> None:
    for n in range(100):
        await store.add_task(rows.task(n, args=["a" * SEARCHED_CHARS]))

    async def used(search: str) -> float:
        began = time.process_time()
        assert not (await store.tasks(TaskQuery(search=search))).rows
        return time.process_time() - began

    cheap = min([await used("b") for _ in range(5)])
    dear = min([await used("a" * 255 + "b") for _ in range(5)])
    # `LIKE` took three hundred times as long: each of the letters at each of the positions.
    assert dear < 20 * cheap


async def test_a_read_beyond_its_budget_is_refused_by_name(store: SqliteStore) -> None:
    count = STEPS_PER_CHECK // 5
    await asyncio.gather(*(store.add_task(rows.task(n)) for n in range(count)))
    for readers, query in (
        (store.searches, TaskQuery(search="tru", limit=count)),
        (store.lists, TaskQuery(limit=count)),
    ):
        readers.seconds = 0
        with pytest.raises(InvalidInput) as caught:
            await store.tasks(query)
        assert caught.value.code == "read_too_slow"
        readers.seconds = NEVER_SECONDS
        assert len((await store.tasks(query)).rows) == count


async def test_a_read_without_an_end_stops_nothing_else(store: SqliteStore) -> None:
    store.searches.seconds = NEVER_SECONDS
    searches = [asyncio.create_task(store.searches.read(endless)) for _ in range(READS_AT_ONCE)]
    waiting = asyncio.create_task(store.tasks(TaskQuery(search="true")))
    for n in range(50):
        row = await store.add_task(rows.task(n))
        assert store.task(row.id) == row
        assert (await store.tasks(TaskQuery(limit=1))).rows == [row]
    assert not any(each.done() for each in (*searches, waiting))
    for each in searches:
        each.cancel()
    # Each has been interrupted, or this would wait for its thread without an end.
    async with asyncio.timeout(HANG_SECONDS):
        assert len((await waiting).rows) == 50


async def test_reads_wait_for_their_turn_and_not_too_many_do(tmp_path: Path) -> None:
    readers = Readers(lambda: apsw.Connection(":memory:"), name="test", at_once=1, waiting=1)
    release = threading.Event()

    def job(_connection: apsw.Connection) -> bool:
        return release.wait(HANG_SECONDS)

    first, second = (asyncio.create_task(readers.read(job)) for _ in range(2))
    await asyncio.sleep(0)
    with pytest.raises(TooManyRequests) as caught:
        await readers.read(job)
    assert (caught.value.code, caught.value.retry_after) == ("too_many_reads", 1.0)
    second.cancel()
    await asyncio.wait([second])
    third = asyncio.create_task(readers.read(job))
    release.set()
    assert await first and await third
    await asyncio.to_thread(readers.close)
    with pytest.raises(Unavailable) as closed:
        await readers.read(job)
    assert closed.value.code == "draining"


async def test_closing_interrupts_what_is_read() -> None:
    readers = Readers(
        lambda: apsw.Connection(":memory:"), name="test", at_once=1, seconds=NEVER_SECONDS
    )
    reads = [asyncio.create_task(readers.read(endless)) for _ in range(2)]
    await asyncio.sleep(0)
    async with asyncio.timeout(HANG_SECONDS):
        await asyncio.to_thread(readers.close)
        ends = await asyncio.gather(*reads, return_exceptions=True)
    assert [isinstance(end, Unavailable) and end.code for end in ends] == ["draining"] * 2


async def test_what_is_searched_moves_when_a_database_is_brought_up_to_date(
    tmp_path: Path,
) -> None:
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
      created_at, search_text
    ) VALUES (
      ?, 'ws_1', 'Make', '["All"]', '.', '{}', 0, 'block', 'open', 'pending', 'usr_1', 1, ?
    )"""
    for n in (1, 2):
        connection.execute(insert, (rows.task_id(n), f"make all {n}"))
    connection.execute(
        "INSERT INTO idempotency_keys VALUES ('usr_1', 'k', zeroblob(1), ?, 9)", (rows.task_id(1),)
    )
    connection.close()
    store = await SqliteStore.open(path, lambda: "hub_1")
    (found,) = (await store.tasks(TaskQuery(search="ALL 2"))).rows
    assert (found.id, found.command, found.args) == (rows.task_id(2), "Make", ["All"])
    assert len((await store.tasks(TaskQuery(search="make"))).rows) == 2
    assert len(store.unfinished_tasks("ws_1")) == 2
    await store.close()
    connection = apsw.Connection(str(path))
    assert connection.execute("SELECT count(*) FROM idempotency_keys").get == 1
    connection.close()


async def test_what_is_searched_goes_with_its_task(store: SqliteStore, tmp_path: Path) -> None:
    await store.add_task(rows.task(1))
    await store.request_cancel(rows.task_id(1))
    await store.delete_workspace(rows.workspace_id(1))
    connection = apsw.Connection(str(tmp_path / "hub.sqlite3"))
    assert connection.execute("SELECT count(*) FROM task_texts").get == 0
    connection.close()
