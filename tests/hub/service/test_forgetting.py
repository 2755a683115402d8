"""A variable's value is in no byte of the hub's data a while after its task's end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import apsw
import pytest

from arborlink.hub import backup
from arborlink.hub.app import LAYOUT
from arborlink.hub.live.clock import now_us
from arborlink.hub.service.forgetting import MAX_ATTEMPTS, Forgetting
from arborlink.hub.service.retention import RetentionLimits
from arborlink.hub.store import schema
from arborlink.hub.store.sqlite import DATABASE_FILE, SqliteStore
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.limits import KIB
from arborlink.protocol.messages import Command
from tests.hub.live.bench import Bench, running_bench
from tests.hub.live.peers import DaemonIdentity, ScriptedDaemon

pytestmark = pytest.mark.asyncio

SECONDS = 100.0
SECONDS_US = round(SECONDS * 1_000_000)
VALUE = "canary-variable-5f1e9c"
# Short, with a text beside the row, and over several pages.
SIZES = [0, 2 * KIB, 60 * KIB]


def forgetting(bench: Bench, at: int) -> Forgetting:
    """As the hub's own, with another time to keep values, at this moment."""
    return Forgetting(bench.hub.store, SECONDS, unix_us=lambda: at)


def holding(folder: Path, value: str = VALUE) -> list[str]:
    """The files that have this value in any of their bytes."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.name for path in found if value.encode() in path.read_bytes())


async def handed(
    bench: Bench, identity: DaemonIdentity, daemon: ScriptedDaemon, size: int = 0
) -> Command:
    """A task that runs with a secret in its variables; what its daemon was sent."""
    env = {"TOKEN": VALUE + "x" * size, "MODE": "fast"}
    task = await bench.create(identity.workspace_id, env=env)
    command = await daemon.expect(Command, lambda each: each.task_id == task)
    assert command.env == env
    await daemon.running(task)
    return command


async def ended(bench: Bench, daemon: ScriptedDaemon, task: str) -> int:
    """The task ends; when."""
    await daemon.ended(task, at=now_us())
    await daemon.settled(task)
    finished = (await bench.becomes(task, TaskStatus.COMPLETED)).finished_at
    assert finished is not None
    return finished


async def test_values_are_kept_for_as_long_as_it_is_set_and_no_longer(tmp_path: Path) -> None:
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            task = (await handed(bench, identity, daemon)).task_id
            path = f"/api/tasks/{task}/rerun"
            await forgetting(bench, now_us() + 10 * SECONDS_US).round()
            assert not bench.hub.store.task_request(task).is_forgotten, "it is not over"
            end = await ended(bench, daemon, task)
            await forgetting(bench, end + SECONDS_US - 1).round()
            again = await bench.post(path)
            command = await daemon.expect(Command, lambda each: each.task_id == again["id"])
            assert command.env == {"TOKEN": VALUE, "MODE": "fast"}
            await forgetting(bench, end + SECONDS_US).round()
            refused = await bench.post(path, status=409)
            assert refused["code"] == "variables_forgotten"
            assert "MODE, TOKEN" in refused["detail"]
            assert (await bench.task(task))["env"] == ["MODE", "TOKEN"]
            refused = await bench.post(path, {"env": {"MODE": "slow"}}, status=409)
            assert "TOKEN" in refused["detail"] and "MODE" not in refused["detail"]
            given = {"MODE": "slow", "TOKEN": "new", "MORE": "1"}
            again = await bench.post(path, {"env": given})
            command = await daemon.expect(Command, lambda each: each.task_id == again["id"])
            assert command.env == given


async def test_a_rerun_may_have_other_values_while_they_are_known(tmp_path: Path) -> None:
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            task = (await handed(bench, identity, daemon)).task_id
            again = await bench.post(f"/api/tasks/{task}/rerun", {"env": {"MODE": "slow"}})
            command = await daemon.expect(Command, lambda each: each.task_id == again["id"])
            assert command.env == {"TOKEN": VALUE, "MODE": "slow"}
            plain = await bench.create(identity.workspace_id)
            await daemon.expect(Command)
            await ended(bench, daemon, plain)
            await forgetting(bench, now_us() + 2 * SECONDS_US).round()
            await bench.post(f"/api/tasks/{plain}/rerun")


@asynccontextmanager
async def all_over(tmp_path: Path) -> AsyncIterator[Bench]:
    """A hub with tasks that had a secret in their variables and ended in every way there is."""
    async with running_bench(tmp_path / "hub") as bench:
        identity, away = await bench.enrolled(), await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            for size in SIZES:
                for status in (TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED):
                    task = (await handed(bench, identity, daemon, size)).task_id
                    await daemon.ended(task, status=status)
                    await daemon.settled(task)
            lost = (await handed(bench, identity, daemon)).task_id
            again = await bench.post(f"/api/tasks/{lost}/rerun")
            await bench.post(f"/api/tasks/{again['id']}/cancel", status=200)
            await daemon.ended(again["id"], status=TaskStatus.CANCELLED)
            await daemon.settled(again["id"])
        body = {"env": {"TOKEN": VALUE}, "headers": {}}
        waiting = await bench.create(away.workspace_id, env=body["env"])
        expired = await bench.create(away.workspace_id, env=body["env"], expiresIn=0.001)
        await bench.becomes(expired, TaskStatus.EXPIRED)
        await bench.post(f"/api/tasks/{waiting}/cancel", status=200)
        async with bench.daemon(identity, instance="i2"):
            await bench.becomes(lost, TaskStatus.LOST)
        assert bench.hub.store.task_counts().dispatched == 0
        assert bench.hub.store.task_counts().queued == 0
        yield bench


async def test_no_byte_of_a_hub_at_work_has_a_value_afterwards(tmp_path: Path) -> None:
    async with all_over(tmp_path) as bench:
        assert holding(tmp_path)
        await forgetting(bench, now_us() + 2 * SECONDS_US).round()
        assert holding(tmp_path) == []
        for form in ("folder", "copy.tar"):
            await back_up(bench, tmp_path / form)
        assert holding(tmp_path) == []
    assert holding(tmp_path) == []


async def test_a_hub_that_stops_leaves_values_in_its_database_alone(tmp_path: Path) -> None:
    """Until they are forgotten: not in the log, which is gone."""
    async with all_over(tmp_path):
        pass
    assert holding(tmp_path) == [DATABASE_FILE]


async def test_a_backup_has_values_of_waiting_tasks_alone(tmp_path: Path) -> None:
    async with running_bench(tmp_path / "hub") as bench:
        identity, away = await bench.enrolled(), await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            await handed(bench, identity, daemon)
            over = (await handed(bench, identity, daemon)).task_id
            await ended(bench, daemon, over)
            await back_up(bench, tmp_path / "first")
            waiting = await bench.create(away.workspace_id, env={"TOKEN": "w" + VALUE})
            await back_up(bench, tmp_path / "second")
        assert not bench.hub.store.task_request(over).is_forgotten
    assert holding(tmp_path / "first") == []
    assert holding(tmp_path / "second") == holding(tmp_path / "second", "w" + VALUE) != []
    await asyncio.to_thread(backup.restore, tmp_path / "second", tmp_path / "new", LAYOUT)
    async with running_bench(tmp_path / "new") as bench, bench.daemon(away) as daemon:
        command = await daemon.expect(Command)
        assert (command.task_id, command.env) == (waiting, {"TOKEN": "w" + VALUE})
        refused = await bench.post(f"/api/tasks/{over}/rerun", status=409)
        assert refused["code"] == "variables_forgotten"


async def test_what_retention_and_people_remove_is_overwritten(tmp_path: Path) -> None:
    """Commands and arguments, of tasks that are removed alone or with their workspace."""
    async with running_bench(tmp_path) as bench:
        identity, other = await bench.enrolled(), await bench.enrolled()
        for size in SIZES:
            for each in (identity, other):
                task = await bench.create(each.workspace_id, VALUE, args=["a" * size + VALUE])
                await bench.post(f"/api/tasks/{task}/cancel", status=200)
        assert holding(tmp_path)
        later = now_us() + 2 * SECONDS_US
        keeper = bench.retention(RetentionLimits(SECONDS, 10**12), lambda: later)
        response = await bench.client.delete(f"/api/workspaces/{other.workspace_id}")
        assert response.status_code == 204
        await keeper.round()
        await forgetting(bench, later).round()
        assert holding(tmp_path) == []


async def test_an_idempotency_key_goes_when_its_time_is_over(tmp_path: Path) -> None:
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        path = f"/api/workspaces/{identity.workspace_id}/tasks"
        body = {"command": "true", "ifOffline": "queue"}
        headers = {"Idempotency-Key": VALUE}
        task = await bench.post(path, body, headers=headers)
        await forgetting(bench, now_us()).round()
        assert (await bench.post(path, body, headers=headers))["id"] == task["id"]
        await forgetting(bench, now_us() + 86_400 * 1_000_000).round()
        assert holding(tmp_path) == []


async def test_a_reader_delays_the_emptying_of_the_log_and_does_not_prevent_it(
    tmp_path: Path,
) -> None:
    async with all_over(tmp_path) as bench:
        path = tmp_path / "hub" / DATABASE_FILE
        keeper = forgetting(bench, now_us() + 2 * SECONDS_US)
        with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as reader:
            reader.execute("BEGIN")
            assert reader.execute("SELECT count(*) FROM tasks").get > 0
            for _ in range(MAX_ATTEMPTS + 1):
                await keeper.round()
            assert holding(tmp_path), "the reader still sees the values"
            # Nothing else waits for it.
            await bench.create((await bench.enrolled()).workspace_id)
            reader.execute("COMMIT")
            await keeper.round()
        assert holding(tmp_path) == []


async def back_up(bench: Bench, destination: Path) -> None:
    """As another process would do it."""
    await asyncio.to_thread(backup.back_up, bench.hub.settings.data_dir, LAYOUT, destination)


OLD_SCHEMA = 7


def old_database(path: Path, fact: str) -> None:
    """A database of an earlier version, with values in rows and where rows were deleted."""
    with closing(apsw.Connection(str(path))) as connection:
        connection.pragma("journal_mode", "wal")
        for number, script in schema.migrations()[:OLD_SCHEMA]:
            connection.execute(f"{script}; PRAGMA user_version = {number}")
        connection.execute("INSERT INTO meta VALUES (?, 'hub_1')", (fact,))
        connection.execute("INSERT INTO users VALUES ('usr_1', 'o', 'owner', NULL, 1)")
        connection.execute(
            "INSERT INTO workspaces (id, name, owner_id, created_at) "
            "VALUES ('ws_1', 'w', 'usr_1', 1)"
        )
        far = 253_402_300_799_000_000
        tasks = [
            ("waiting", "pending", VALUE, None),
            ("over", "completed", VALUE, 5),
            ("long", "completed", VALUE + "x" * 9_000, far),
            *((f"gone{n}", "completed", VALUE + "y" * n * 50, 7) for n in range(100)),
        ]
        for name, status, value, finished in tasks:
            connection.execute(
                """INSERT INTO tasks (id, workspace_id, command, args, cwd, env, shell,
                on_spool_full, stdin, status, created_by, created_at, finished_at, started_at)
                VALUES (?, 'ws_1', 'c', '[]', '.', ?, 0, 'block', 'open', ?, 'usr_1', 3, ?, ?)""",
                (name, f'{{"TOKEN":"{value}"}}', status, finished, finished),
            )
        connection.execute(
            "INSERT INTO task_requests SELECT id, command, args, env FROM tasks WHERE id = 'long'"
        )
        connection.execute("UPDATE tasks SET env = '{\"TOKEN\":\"\"}' WHERE id = 'long'")
        connection.execute("DELETE FROM tasks WHERE id LIKE 'gone%'")


@pytest.mark.parametrize("fact", ["hub_id", "restored_after"])
async def test_an_older_database_is_written_anew_once(tmp_path: Path, fact: str) -> None:
    """Also one that was restored from a backup, and does not know yet which hub it is."""
    path = tmp_path / DATABASE_FILE
    await asyncio.to_thread(old_database, path, fact)
    assert holding(tmp_path, VALUE + "y")
    before = now_us()
    store = await SqliteStore.open(path, lambda: "hub_2")
    assert holding(tmp_path, VALUE + "y") == []
    for name in ("waiting", "over", "long"):
        row = store.task(name)
        assert row is not None and row.env == {"TOKEN": ""}
        assert store.task_request(name).env["TOKEN"].startswith(VALUE)
    row = store.task("long")
    assert row is not None and row.finished_at is not None and row.started_at is not None
    assert before - SECONDS_US < row.started_at <= row.finished_at <= now_us()
    assert row.reported_finished_at == 253_402_300_799_000_000
    (usage,) = await store.usage()
    assert (usage.tasks, usage.unfinished) == (3, 1) and usage.bytes > 9_000
    await Forgetting(store, SECONDS, unix_us=lambda: now_us() + 2 * SECONDS_US).round()
    assert store.task_request("over").is_forgotten and store.task_request("long").is_forgotten
    assert store.task_request("waiting").env == {"TOKEN": VALUE}
    await store.close()
    content = path.read_bytes()
    store = await SqliteStore.open(path, lambda: "hub_3")
    assert store.hub_id == ("hub_1" if fact == "hub_id" else "hub_2")
    await store.close()
    assert len(path.read_bytes()) == len(content)
