"""A backup of a hub that runs is exact, and a hub restored from it says what it does not have."""

from __future__ import annotations

import asyncio
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from arborlink.hub import backup
from arborlink.hub.app import LAYOUT
from arborlink.hub.backup import Manifest
from arborlink.hub.live.adoption import CLOCK_TOLERANCE_US, MAX_ADOPTED
from arborlink.hub.live.clock import now_us
from arborlink.hub.live.output import TaskOutput
from arborlink.hub.lock import only_one
from arborlink.hub.service.retention import RetentionLimits
from arborlink.hub.store.snapshot import Snapshot
from arborlink.outputlog import LogReader
from arborlink.protocol.errors import Conflict, InvalidInput, NotFound, Unavailable
from arborlink.protocol.ids import RANDOM_BYTES, make_id
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import Cancel, Command
from arborlink.testing.cells import stream
from tests.hub.live.bench import Bench, running_bench
from tests.hub.live.peers import DaemonIdentity, ScriptedDaemon, spooled

FRAME = 64 * 1024
MIB = 1024 * 1024
FORMS = ["folder", "copy.tar", "copy.tar.gz"]


def cells(start: int, end: int) -> bytes:
    """Bytes that say themselves which they are."""
    return stream("backup", start, end)


async def started(bench: Bench, identity: DaemonIdentity, daemon: ScriptedDaemon) -> str:
    """A task that runs."""
    task = await bench.create(identity.workspace_id)
    await daemon.expect(Command, lambda command: command.task_id == task)
    await daemon.running(task)
    return task


async def write(daemon: ScriptedDaemon, task: str, start: int, end: int) -> None:
    """Send output as fast as the hub makes it durable."""
    for offset in range(start, end, FRAME):
        await daemon.output(task, offset, cells(offset, min(end, offset + FRAME)))
        await daemon.acked(task, min(end, offset + FRAME))


async def finish(daemon: ScriptedDaemon, task: str, end: int) -> None:
    """The task ends after `end` bytes."""
    await daemon.ended(task, cells(0, end))
    await daemon.settled(task)


async def back_up(bench: Bench, destination: Path) -> Manifest:
    """As another process would do it."""
    return await asyncio.to_thread(backup.back_up, bench.hub.settings.data_dir, LAYOUT, destination)


@asynccontextmanager
async def restored(source: Path, data_dir: Path) -> AsyncIterator[Bench]:
    """A hub with what a backup has."""
    await asyncio.to_thread(backup.restore, source, data_dir, LAYOUT)
    async with running_bench(data_dir) as bench:
        yield bench


@pytest.mark.asyncio
@pytest.mark.parametrize("form", FORMS)
async def test_what_was_there_is_there_again(tmp_path: Path, form: str) -> None:
    """Finished tasks with gaps, and one that runs and goes on where the backup ends."""
    source = tmp_path / form
    async with running_bench(tmp_path / "a", stored_output_bytes_per_task=MIB) as bench:
        identity = await bench.enrolled()
        hub_id = bench.hub.store.hub_id
        async with bench.daemon(identity) as daemon:
            short, long, running, silent = [
                await started(bench, identity, daemon) for _ in range(4)
            ]
            await write(daemon, short, 0, 1000)
            await finish(daemon, short, 1000)
            await write(daemon, long, 0, 3 * MIB)
            await finish(daemon, long, 3 * MIB)
            await write(daemon, running, 0, 2 * MIB)
            rows = [bench.row(task) for task in (short, long, running, silent)]
            outputs = [await bench.stored(task) for task in (short, long, running)]
            manifest = await back_up(bench, source)
    assert (manifest.tasks, manifest.left_out, manifest.hub_id) == (4, 0, hub_id)
    assert manifest.output_bytes <= 1000 + 2 * (MIB + FRAME)  # what was forgotten costs nothing
    assert source.stat().st_mode & 0o077 == 0
    async with restored(source, tmp_path / "b") as bench:
        assert [bench.row(row.id) for row in rows] == rows
        assert [await bench.stored(row.id) for row in rows[:3]] == outputs
        assert bench.hub.store.hub_id != hub_id
        tasks = [spooled(running, 3 * MIB, start=2 * MIB), spooled(silent)]
        async with bench.daemon(identity, tasks=tasks) as daemon:
            assert daemon.positions() == {running: 2 * MIB, silent: 0}
            await write(daemon, running, 2 * MIB, 3 * MIB)
            await finish(daemon, running, 3 * MIB)
        row = bench.row(running)
        assert row.status is TaskStatus.COMPLETED
        assert [gap.reason for gap in row.gaps] == ["size_limit"]


@pytest.mark.asyncio
async def test_what_the_daemon_has_forgotten_is_a_gap(tmp_path: Path) -> None:
    """Two logs are never spliced: the hub goes on at its offset, the daemon says what is gone."""
    async with running_bench(tmp_path / "a") as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            task = await started(bench, identity, daemon)
            await write(daemon, task, 0, 1000)
            await back_up(bench, tmp_path / "copy.tar")
            await write(daemon, task, 1000, 5000)
    async with restored(tmp_path / "copy.tar", tmp_path / "b") as bench:
        async with bench.daemon(identity, tasks=[spooled(task, 6000, start=5000)]) as daemon:
            assert daemon.positions() == {task: 1000}
            await daemon.gap(task, 1000, 5000, "spool_pruned")
            await write(daemon, task, 5000, 6000)
            await daemon.ended(task, final_offset=6000, checksum=None)
            await daemon.settled(task)
        row = bench.row(task)
        assert [(gap.start, gap.end, gap.reason) for gap in row.gaps] == [
            (1000, 5000, "spool_pruned")
        ]
        assert await bench.stored(task) == cells(0, 1000) + bytes(4000) + cells(5000, 6000)


@pytest.mark.asyncio
async def test_a_task_that_ended_since_is_asked_for_and_not_lost(tmp_path: Path) -> None:
    """The supervisor that ran it remembers how it ended; one that did not, cannot."""
    async with running_bench(tmp_path / "a") as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            task = await started(bench, identity, daemon)
            await write(daemon, task, 0, 100)
            await bench.becomes(task, TaskStatus.RUNNING)
            await back_up(bench, tmp_path / "folder")
            await finish(daemon, task, 100)
    async with restored(tmp_path / "folder", tmp_path / "b") as bench:
        async with bench.daemon(identity) as daemon:
            assert (await daemon.expect(Command)).task_id == task
            await daemon.gap(task, 0, 300, "spool_pruned")
            await daemon.ended(task, final_offset=300, checksum=None)
            await daemon.settled(task)
        row = bench.row(task)
        assert row.status is TaskStatus.COMPLETED
        assert [(gap.start, gap.end) for gap in row.gaps] == [(100, 300)]
    async with restored(tmp_path / "folder", tmp_path / "c") as bench:
        async with bench.daemon(identity, instance="i2"):
            assert (await bench.becomes(task, TaskStatus.LOST)).reason == "daemon_restarted"


@pytest.mark.asyncio
@pytest.mark.parametrize("form", FORMS)
async def test_under_load_every_copy_is_a_prefix(tmp_path: Path, form: str) -> None:
    """Tasks write and outgrow their limit while backup after backup is taken."""
    limit, ends = MIB, dict[str, int]()
    async with running_bench(tmp_path / "a", stored_output_bytes_per_task=limit) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            tasks = [await started(bench, identity, daemon) for _ in range(3)]
            stop = asyncio.Event()

            async def flood() -> None:
                offset = 0
                while not stop.is_set() or offset < 2 * limit:
                    for task in tasks:
                        await write(daemon, task, offset, offset + FRAME)
                    offset += FRAME
                ends.update(dict.fromkeys(tasks, offset))

            flooding = asyncio.create_task(flood())
            written = bench.hub.daemons.outputs.get(tasks[0])
            for number in range(3):
                await bench.until(partial(beyond, written, (number + 1) * limit // 2))
                await back_up(bench, tmp_path / f"{number}-{form}")
            stop.set()
            await flooding
            for task in tasks:
                await finish(daemon, task, ends[task])
                assert bench.row(task).status is TaskStatus.COMPLETED
    for number in range(3):
        data_dir = tmp_path / f"restored{number}"
        async with restored(tmp_path / f"{number}-{form}", data_dir) as bench:
            for task in tasks:
                check_prefix(bench.hub.daemons.outputs.stem(task), number * limit // 2)
            known = [spooled(task, ends[task]) for task in tasks]
            async with bench.daemon(identity, tasks=known) as daemon:
                for task in tasks:
                    await write(daemon, task, daemon.positions()[task], ends[task])
                    await finish(daemon, task, ends[task])
                    assert bench.row(task).status is TaskStatus.COMPLETED


def beyond(output: TaskOutput, offset: int) -> bool:
    """Whether so much was written."""
    return output.end > offset


def check_prefix(stem: Path, least: int) -> None:
    """The log holds what was written, from its beginning, but for what it says it has not."""
    with LogReader(stem) as reader:
        assert reader.verify() == []
        assert reader.end() >= least
        assert {gap.reason for gap in reader.gaps()} <= {"size_limit"}
        offset = 0
        while (found := reader.read(offset, MIB, verify=True)) is not None:
            if hasattr(found, "data"):
                assert found.data == cells(offset, found.end)
            offset = found.end
        assert offset == reader.end()


@pytest.mark.asyncio
async def test_what_is_removed_meanwhile_is_not_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task whose output went between the two is never there without it."""
    async with running_bench(tmp_path / "a") as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            gone, kept = [await started(bench, identity, daemon) for _ in range(2)]
            for task in (gone, kept):
                await write(daemon, task, 0, 100)
            await finish(daemon, gone, 100)
            loop = asyncio.get_running_loop()
            retention = bench.retention(RetentionLimits(1, MIB), lambda: now_us() + 10**9)
            make = Snapshot.make

            def make_and_remove(original: Path, path: Path) -> Snapshot:
                snapshot = make(original, path)
                asyncio.run_coroutine_threadsafe(retention.round(), loop).result()
                return snapshot

            monkeypatch.setattr(Snapshot, "make", make_and_remove)
            manifest = await back_up(bench, tmp_path / "folder")
    assert (manifest.tasks, manifest.left_out) == (1, 1)
    async with restored(tmp_path / "folder", tmp_path / "b") as bench:
        assert bench.hub.store.known_tasks([gone, kept]) == {kept}


@asynccontextmanager
async def restored_without(
    tmp_path: Path, *, before: bool = True
) -> AsyncIterator[tuple[Bench, DaemonIdentity, str, list[str]]]:
    """A hub from a backup that has a task (with `before`) and has not those made afterwards."""
    async with running_bench(tmp_path / "a") as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            earlier = await started(bench, identity, daemon) if before else ""
            await back_up(bench, tmp_path / "copy.tar")
            later = [await started(bench, identity, daemon) for _ in range(3)]
    async with restored(tmp_path / "copy.tar", tmp_path / "b") as bench:
        yield bench, identity, earlier, later


@pytest.mark.asyncio
@pytest.mark.parametrize("before", [True, False])
async def test_tasks_made_after_the_backup_are_found_on_their_daemon(
    tmp_path: Path, before: bool
) -> None:
    """Nothing runs on unseen: it has its output, what is gone is a gap, and it can be ended."""
    async with restored_without(tmp_path, before=before) as (bench, identity, earlier, later):
        running, ended, cancelled = later
        journal = [
            *([spooled(earlier)] if before else []),
            spooled(running, 6000, start=5000),
            spooled(ended, 1000, status=TaskStatus.COMPLETED),
            spooled(cancelled),
        ]
        async with bench.daemon(identity, tasks=journal) as daemon, bench.viewer() as viewer:
            assert daemon.positions() == dict.fromkeys([task.task_id for task in journal], 0)
            assert not daemon.seen(Command)
            await viewer.subscribe(running)
            for task in (running, cancelled):
                await daemon.running(task)
            await bench.becomes(running, TaskStatus.RUNNING)
            await daemon.gap(running, 0, 5000, "spool_pruned")
            await write(daemon, running, 5000, 6000)
            await write(daemon, ended, 0, 1000)
            await finish(daemon, ended, 1000)
            assert await bench.stored(ended) == cells(0, 1000)
            await bench.post(f"/api/tasks/{cancelled}/cancel", status=200)
            await daemon.expect(Cancel, lambda cancel: cancel.task_id == cancelled)
            await daemon.ended(running, final_offset=6000, checksum=None)
            await daemon.settled(running)
            await viewer.status(running, TaskStatus.COMPLETED)
        shown = await bench.task(running)
        assert (shown["command"], shown["workspaceId"]) == ("(unknown)", identity.workspace_id)
        assert "backup" in shown["title"]
        assert [(gap["from"], gap["to"]) for gap in shown["gaps"]] == [(0, 5000)]
        refused = await bench.post(f"/api/tasks/{running}/rerun", status=409)
        assert refused["code"] == "command_unknown"


@pytest.mark.asyncio
async def test_what_was_found_is_not_started_again_and_may_be_lost(tmp_path: Path) -> None:
    async with restored_without(tmp_path) as (bench, identity, earlier, (task, *_)):
        async with bench.daemon(identity, tasks=[spooled(earlier), spooled(task)]) as daemon:
            await daemon.running(task)
            await bench.becomes(task, TaskStatus.RUNNING)
        async with bench.daemon(identity, instance="i2") as daemon:
            await daemon.settle()
            assert not daemon.seen(Command)
        assert bench.row(task).status is TaskStatus.LOST


@pytest.mark.asyncio
async def test_only_what_is_newer_than_the_backup_is_adopted(tmp_path: Path) -> None:
    old, odd = make_id("tsk", 1, bytes(RANDOM_BYTES)), "tsk_zzz"
    async with restored_without(tmp_path) as (bench, identity, earlier, (task, *_)):
        journal = [spooled(each) for each in (old, odd, task, earlier)]
        async with bench.daemon(identity, tasks=journal) as daemon:
            assert set(daemon.positions()) == {task, earlier}
        assert bench.hub.store.known_tasks([old, odd]) == set()


@pytest.mark.asyncio
async def test_no_task_from_the_future_is_put_before_all_others(tmp_path: Path) -> None:
    """Lists are in the order of the ids, which a daemon may make up."""
    soon, late, last = [
        make_id("tsk", (now_us() + ahead) // 1_000, bytes(RANDOM_BYTES))
        for ahead in (CLOCK_TOLERANCE_US // 2, 2 * CLOCK_TOLERANCE_US, 10**6 * CLOCK_TOLERANCE_US)
    ]
    async with restored_without(tmp_path) as (bench, identity, earlier, _):
        journal = [spooled(each) for each in (earlier, soon, late, last)]
        async with bench.daemon(identity, tasks=journal) as daemon:
            assert set(daemon.positions()) == {earlier, soon}
        assert bench.hub.store.known_tasks([late, last]) == set()


@pytest.mark.asyncio
async def test_what_is_found_counts_as_unfinished_tasks_of_its_account(tmp_path: Path) -> None:
    """A daemon that makes up others each time it comes does not get around the limit."""
    async with running_bench(tmp_path / "a") as bench:
        identity = await bench.enrolled()
        await back_up(bench, tmp_path / "copy.tar")
    await asyncio.to_thread(backup.restore, tmp_path / "copy.tar", tmp_path / "b", LAYOUT)
    async with running_bench(tmp_path / "b", unfinished_tasks_per_user=40) as bench:
        for turn in range(3):
            made_up = [
                make_id("tsk", now_us() // 1_000, (100 * turn + n).to_bytes(RANDOM_BYTES, "big"))
                for n in range(MAX_ADOPTED)
            ]
            async with bench.daemon(identity, tasks=[*map(spooled, made_up)]) as daemon:
                await daemon.settle()
        assert len(bench.hub.store.unfinished_tasks(identity.workspace_id)) <= 40


@pytest.mark.asyncio
async def test_a_hub_that_was_not_restored_adopts_nothing(tmp_path: Path) -> None:
    """What it does not know it has removed, or somebody has made it up."""
    later = make_id("tsk", now_us() // 1_000 + 60_000, bytes(RANDOM_BYTES))
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity, tasks=[spooled(later)]) as daemon:
            assert daemon.positions() == {}
        assert bench.hub.store.task(later) is None


@pytest.mark.asyncio
async def test_a_daemon_cannot_fill_a_restored_hub_with_tasks(tmp_path: Path) -> None:
    made_up = [
        make_id("tsk", now_us() // 1_000 + 60_000, number.to_bytes(RANDOM_BYTES, "big"))
        for number in range(MAX_ADOPTED + 50)
    ]
    async with restored_without(tmp_path) as (bench, identity, earlier, _):
        journal = [spooled(earlier), *map(spooled, made_up)]
        async with bench.daemon(identity, tasks=journal) as daemon:
            assert set(daemon.positions()) == {earlier, *made_up[:MAX_ADOPTED]}
        assert bench.row(made_up[0]).created_at <= now_us()  # whatever its id says


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A backup of a hub that has seen nothing."""

    async def make() -> None:
        async with running_bench(tmp_path / "a") as bench:
            await back_up(bench, tmp_path / "a.tar")

    asyncio.run(make())
    return tmp_path / "a.tar"


def test_nothing_is_written_over(archive: Path, tmp_path: Path) -> None:
    """Neither a backup nor a hub's data."""
    with pytest.raises(Conflict, match="exists already"):
        backup.back_up(tmp_path / "a", LAYOUT, archive)
    with pytest.raises(Conflict, match="exists already"):
        backup.back_up(tmp_path / "a", LAYOUT, tmp_path / "a")
    with pytest.raises(Conflict, match="not empty"):
        backup.restore(archive, tmp_path / "a", LAYOUT)
    (tmp_path / "b").mkdir()
    with only_one(tmp_path / "b"), pytest.raises(Conflict, match="already uses"):
        backup.restore(archive, tmp_path / "b", LAYOUT)


def test_what_is_no_backup_is_refused_and_leaves_nothing(archive: Path, tmp_path: Path) -> None:
    """Cut short, damaged, something else, or meant to be written elsewhere."""
    data = tmp_path / "data"
    with pytest.raises(NotFound):
        backup.restore(tmp_path / "none", data, LAYOUT)
    with pytest.raises(NotFound):
        backup.back_up(tmp_path / "none", LAYOUT, tmp_path / "x.tar")
    whole = archive.read_bytes()
    with tarfile.open(archive) as tar:
        database = tar.getmember("hub.sqlite3@0").offset_data
    damaged = bytearray(whole)
    damaged[database : database + 100] = bytes(100)
    escaping = whole.replace(b"backup.json@0", b"../escaped@00")
    cases = (
        (whole[: len(whole) // 2], InvalidInput),
        (b"not a tar file", InvalidInput),
        (bytes(damaged), Unavailable),
        (_with_checksums(escaping), InvalidInput),
    )
    for content, error in cases:
        (tmp_path / "bad.tar").write_bytes(content)
        with pytest.raises(error):
            backup.restore(tmp_path / "bad.tar", data, LAYOUT)
        assert not data.exists()
    assert not (tmp_path / "escaped").exists()
    backup.restore(archive, data, LAYOUT)


def _with_checksums(content: bytes) -> bytes:
    """The same tar file with right checksums in the headers whose name was changed."""
    changed = bytearray(content)
    at = changed.find(b"../escaped@00")
    header = changed[at : at + 512]
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    changed[at : at + 512] = header
    return bytes(changed)
