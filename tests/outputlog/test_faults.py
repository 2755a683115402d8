"""A disk that fills up or breaks at any point leaves the log as it was, and it can go on."""

import errno
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from arborlink.outputlog import Gap, LogFailed, LogReader, OutputLog

from .disk import Fault
from .model import LOG_ID, Model, check_log

Step = Callable[[OutputLog, Model], None]


def append(log: OutputLog, model: Model) -> None:
    data = bytes(range(40))
    log.append(data, is_error=True, time_us=3)
    model.append(data, True, 3)


def gap(log: OutputLog, model: Model) -> None:
    model.add_gap(log.append_gap(log.end + 9, "lost"))


def sync(log: OutputLog, model: Model) -> None:
    before = log.synced
    try:
        assert log.sync() == log.end == log.synced
    except LogFailed:
        assert log.synced == before
        raise


def drop(log: OutputLog, model: Model) -> None:
    expected = model.droppable(30, 130)
    found = log.drop(30, 130, "truncated")
    assert (found and (found.start, found.end)) == expected
    if found:
        model.add_gap(found)


STEPS: tuple[Step, ...] = (append, append, sync, append, gap, append, sync, drop, append, sync)


@pytest.mark.parametrize("partial", [0, 13, 31, 39])
@pytest.mark.parametrize("lasting", [False, True])
def test_every_change_fails(tmp_path: Path, *, lasting: bool, partial: int) -> None:
    """For every N, the N-th change of the disk fails, once or from then on."""
    at, fault = 0, Fault(1, lasting, partial, failed=True)
    while fault.failed:
        at += 1
        fault = Fault(at, lasting, partial)
        _live(tmp_path / f"log{at}", fault)
    assert at > 2 * len(STEPS)


def _live(stem: Path, fault: Fault) -> None:
    try:
        log = OutputLog.create(stem, LOG_ID, opener=fault.opener())
    except OSError:
        assert list(stem.parent.glob(stem.name + ".*")) == []
        return
    model = Model()
    for step in STEPS:
        before = (log.start, log.end, log.checksum, log.gaps, log.synced, log.stored_bytes)
        try:
            step(log, model)
        except LogFailed:
            with pytest.raises(LogFailed):
                append(log, model)
            log.close()
            log = OutputLog.open(stem)
            _settle_drop(log, model)
        except OSError as error:
            assert error.errno in (errno.EIO, errno.ENOSPC)
            after = (log.start, log.end, log.checksum, log.gaps, log.synced, log.stored_bytes)
            assert after[:4] == before[:4] and after[5] == before[5]
        assert (log.end, log.checksum) == (model.end, model.checksum)
    with LogReader(stem) as reader:
        assert reader.end() == model.end
    log.close()
    OutputLog.open(stem).close()
    check_log(stem, model)


def _settle_drop(log: OutputLog, model: Model) -> None:
    """A drop that broke may have happened or not: take over what the log says."""
    for found in log.gaps:
        if found.reason == "truncated":
            model.add_gap(found)


def test_failed_sync_is_final(tmp_path: Path) -> None:
    """After a failed fsync no later one is believed; opening again settles it."""
    fault = Fault(1000, False, 0)
    log = OutputLog.create(tmp_path / "log", LOG_ID, opener=fault.opener())
    log.append(b"abc", is_error=False, time_us=0)
    log.sync()
    fault.at = fault.count + 1
    point = log.begin_sync()
    with pytest.raises(OSError):
        point.run()
    for _ in range(2):
        with pytest.raises(LogFailed):
            log.finish_sync(point)
        with pytest.raises(LogFailed):
            log.begin_sync()
    assert log.synced == 3
    log.close()
    assert OutputLog.open(tmp_path / "log").sync() == 3


def test_file_size_limit(tmp_path: Path) -> None:
    """A real limit of the system: what does not fit leaves no trace, what fits goes in after."""
    log = OutputLog.create(tmp_path / "log", LOG_ID)
    log.append(b"a" * 5000, is_error=False, time_us=0)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, hard))
    try:
        with pytest.raises(OSError):
            log.append(b"b" * 5000, is_error=False, time_us=0)
        assert log.end == 5000
        assert tmp_path.joinpath("log.log").stat().st_size == 5000
        log.append(b"c" * 3192, is_error=False, time_us=0)
        assert log.append_gap(2**40, "lost") == Gap(8192, 2**40, "lost")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    log.append(b"d", is_error=False, time_us=0)
    with LogReader(tmp_path / "log") as reader:
        chunk = reader.read(0, 10_000)
        assert chunk is not None and not isinstance(chunk, Gap)
        assert chunk.data == b"a" * 5000 + b"c" * 3192
        assert reader.end() == log.end == 2**40 + 1
    log.close()
