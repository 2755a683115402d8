"""A log that is too long forgets its middle: exactly, for every reader, and through any crash."""

import random
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from arborlink.outputlog import Gap, LogFailed, LogReader, OutputLog, forgetting
from arborlink.outputlog.files import LogFile

from .disk import Fault, Image
from .model import LOG_ID, Model, check_log
from .test_crash import History, Script, _after_power_loss, check_recovered

POWER_LOSSES = 1500
LIVES = 30
POWER_LOSSES_PER_LIFE = 60
STEPS_PER_LIFE = 40
MIB = 1024 * 1024


class ForgetfulScript(Script):
    """Forgets instead of dropping; `whole` is what was received."""

    def __init__(self, stem: Path, seed: int = 5) -> None:
        super().__init__(stem, seed)
        self.whole = Model()
        self.models = [self.whole, Model()]

    def forget_during_appends(self, start: int, end: int, before: int, after: int) -> bool:
        point = self.log.begin_forget(start, end, "size_limit")
        if point is None:
            return False
        forgotten = Model(list(self.models[-1].records), list(self.models[-1].gaps))
        forgotten.add_gap(point.gap)
        self.models.append(forgotten)
        self.append(before)
        point.run()
        self.append(after)
        assert self.log.finish_forget(point) == point.gap
        self._promise()
        return True

    def history(self) -> History:
        return replace(super().history(), whole=self.whole)

    def live(self, steps: int) -> History:
        """Append, sync and forget in any order."""
        chance = self._random
        for _ in range(steps):
            step = chance.random()
            if step < 0.5:
                self.append(chance.randint(1, 4))
            elif step < 0.55:
                self.gap(chance.randint(1, 20), chance.choice(["lost", "size_limit"]))
            elif step < 0.8:
                self.sync_during_appends(chance.randint(0, 2), chance.randint(0, 2))
            else:
                tail = self.log.end - chance.randint(0, 60)
                self.forget_during_appends(20, tail, chance.randint(0, 2), chance.randint(0, 2))
        return self.history()


@pytest.fixture
def short_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few dozen records are then enough for holes in the index."""
    monkeypatch.setattr(forgetting, "SPAN_RECORDS", 6)
    monkeypatch.setattr(forgetting, "KEPT_RECORDS", 1)


@pytest.fixture
def history(tmp_path: Path, short_spans: None) -> History:
    """A life in which the middle grows, is merged, and gets holes."""
    script = ForgetfulScript(tmp_path / "original")
    script.append(12)
    script.sync_during_appends(2, 1)
    assert script.forget_during_appends(20, 100, 1, 2)
    script.gap(30, "lost")
    script.append(6)
    script.sync_during_appends(1, 0)
    assert script.forget_during_appends(20, script.log.end - 40, 2, 1)
    assert not script.forget_during_appends(20, 60, 0, 0)
    script.append(8)
    script.sync_during_appends(0, 3)
    assert script.forget_during_appends(20, script.log.end - 30, 0, 0)
    script.append(3)
    script.sync_during_appends(1, 1)
    script.append(2)
    return script.history()


def test_killed_at_every_byte(history: History, tmp_path: Path) -> None:
    """The process dies after any number of bytes of any write."""
    stem = tmp_path / "crashed"
    image = Image()
    for done, operation in enumerate(history.operations):
        in_place = operation.position < len(image.files[operation.suffix])
        step = 32 if in_place and operation.suffix == ".idx" else 1
        for length in range(0, len(operation.data) if operation.kind == "write" else 1, step):
            torn = image.copy()
            torn.apply(operation, length if operation.kind == "write" else 0)
            torn.save(stem)
            check_recovered(stem, history, done, least=history.end(done))
        image.apply(operation)


def test_power_lost(history: History, tmp_path: Path) -> None:
    """The power goes after any operation: unsynced writes survive in any combination."""
    stem = tmp_path / "crashed"
    chance = random.Random(11)
    for _ in range(POWER_LOSSES):
        done = chance.randrange(1, len(history.operations) + 1)
        _after_power_loss(history.operations[:done], chance).save(stem)
        check_recovered(stem, history, done)


@pytest.mark.parametrize("seed", range(LIVES))
def test_power_lost_in_any_life(tmp_path: Path, seed: int, short_spans: None) -> None:
    """Whatever was done in whatever order, with and without the power, whenever it ends."""
    history = ForgetfulScript(tmp_path / "original", seed).live(STEPS_PER_LIFE)
    stem = tmp_path / "crashed"
    chance = random.Random(seed)
    for _ in range(POWER_LOSSES_PER_LIFE):
        done = chance.randrange(1, len(history.operations) + 1)
        _after_power_loss(history.operations[:done], chance).save(stem)
        check_recovered(stem, history, done)
        image = Image()
        for operation in history.operations[:done]:
            image.apply(operation)
        image.save(stem)
        check_recovered(stem, history, done, least=history.end(done))


def test_every_change_fails(tmp_path: Path) -> None:
    """For every N, the N-th change of the disk fails: the log can be opened, and goes on."""
    at, fault = 0, Fault(1, False, 0, failed=True)
    while fault.failed:
        at += 1
        fault = Fault(1000, False, 0)
        log = OutputLog.create(tmp_path / f"log{at}", LOG_ID, opener=fault.opener())
        data = [bytes([at % 256]) * 40 for _ in range(9)]
        for piece in data:
            log.append(piece, is_error=False, time_us=1)
        log.sync()
        fault.at, fault.count = at, 0
        try:
            point = log.begin_forget(40, 320, "size_limit")
            assert point is not None
            try:
                point.run()
            finally:
                log.finish_forget(point)
        except LogFailed:
            with pytest.raises(LogFailed):
                log.append(b"x", is_error=False, time_us=1)
        except OSError:
            log.append(b"x", is_error=False, time_us=1)
            data.append(b"x")
        log.close()
        log = OutputLog.open(tmp_path / f"log{at}")
        assert log.checksum == zlib.crc32(b"".join(data))
        assert log.gaps in ((), (Gap(40, 320, "size_limit"),))
        assert log.stored_bytes == log.end - sum(gap.end - gap.start for gap in log.gaps)
        log.close()
    assert at > 4


def test_a_log_that_never_ends(tmp_path: Path) -> None:
    """The gap is one for readers, is kept in few pieces, and takes next to no space."""
    log = OutputLog.create(tmp_path / "log", LOG_ID)
    reader = LogReader(tmp_path / "log")
    step, kept = 4096, 64 * 1024
    for at in range(400):
        for _ in range(step // 64):
            log.append(bytes([at % 256]) * 64, is_error=False, time_us=at)
        log.sync()
        if log.stored_bytes > kept:
            point = log.begin_forget(step, log.end - kept + 2 * step, "size_limit")
            assert point is not None
            point.run()
            log.finish_forget(point)
    assert log.gaps[0].end == log.end - log.stored_bytes + step
    gap = Gap(step, log.gaps[0].end, "size_limit")
    assert log.gaps == reader.gaps() == (gap,)
    assert kept - step <= log.stored_bytes <= kept
    assert len(log._pieces) < 12
    assert reader.read(gap.start, 10) == gap
    assert reader.read(gap.start + 100_000, 10) == replace(gap, start=gap.start + 100_000)
    assert reader.read_mixed(gap.end, 3) == bytes([(gap.end // step) % 256]) * 3
    assert reader.end() == log.end
    state = (log.checksum, log.gaps, log.stored_bytes)
    log.close()
    log = OutputLog.open(tmp_path / "log")
    assert (log.checksum, log.gaps, log.stored_bytes) == state
    assert log.recovery is None
    log.close()
    assert (tmp_path / "log.log").stat().st_blocks * 512 <= 2 * kept


def test_holes_in_the_index_are_passed_over(tmp_path: Path) -> None:
    """Of a long output in many small pieces, the records of what was forgotten go as well."""
    log = OutputLog.create(tmp_path / "log", LOG_ID)
    records = 3 * forgetting.SPAN_RECORDS
    for at in range(records):
        log.append(b"%07d\n" % at, is_error=False, time_us=at)
    log.sync()
    before = (tmp_path / "log.idx").stat().st_blocks
    for end in (records * 4, records * 7):  # the second one begins in the middle of the first's
        point = log.begin_forget(800, end, "size_limit")
        assert point is not None
        point.run()
        log.finish_forget(point)
    assert (tmp_path / "log.idx").stat().st_blocks < before / 4
    gap = Gap(800, records * 7, "size_limit")
    with LogReader(tmp_path / "log") as reader:
        assert reader.gaps() == (gap,)
        for offset in (800, 5000, records * 2, records * 6):
            assert reader.read(offset, 10) == replace(gap, start=offset)
        assert reader.read_mixed(792, 8) == b"0000099\n"
        assert reader.read_mixed(gap.end, 8) == b"%07d\n" % (gap.end // 8)
        assert reader.verify() == []
        assert reader.start() == 0
    log.close()
    log = OutputLog.open(tmp_path / "log")
    assert log.recovery is None
    assert (log.start, log.end, log.gaps) == (0, records * 8, (gap,))
    log.close()


def test_nothing_is_forgotten_while_somebody_copies_the_log(tmp_path: Path) -> None:
    """Whoever holds the lock sees no byte vanish."""
    model = Model()
    log = OutputLog.create(tmp_path / "log", LOG_ID)
    for _ in range(4):
        log.append(b"a" * 10, is_error=False, time_us=0)
        model.append(b"a" * 10, False, 0)
    log.sync()
    copier = LogFile(tmp_path / "log.idx", 0)
    copier.share_lock()
    assert log.begin_forget(10, 30, "size_limit") is None
    copier.close()
    point = log.begin_forget(10, 30, "size_limit")
    assert point is not None
    point.run()
    log.finish_forget(point)
    assert log.gaps == (Gap(10, 30, "size_limit"),)
    log.close()
    check = OutputLog.open(tmp_path / "log")
    assert check.checksum == model.checksum
    check.close()


def test_only_what_is_durable_is_forgotten(tmp_path: Path) -> None:
    """What could still be lost to a crash is not turned into a gap that says otherwise."""
    log = OutputLog.create(tmp_path / "log", LOG_ID)
    log.append(b"a" * 10, is_error=False, time_us=0)
    log.sync()
    log.append(b"b" * 10, is_error=False, time_us=0)
    point = log.begin_forget(0, 20, "size_limit")
    assert point is not None
    assert point.gap == Gap(0, 10, "size_limit")
    point.run()
    log.finish_forget(point)
    log.close()


def test_a_log_without_forgetting_is_as_before(tmp_path: Path) -> None:
    """Nothing to forget, nothing changed."""
    model = Model()
    log = OutputLog.create(tmp_path / "log", LOG_ID)
    log.append(b"abc", is_error=False, time_us=0)
    model.append(b"abc", False, 0)
    assert log.begin_forget(0, 3, "size_limit") is None
    log.sync()
    assert log.begin_forget(3, 3, "size_limit") is None
    log.close()
    check_log(tmp_path / "log", model)
