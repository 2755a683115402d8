"""What the writer promises beyond its contents: names, errors, syncs, space."""

import threading
import zlib
from pathlib import Path

import pytest

from arborlink.outputlog import (
    Chunk,
    Gap,
    LogCorrupt,
    LogExists,
    LogFailed,
    LogMissing,
    LogReader,
    OutputLog,
    Recovery,
    holes,
)

from .disk import Fault, Tape
from .model import LOG_ID

MIB = 1024 * 1024


@pytest.fixture
def stem(tmp_path: Path) -> Path:
    return tmp_path / "tsk_x"


def disk_bytes(path: Path) -> int:
    return path.stat().st_blocks * 512


def can_punch(folder: Path) -> bool:
    path = folder / "probe"
    path.write_bytes(bytes(8192))
    with path.open("r+b") as file:
        return holes.punch_hole(file.fileno(), 0, 4096)


def free(log: OutputLog) -> bool:
    """Give back what was pruned; whether it was enough."""
    point = log.begin_free()
    if point is not None:
        point.run()
        log.finish_free(point)
    return point is not None


def test_create_is_exclusive(stem: Path) -> None:
    """An existing log is never overwritten; once deleted, its name is free."""
    OutputLog.create(stem, LOG_ID).close()
    with pytest.raises(LogExists):
        OutputLog.create(stem, LOG_ID)
    OutputLog.delete(stem)
    OutputLog.delete(stem)
    assert list(stem.parent.iterdir()) == []
    OutputLog.create(stem, LOG_ID).close()


@pytest.mark.parametrize("log_id", ["", "00", LOG_ID + "00", "x" * 32])
def test_log_id(stem: Path, log_id: str) -> None:
    """An id is 32 hexadecimal digits, and nothing is created for another."""
    with pytest.raises(ValueError):
        OutputLog.create(stem, log_id)
    assert list(stem.parent.iterdir()) == []


def test_missing(stem: Path) -> None:
    """Neither the writer nor a reader opens what is not there."""
    with pytest.raises(LogMissing):
        OutputLog.open(stem)
    with pytest.raises(LogMissing):
        LogReader(stem)


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "version"])
def test_unusable_header(stem: Path, damage: str) -> None:
    """Without its header a log is refused, with one that says why."""
    OutputLog.create(stem, LOG_ID).close()
    path = stem.with_name("tsk_x.idx")
    header = bytearray(path.read_bytes())
    if damage == "flipped":
        header[15] ^= 1
    elif damage == "version":
        header[8] = 2
        header[-4:] = zlib.crc32(header[:-4]).to_bytes(4, "little")
    path.write_bytes(header[: {"empty": 0, "cut": 63}.get(damage, 64)])
    with pytest.raises(LogCorrupt, match=r"header|version 2"):
        OutputLog.open(stem)
    with pytest.raises(LogMissing if damage == "empty" else LogCorrupt):
        LogReader(stem)


def test_misuse(stem: Path) -> None:
    """Impossible arguments are refused and change nothing."""
    log = OutputLog.create(stem, LOG_ID)
    log.append(b"", is_error=False, time_us=-1)
    with pytest.raises(ValueError, match="not a time"):
        log.append(b"x", is_error=False, time_us=-1)
    with pytest.raises(ValueError, match="cannot end"):
        log.append_gap(0, "lost")
    with pytest.raises(ValueError, match="after it was run"):
        log.finish_sync(log.begin_sync())
    assert log.end == log.stored_bytes == 0
    log.close()
    log.close()


def test_unknown_reason_is_lost(stem: Path) -> None:
    """A reason without a number is written as "lost"."""
    log = OutputLog.create(stem, LOG_ID)
    assert log.append_gap(5, "whatever") == Gap(0, 5, "lost")
    log.close()


def test_recovery_is_reported(stem: Path) -> None:
    """What was cut off at open is said."""
    log = OutputLog.create(stem, LOG_ID)
    log.append(b"kept", is_error=False, time_us=0)
    log.append(b"cut", is_error=False, time_us=0)
    log.close()
    with stem.with_name("tsk_x.log").open("r+b") as data:
        data.truncate(6)
    log = OutputLog.open(stem)
    assert (log.end, log.recovery) == (4, Recovery(bytes_cut=2, records_cut=1))
    log.close()


def test_sync_in_another_thread(stem: Path) -> None:
    """Appends go on while a sync runs elsewhere; only what was there before is durable then."""
    log = OutputLog.create(stem, LOG_ID)
    log.append(b"before", is_error=False, time_us=0)
    point = log.begin_sync()
    runner = threading.Thread(target=point.run)
    runner.start()
    for _ in range(100):
        log.append(b"during", is_error=False, time_us=0)
    runner.join()
    assert log.finish_sync(point) == log.synced == 6
    assert log.sync() == 606
    assert log.finish_sync(point) == 606
    log.close()


def test_late_sync_does_not_undo_a_drop(stem: Path) -> None:
    """A sync that began before a drop and is finished after it leaves the drop's checksum."""
    log = OutputLog.create(stem, LOG_ID)
    for data in (b"head", b"middle", b"tail"):
        log.append(data, is_error=False, time_us=0)
    point = log.begin_sync()
    assert log.drop(4, 10, "size_limit") == Gap(4, 10, "size_limit")
    point.run()
    assert log.finish_sync(point) == 14
    log.close()
    log = OutputLog.open(stem)
    assert log.checksum == zlib.crc32(b"headtail")
    log.close()


def test_drop_gives_space_back(stem: Path) -> None:
    """A dropped range costs no disk, and the log is as long as before."""
    if not can_punch(stem.parent):
        pytest.skip("no holes on this file system")
    log = OutputLog.create(stem, LOG_ID)
    for _ in range(16):
        log.append(bytes([7]) * MIB, is_error=False, time_us=0)
    gap = log.drop(MIB, 15 * MIB, "size_limit")
    assert gap == Gap(MIB, 15 * MIB, "size_limit")
    assert disk_bytes(stem.with_name("tsk_x.log")) <= 3 * MIB
    assert (log.end, log.stored_bytes) == (16 * MIB, 2 * MIB)
    log.close()


def test_prune_gives_space_back(stem: Path) -> None:
    """A log that is pruned as it grows stays small on the disk, data and index both."""
    if not can_punch(stem.parent):
        pytest.skip("no holes on this file system")
    log = OutputLog.create(stem, LOG_ID)
    for _ in range(20_000):
        log.append(bytes(1000), is_error=False, time_us=0)
        if log.end % MIB < 1000:
            log.prune(log.end - 100_000)
            free(log)
    assert log.stored_bytes < 2 * MIB
    assert disk_bytes(stem.with_name("tsk_x.log")) < 7 * MIB
    assert disk_bytes(stem.with_name("tsk_x.idx")) < MIB // 4
    log.close()


def test_prune_beyond_what_is_synced(stem: Path) -> None:
    """What others have may be pruned before it is durable here; a crash then costs nothing."""
    log = OutputLog.create(stem, LOG_ID)
    log.append(b"x" * 3 * MIB, is_error=False, time_us=0)
    log.prune(10 * MIB)
    assert (log.start, log.end, log.stored_bytes) == (3 * MIB, 3 * MIB, 0)
    log.append(b"y", is_error=False, time_us=0)
    with LogReader(stem) as reader:
        assert reader.read(3 * MIB, 9) == Chunk(3 * MIB, False, 0, b"y")
    log.close()


def test_what_is_pruned_in_time_never_reaches_the_disk(stem: Path) -> None:
    """The data file is not synced on the way; what is left is what was written."""
    tape = Tape()
    log = OutputLog.create(stem, LOG_ID, opener=tape.opener())
    freed = 0
    for number in range(64):
        log.append(bytes([number]) * (MIB // 2), is_error=False, time_us=0)
        log.prune(log.end - MIB)
        freed += free(log)
    assert freed >= 6
    assert {op.suffix for op in tape.operations if op.kind == "sync"} == {".idx"}
    assert (log.synced, log.stored_bytes) == (31 * MIB, MIB)
    log.close()
    log = OutputLog.open(stem)
    assert (log.start, log.end) == (log.start, 32 * MIB)
    assert log.end - log.start < 6 * MIB
    assert log.checksum == zlib.crc32(b"".join(bytes([n]) * (MIB // 2) for n in range(64)))
    log.close()


def test_freeing_needs_a_durable_mark(stem: Path) -> None:
    """A disk that refuses leaves everything where it is; so does a point that was not run."""
    fault = Fault(1000, False, 0)
    log = OutputLog.create(stem, LOG_ID, opener=fault.opener())
    for _ in range(8):
        log.append(bytes([7]) * MIB, is_error=False, time_us=0)
    log.prune(7 * MIB)
    point = log.begin_free()
    assert point is not None
    with pytest.raises(ValueError, match="after it was run"):
        log.finish_free(point)
    fault.at = fault.count + 1
    with pytest.raises(OSError):
        point.run()
    with pytest.raises(LogFailed):
        log.finish_free(point)
    with pytest.raises(LogFailed):
        log.begin_free()
    log.close()
    with LogReader(stem) as reader:
        assert reader.read(0, 3) == Chunk(0, False, 0, bytes([7]) * 3)


def test_no_mark_no_freeing(stem: Path) -> None:
    """A disk without room for a record gives nothing back yet, and nothing breaks."""
    fault = Fault(1000, True, 0)
    log = OutputLog.create(stem, LOG_ID, opener=fault.opener())
    for _ in range(8):
        log.append(bytes(MIB), is_error=False, time_us=0)
    log.prune(7 * MIB)
    fault.at = fault.count + 1
    assert not free(log)
    fault.at = 1000
    assert free(log)
    log.close()


def test_no_holes(stem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are no holes, dropping and pruning still forget."""
    monkeypatch.setattr(holes, "_fallocate", lambda: None)
    log = OutputLog.create(stem, LOG_ID)
    for _ in range(4):
        log.append(bytes([7]) * MIB, is_error=False, time_us=0)
    assert log.drop(2 * MIB, 3 * MIB, "size_limit") == Gap(2 * MIB, 3 * MIB, "size_limit")
    log.prune(MIB)
    free(log)
    with LogReader(stem) as reader:
        assert reader.read(2 * MIB, 9) == Gap(2 * MIB, 3 * MIB, "size_limit")
        assert reader.read(MIB, 2) == Chunk(MIB, False, 0, b"\7\7")
    log.close()
