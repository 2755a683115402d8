"""SQLite keeps the contract, and what is particular to it."""

from __future__ import annotations

import asyncio
import re
import stat
from pathlib import Path

import apsw
import msgspec
import pytest

from arborlink.hub.store import queries, schema
from arborlink.hub.store.base import TaskQuery, TaskRow, WorkspaceRow
from arborlink.hub.store.base_access import DaemonRow, SessionRow, TokenRow, UserRow
from arborlink.hub.store.sqlite import SqliteStore
from arborlink.hub.store.task_search import add_matcher
from arborlink.hub.store.writer import MAX_WAITING_JOBS
from arborlink.protocol.errors import Unavailable
from arborlink.protocol.lifecycle import TaskStatus, is_final

from . import rows
from .contract import TaskContract
from .contract_access import AccessContract, WorkspaceContract
from .contract_retention import RetentionContract

PAGE_BYTES = 4_096
# The migration that let credentials end with what made them.
LINEAGE = next(
    number for number, script in schema.migrations() if "CREATE TABLE handed_over_tasks" in script
)


class TestTasks(TaskContract):
    """Tasks in SQLite."""


class TestRetention(RetentionContract):
    """What removes old things, in SQLite."""


class TestWorkspaces(WorkspaceContract):
    """Workspaces in SQLite."""


class TestAccess(AccessContract):
    """Accounts and daemons in SQLite."""


async def test_the_hub_keeps_its_identity_and_counts_its_openings(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "hub.sqlite3"
    for opening in (1, 2, 3):
        store = await SqliteStore.open(path, lambda number=opening: f"hub_{number}")  # type: ignore[misc]
        assert (store.hub_id, store.generation) == ("hub_1", opening)
        await store.close()
        await store.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["hub.sqlite3"]


async def test_a_closed_store_refuses_writes(store: SqliteStore) -> None:
    await store.close()
    with pytest.raises(Unavailable) as caught:
        await store.add_task(rows.task(1))
    assert caught.value.code == "draining"


async def test_what_was_handed_in_before_closing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite3"
    store = await SqliteStore.open(path, lambda: "hub_1")
    await store.ensure_owner(rows.OWNER)
    await store.add_token(rows.token(1))
    store.note_token_used("tok_1", 7)
    await store.close()
    store = await SqliteStore.open(path, lambda: "hub_1")
    assert (await store.tokens(rows.OWNER.id))[0].last_used_at == 7
    await store.close()


async def test_a_database_of_the_first_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite3"
    connection = apsw.Connection(str(path))
    connection.execute(f"{schema.migrations()[0][1]}; PRAGMA user_version = 1")
    connection.execute("INSERT INTO users VALUES ('usr_1', 'owner', 'owner', NULL, 1)")
    connection.execute("INSERT INTO sessions VALUES ('tok_1', 'usr_1', zeroblob(32), 1, 9)")
    connection.close()
    store = await SqliteStore.open(path, lambda: "hub_1")
    row = store.session_by_hash(bytes(32))
    assert row is not None and (row.expires_at, row.last_seen_at, row.address) == (9, None, None)
    await store.close()


async def test_credentials_of_an_older_schema_keep_what_they_could_do(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite3"
    connection = apsw.Connection(str(path))
    older = [script for number, script in schema.migrations() if number < LINEAGE]
    connection.execute(";".join([*older, f"PRAGMA user_version = {LINEAGE - 1}"]))
    connection.execute("INSERT INTO users VALUES ('usr_1', 'owner', 'owner', NULL, 1)")
    for name, scopes in (("a", '["tasks:read"]'), ("b", '["tasks:read","workspaces:write"]')):
        connection.execute(
            "INSERT INTO tokens (id, user_id, name, prefix, secret_hash, scopes, created_at) "
            "VALUES (:id, 'usr_1', 'n', 'p', :hash, :scopes, 1)",
            {"id": f"tok_{name}", "hash": name.encode() * 32, "scopes": scopes},
        )
    connection.execute(
        "INSERT INTO sessions (id, user_id, secret_hash, created_at, expires_at) "
        "VALUES ('tok_s', 'usr_1', zeroblob(32), 1, 30 * 86400000000)"
    )
    for workspace, daemon in (("ws_1", "dmn_1"), ("ws_2", None)):
        connection.execute(
            "INSERT INTO workspaces (id, name, owner_id, created_at, daemon_id) "
            "VALUES (:id, :id, 'usr_1', 1, :daemon)",
            {"id": workspace, "daemon": daemon},
        )
    connection.close()
    store = await SqliteStore.open(path, lambda: "hub_1")
    tokens = {row.id: row.scopes for row in await store.tokens("usr_1")}
    assert tokens["tok_a"] == ["tasks:read"]
    assert tokens["tok_b"] == ["tasks:read", "workspaces:write", "daemons:write"]
    session = store.session_by_hash(bytes(32))
    assert session is not None and session.confirmed_at is None and session.made_by is None
    assert session.ends_at == 90 * 86_400 * 1_000_000, "counted from its last use"
    assert (store.is_untouched("ws_1"), store.is_untouched("ws_2")) == (False, True)
    await store.close()


async def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite3"
    await (await SqliteStore.open(path, lambda: "hub_1")).close()
    connection = apsw.Connection(str(path))
    connection.pragma("user_version", 999)
    connection.close()
    with pytest.raises(Unavailable, match="newer Arbor") as caught:
        await SqliteStore.open(path, lambda: "hub_1")
    assert caught.value.code == schema.SCHEMA_TOO_NEW


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite3"
    path.write_bytes(b"this is a text" * 1000)
    with pytest.raises(Unavailable) as caught:
        await SqliteStore.open(path, lambda: "hub_1")
    assert caught.value.code == "storage_failed"


async def test_damage_is_named_where_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite3"
    store = await SqliteStore.open(path, lambda: "hub_1")
    await store.ensure_owner(rows.OWNER)
    for n in range(50):
        await store.add_workspace(rows.workspace(n))
    await store.close()
    content = bytearray(path.read_bytes())
    # The schema, which is read when it is opened, is whole; what is stored is not.
    begins = content.find(b"ws_")
    while begins >= 0:
        page = begins // PAGE_BYTES * PAGE_BYTES
        content[page : page + PAGE_BYTES] = b"\xff" * PAGE_BYTES
        begins = content.find(b"ws_")
    path.write_bytes(content)
    store = await SqliteStore.open(path, lambda: "hub_1")
    with pytest.raises(Unavailable) as caught:
        await store.workspaces()
    assert caught.value.code == "storage_failed"
    await store.close()


async def test_a_full_disk_refuses_writes_and_still_reads(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite3"
    store = await SqliteStore.open(path, lambda: "hub_1")
    await store.ensure_owner(rows.OWNER)
    await store.add_workspace(rows.workspace(1))
    await store._write(lambda connection: connection.pragma("max_page_count", 1))
    with pytest.raises(Unavailable) as caught:
        for n in range(1_000):
            await store.add_task(rows.task(n, args=["x" * 1_000]))
    assert caught.value.code == "storage_full"
    assert store.workspace(rows.workspace_id(1)) is not None
    await store._write(lambda connection: connection.pragma("max_page_count", 1_000_000))
    await store.add_task(rows.task(2_000))
    assert store.task(rows.task_id(2_000)) is not None
    await store.close()


async def test_the_log_does_not_grow_without_end(store: SqliteStore, tmp_path: Path) -> None:
    await store.add_task(rows.task(0))
    for n in range(1, 400):
        await store.add_task(rows.task(n, args=["x" * 60_000]))
    log = tmp_path / "hub.sqlite3-wal"
    assert log.stat().st_size < 12 * 1024 * 1024
    assert len((await store.tasks(TaskQuery(limit=500))).rows) == 400


def test_the_status_check_is_that_of_the_lifecycle() -> None:
    script = schema.migrations()[0][1]
    (check,) = re.findall(r"CHECK \(\s*status IN \(([^)]*)\)", script)
    assert set(re.findall(r"'(\w+)'", check)) == set(TaskStatus)
    unfinished = {str(status) for status in TaskStatus if not is_final(status)}
    for condition in re.findall(r"WHERE status IN \(([^)]*)\)", script):
        assert set(re.findall(r"'(\w+)'", condition)) == unfinished


@pytest.mark.parametrize(
    ("view", "row"),
    [
        ("task_rows", TaskRow),
        ("workspace_rows", WorkspaceRow),
        ("user_rows", UserRow),
        ("token_rows", TokenRow),
        ("session_rows", SessionRow),
        ("daemon_rows", DaemonRow),
    ],
)
def test_a_view_has_the_fields_of_its_row(view: str, row: type[msgspec.Struct]) -> None:
    connection = apsw.Connection(":memory:")
    schema.migrate(connection)
    columns = [column[1] for column in connection.execute(f"PRAGMA table_info({view})")]
    assert columns == list(row.__struct_fields__)
    assert schema.migrate(connection) == schema.migrations()[-1][0]


@pytest.mark.parametrize("name", ["tasks", "retention", "workspaces", "access", "meta"])
def test_every_statement_has_a_purpose_and_compiles(name: str) -> None:
    connection = apsw.Connection(":memory:")
    schema.migrate(connection)
    add_matcher(connection, "")
    for statement in queries.load(name).values():
        purpose, _, sql = statement.partition("\n")
        assert purpose.startswith("-- ") and sql
        names = set(re.findall(r":(\w+)", sql))
        connection.execute(f"EXPLAIN {sql}", dict.fromkeys(names))


async def test_more_writes_than_may_wait_are_refused_at_once(store: SqliteStore) -> None:
    attempts = MAX_WAITING_JOBS + 50
    written = await asyncio.gather(
        *(store.check_writable() for _ in range(attempts)), return_exceptions=True
    )
    refused = [error for error in written if isinstance(error, Unavailable)]
    assert len(refused) == 50 and {error.code for error in refused} == {"overloaded"}
    await store.check_writable()


async def test_a_write_that_nobody_waits_for_any_more_is_still_made(store: SqliteStore) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await store.add_task(rows.task(1))
    await store.check_writable()
    assert store.task(rows.task_id(1)) is not None
