"""Everything that is deleted is told of, whatever deletes it, or cannot be listened to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import apsw
import pytest
from msgspec import structs

from arborlink.hub.store import removals
from arborlink.hub.store.base import Removed, TaskChanges
from arborlink.hub.store.base_access import DaemonChange, EnrolmentRow, UserRow
from arborlink.hub.store.schema import migrate
from arborlink.hub.store.sqlite import SqliteStore
from arborlink.protocol.errors import NotFound, Unavailable
from arborlink.protocol.lifecycle import TaskEvent, TaskStatus, is_final

from . import rows
from .contract_access import session

# Tables whose rows may go in silence, and why nobody can be listening to one.
UNTOLD: Final = {
    "meta": "names facts of the database, which are never deleted",
    "enrolments": "a code is looked up once, in the transaction that uses it",
    "sign_in_links": "a link is looked up once, in the transaction that uses it",
    "offered_tokens": "looked up by a handshake; the daemon it is for is told of itself",
    "idempotency_keys": "looked up by each request",
    "task_texts": "read by the statement that searches",
    "task_requests": "read once, when the task is shown or handed over",
    "task_variables": "read once, when the task is handed over or run again",
    "terminal_sizes": "read when the task is followed or recorded, of a row that is looked up",
    "workspace_usage": "sums, looked up by whoever makes room",
    "handed_over_tasks": "read once, by the handshake of the daemon that took over",
}
# Of the schema, and the table that they change, which is one of those.
KNOWN_TRIGGERS: Final = {
    "task_added": "workspace_usage",
    "task_changed": "workspace_usage",
    "task_removed": "workspace_usage",
}
REMOVAL: Final = DaemonChange(what="removed", at=5, user="owner")
MEMBER: Final = UserRow(id="usr_2", username="member", role="member", created_at=1)


def schema() -> tuple[set[str], list[tuple[str, str, str]]]:
    """All tables, and `(child, parent, what a deletion of the parent does)` for each reference."""
    connection = apsw.Connection(":memory:")
    migrate(connection)
    tables = {
        name
        for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        if not name.startswith("sqlite_")
    }
    references = [
        (table, key[2], key[6])
        for table in sorted(tables)
        for key in connection.execute(f"PRAGMA foreign_key_list({table})")
    ]
    connection.close()
    return tables, references


def test_each_table_is_told_of_or_has_a_reason_why_not() -> None:
    tables, _ = schema()
    told = set(removals.TRIGGERS)
    assert told | UNTOLD.keys() == tables
    assert not told & UNTOLD.keys()
    assert all(UNTOLD.values())


def test_a_deletion_reaches_other_tables_only_by_cascades_that_are_known() -> None:
    """SET NULL and SET DEFAULT would change rows without anybody hearing of it."""
    _, references = schema()
    found = {(child, parent): action for child, parent, action in references}
    print(f"{len(found)} references, {sum(a == 'CASCADE' for a in found.values())} cascades")
    assert found
    for (child, parent), action in found.items():
        # Without an action the deletion of the parent is refused.
        assert action in ("CASCADE", "NO ACTION"), (child, parent, action)
        if action == "CASCADE":
            assert child in removals.TRIGGERS or UNTOLD[child], child


def test_no_trigger_of_the_schema_changes_rows_unseen() -> None:
    connection = apsw.Connection(":memory:")
    migrate(connection)
    found = {
        name: set(re.findall(r"^ +(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)", script, re.MULTILINE))
        for name, script in connection.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
        )
    }
    assert found == {name: {table} for name, table in KNOWN_TRIGGERS.items()}
    assert set(KNOWN_TRIGGERS.values()) <= UNTOLD.keys()


class Told(list[Removed]):
    """What a store has told of."""

    def of(self, kind: str) -> set[str]:
        """The ids of one kind."""
        return {each.id for each in self if each.kind == kind}


@pytest.fixture
def told(store: SqliteStore) -> Told:
    heard = Told()
    store.on_removed(heard.append)
    return heard


async def fill(store: SqliteStore) -> None:
    """A member; in workspace 1 a daemon, a token for it alone, and a task of each kind."""
    await store.add_user(MEMBER)
    await store.add_workspace(rows.workspace(2, owner_id=MEMBER.id))
    await store.add_token(rows.token(1, workspace_id=rows.workspace_id(1)))
    await store.add_token(rows.token(2))
    await store.add_token(rows.token(3, user_id=MEMBER.id))
    await store.add_token(rows.token(4, user_id=MEMBER.id, workspace_id=rows.workspace_id(1)))
    await store.add_session(session("s", MEMBER.id))
    code = EnrolmentRow(
        code_hash=b"c" * 32, workspace_id=rows.workspace_id(1), created_by=MEMBER.id, expires_at=99
    )
    await store.add_enrolment(code, 1)
    await store.redeem_enrolment(code.code_hash, "dmn_1", b"d" * 32, 1)
    for number in (1, 2, 3):
        await store.add_task(rows.task(number))
    over = TaskChanges(finished_at=2)
    await store.transition_task(rows.task_id(1), TaskEvent.CANCEL, over)
    await store.transition_task(rows.task_id(2), TaskEvent.START, TaskChanges(started_at=2))
    await store.add_task(rows.task(4, workspace_id=rows.workspace_id(2)))


async def test_a_workspace_takes_tokens_daemon_and_unfinished_tasks_with_it(
    store: SqliteStore, told: Told
) -> None:
    await fill(store)
    await store.delete_workspace(rows.workspace_id(1))
    assert told.of("token") == {"tok_1", "tok_4"}
    assert told.of("daemon") == {"dmn_1"}
    assert told.of("task") == {rows.task_id(1), rows.task_id(2), rows.task_id(3)}
    assert told[-1] == Removed("workspace", rows.workspace_id(1), rows.OWNER.id)
    assert len(told) == 7


async def test_an_account_takes_tokens_and_sessions_with_it(store: SqliteStore, told: Told) -> None:
    await fill(store)
    await store.delete_user(MEMBER.id, rows.OWNER.id, 5)
    assert told.of("token") == {"tok_3", "tok_4"}
    assert told.of("session") == {"tok_s"}
    assert told.of("daemon") == {"dmn_1"}
    assert told[-1] == Removed("user", MEMBER.id, MEMBER.id)
    assert len(told) == 5


async def test_what_is_deleted_by_itself_is_told_of(store: SqliteStore, told: Told) -> None:
    await fill(store)
    first, second = rows.task_id(1), rows.task_id(2)
    assert await store.delete_tasks({first, second}) == {first}
    await store.delete_token("tok_2", rows.OWNER.id)
    await store.delete_session("tok_s")
    await store.delete_daemon("dmn_1", REMOVAL)
    with pytest.raises(NotFound):
        await store.delete_token("tok_2", rows.OWNER.id)
    assert told == [
        Removed("task", rows.task_id(1), rows.workspace_id(1)),
        Removed("token", "tok_2", rows.OWNER.id),
        Removed("session", "tok_s", MEMBER.id),
        Removed("daemon", "dmn_1", rows.workspace_id(1)),
    ]


async def test_what_makes_room_or_ends_with_a_password_is_told_of(
    store: SqliteStore, told: Told
) -> None:
    await fill(store)
    await store.set_password(MEMBER.id, "x")
    assert told.of("session") == {"tok_s"}
    await store.add_token(rows.token(5, expires_at=10))
    await store.add_token(rows.token(6, created_at=11), limit=3)
    assert told.of("token") == {"tok_5"}
    for number, at in ((1, 1), (2, 200)):
        row = session(str(number), MEMBER.id)
        await store.add_session(structs.replace(row, created_at=at, expires_at=at + 1))
    assert told.of("session") == {"tok_s", "tok_1"}


async def test_a_statement_that_nobody_foresaw_is_told_of_too(
    store: SqliteStore, told: Told
) -> None:
    await fill(store)
    await store._execute("DELETE FROM tokens WHERE id > :id", {"id": "tok_2"})
    assert told.of("token") == {"tok_3", "tok_4"}
    store._execute_soon("DELETE FROM sessions WHERE id = :id", {"id": "tok_s"})
    await store.check_writable()
    assert told.of("session") == {"tok_s"}


async def test_what_is_taken_back_is_not_told_of(store: SqliteStore, told: Told) -> None:
    await fill(store)

    def job(connection: apsw.Connection) -> None:
        connection.execute("DELETE FROM workspaces")
        raise Unavailable("changed its mind")

    with pytest.raises(Unavailable):
        await store._write(job)
    await store.check_writable()
    assert told == []
    assert store.task(rows.task_id(2)) is not None


async def test_it_is_told_before_the_write_returns_and_read_as_gone(store: SqliteStore) -> None:
    await fill(store)
    events: list[Any] = []
    store.on_removed(lambda removed: events.append(store.daemon(removed.id)))
    await store.delete_daemon("dmn_1", REMOVAL)
    events.append("returned")
    assert events == [None, "returned"]


async def test_a_listener_that_fails_harms_neither_the_others_nor_the_write(
    store: SqliteStore, caplog: pytest.LogCaptureFixture
) -> None:
    await fill(store)
    heard: list[Removed] = []

    def fail(removed: Removed) -> None:
        raise RuntimeError(removed.id)

    store.on_removed(fail)
    store.on_removed(heard.append)
    assert (await store.delete_daemon("dmn_1", REMOVAL)).id == "dmn_1"
    assert [each.id for each in heard] == ["dmn_1"]
    assert "was not acted upon" in caplog.text


async def test_a_database_that_is_opened_again_tells_as_well(tmp_path: Path) -> None:
    for _ in range(2):
        store = await SqliteStore.open(tmp_path / "hub.sqlite3", lambda: "hub_1")
        heard: list[Removed] = []
        store.on_removed(heard.append)
        await store.ensure_owner(rows.OWNER)
        await store.add_workspace(rows.workspace(1))
        await store.add_task(rows.task(1))
        await store.delete_workspace(rows.workspace_id(1))
        assert [each.kind for each in heard] == ["task", "workspace"]
        assert store.task(rows.task_id(1)) is None
        await store.close()


def test_the_states_that_a_trigger_names_are_those_that_are_not_over() -> None:
    unfinished = {status.value for status in TaskStatus if not is_final(status)}
    assert unfinished == {"pending", "running"}
