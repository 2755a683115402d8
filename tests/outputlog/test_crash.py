"""Whatever a crash or a power loss leaves, a log opens to a prefix, never below what was synced.

A process that dies leaves a prefix of its writes. A power loss leaves what was synced, and of the
rest any subset, in 32-byte pieces of the index (a sector holds whole records) and any bytes of the
data. Bytes below a start that was given back may never have been synced at all.
"""

import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from arborlink.outputlog import Gap, LogCorrupt, LogMissing, LogReader, OutputLog, writer

from .disk import Image, Operation, Tape
from .model import LOG_ID, Model, check_chunk, clipped

POWER_LOSSES = 1500
LIVES = 40
POWER_LOSSES_PER_LIFE = 60
STEPS_PER_LIFE = 60
HEADER = 64


@dataclass
class History:
    """What was done to the disk, and what had been promised after how many operations."""

    operations: list[Operation]
    promises: list[tuple[int, int, int]]  # operations done, synced, start
    written: list[tuple[int, int]]  # operations done, end
    models: list[Model]  # the log before and after its drops and forgettings
    whole: Model | None = None  # the log without its forgettings, if its checksum is that

    def promised(self, done: int) -> tuple[int, int]:
        """Return the synced offset and the start that hold after so many operations."""
        synced = max((synced for at, synced, _ in self.promises if at <= done), default=0)
        start = max((start for at, _, start in self.promises if at <= done), default=0)
        return synced, start

    def end(self, done: int) -> int:
        """Return where the log ended for its writer after so many operations."""
        return max((end for at, end in self.written if at <= done), default=0)


class Script:
    """Drives a log and writes down its history."""

    def __init__(self, stem: Path, seed: int = 5) -> None:
        self.tape = Tape()
        self.log = OutputLog.create(stem, LOG_ID, opener=self.tape.opener())
        self.model = Model()
        self.models = [self.model]
        self.promises: list[tuple[int, int, int]] = []
        self.written: list[tuple[int, int]] = []
        self.durable = 0
        self._random = random.Random(seed)

    def append(self, times: int) -> None:
        for _ in range(times):
            data = self._random.randbytes(self._random.randint(1, 24))
            is_error, time_us = self._random.random() < 0.3, self._random.randrange(1000)
            self.log.append(data, is_error=is_error, time_us=time_us)
            for model in self.models:
                model.append(data, is_error, time_us)
            self._note_end()

    def gap(self, length: int, reason: str) -> None:
        gap = self.log.append_gap(self.log.end + length, reason)
        for model in self.models:
            model.add_gap(gap)
        self._note_end()

    def sync_during_appends(self, before: int, after: int) -> None:
        point = self.log.begin_sync()
        self.append(before)
        point.run()
        self.append(after)
        self.log.finish_sync(point)
        self.durable = max(self.durable, point.end)
        self._promise()

    def free_during_appends(self, before: int, after: int) -> bool:
        """Give space back in the middle of appends; whether there was any."""
        point = self.log.begin_free()
        if point is None:
            return False
        self.append(before)
        point.run()
        self.append(after)
        self.log.finish_free(point)
        self.durable = max(self.durable, point.end)
        self._promise()
        return True

    def drop(self, start: int, end: int) -> bool:
        """Drop a range; whether there was anything to drop."""
        dropped = Model(list(self.models[-1].records), list(self.models[-1].gaps))
        gap = self.log.drop(start, end, "size_limit")
        if gap is None:
            return False
        dropped.add_gap(gap)
        self.models.append(dropped)
        self.durable = self.log.end
        self._promise()
        return True

    def prune(self, below: int) -> None:
        self.log.prune(below)
        self._promise()

    def history(self) -> History:
        self.log.close()
        return History(self.tape.operations, self.promises, self.written, self.models)

    def live(self, steps: int) -> History:
        """Do anything, in any order."""
        for _ in range(steps):
            step, chance = self._random.random(), self._random
            if step < 0.4:
                self.append(chance.randint(1, 4))
            elif step < 0.5:
                self.gap(chance.randint(1, 40), "lost")
            elif step < 0.7:
                self.prune(chance.randint(self.log.start, self.log.end))
            elif step < 0.85:
                self.free_during_appends(chance.randint(0, 2), chance.randint(0, 2))
            elif step < 0.95:
                self.sync_during_appends(chance.randint(0, 2), chance.randint(0, 2))
            else:
                start = chance.randint(self.log.start, self.log.end)
                self.drop(start, chance.randint(start, self.log.end))
        return self.history()

    def _note_end(self) -> None:
        self.written.append((len(self.tape.operations), self.log.end))

    def _promise(self) -> None:
        self.promises.append((len(self.tape.operations), self.durable, self.log.start))


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log of a few hundred bytes is then as busy as one of many megabytes."""
    monkeypatch.setattr(writer, "FREE_STEP", 16)
    monkeypatch.setattr(writer, "CHECKPOINT_STEP", 16)


@pytest.fixture
def history(tmp_path: Path) -> History:
    """A life with everything in it."""
    script = Script(tmp_path / "original")
    script.append(4)
    script.sync_during_appends(2, 1)
    script.gap(30, "lost")
    script.append(3)
    script.sync_during_appends(1, 0)
    assert script.drop(20, 90)
    script.append(3)
    script.prune(15)
    script.sync_during_appends(2, 2)
    script.prune(script.log.synced)  # the last durable record must stay, to recover from
    assert script.free_during_appends(2, 1)
    script.append(6)
    script.prune(script.log.end - 20)  # never synced
    assert script.free_during_appends(2, 2)
    script.prune(script.log.end)
    assert script.free_during_appends(3, 1)
    script.sync_during_appends(2, 1)
    script.prune(script.log.synced - 20)
    assert script.drop(script.log.start + 15, script.log.end)
    script.append(2)
    script.prune(script.log.end - 10)
    assert script.free_during_appends(0, 0)
    script.sync_during_appends(3, 1)
    script.sync_during_appends(1, 4)
    script.gap(9, "spool_full")
    script.append(2)
    return script.history()


def check_recovered(stem: Path, history: History, done: int, *, least: int = 0) -> None:
    """Open what a crash left and compare it with everything it may be; not shorter than `least`."""
    synced, start = history.promised(done)
    try:
        log = OutputLog.open(stem)
    except (LogCorrupt, LogMissing):
        assert synced == 0
        return
    assert log.end >= log.synced
    assert log.end >= synced, f"lost what was synced: {log.end} < {synced}"
    assert log.end >= least, f"lost what was written: {log.end} < {least}"
    assert log.start <= start
    with LogReader(stem) as reader:
        assert reader.start() <= max(log.start, synced)
        content = _matching_content(reader, history, log)
        if history.whole is not None:
            assert history.whole.prefix(log.end).checksum == log.checksum
        elif reader.start() == log.start == 0:
            assert zlib.crc32(content) == log.checksum
        assert reader.end() == log.end
    _check_goes_on(stem, log)


def _matching_content(reader: LogReader, history: History, log: OutputLog) -> bytes:
    """Return the kept bytes, which must be those of one of the history's models."""
    failures = []
    for model in history.models:
        prefix = model.prefix(log.end)
        if prefix.end != log.end:
            continue
        try:
            return b"".join(_compared(reader, prefix, max(reader.start(), log.start)))
        except AssertionError as failure:
            failures.append(failure)
    raise AssertionError(f"not a prefix of what was written: {failures}")


def _compared(reader: LogReader, model: Model, offset: int) -> Iterator[bytes]:
    while (found := reader.read(offset, 50, verify=True)) is not None:
        check_chunk(model, found, 50, merge=True)
        if not isinstance(found, Gap):
            yield found.data
        offset = found.end


def _check_goes_on(stem: Path, log: OutputLog) -> None:
    """Assert that a recovered log can be written, and is the same when opened again."""
    log.append(b"more", is_error=False, time_us=1)
    state = (log.start, log.end, log.checksum, clipped(log.gaps, log.start))
    log.close()
    again = OutputLog.open(stem)
    assert (again.start, again.end, again.checksum, clipped(again.gaps, again.start)) == state
    assert again.recovery is None
    again.close()


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
    image.save(stem)
    done = len(history.operations)
    check_recovered(stem, history, done, least=history.end(done))


def test_power_lost(history: History, tmp_path: Path) -> None:
    """The power goes after any operation: unsynced writes survive in any combination."""
    stem = tmp_path / "crashed"
    chance = random.Random(11)
    for _ in range(POWER_LOSSES):
        done = chance.randrange(1, len(history.operations) + 1)
        _after_power_loss(history.operations[:done], chance).save(stem)
        check_recovered(stem, history, done)


@pytest.mark.parametrize("seed", range(LIVES))
def test_power_lost_in_any_life(tmp_path: Path, seed: int) -> None:
    """Whatever was done in whatever order, with and without the power, whenever it ends."""
    history = Script(tmp_path / "original", seed).live(STEPS_PER_LIFE)
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


def _after_power_loss(operations: list[Operation], chance: random.Random) -> Image:
    """Return the image with everything synced, and a random part of the rest."""
    last_sync = {
        suffix: max(
            (
                at
                for at, done in enumerate(operations)
                if done.suffix == suffix and done.kind == "sync"
            ),
            default=-1,
        )
        for suffix in (".idx", ".log")
    }
    survival = chance.choice([0.1, 0.5, 0.9])
    image = Image()
    for at, operation in enumerate(operations):
        if at <= last_sync[operation.suffix]:
            image.apply(operation)
            continue
        for piece in _pieces(operation):
            if chance.random() < survival:
                cut = piece.suffix == ".log" and chance.random() < 0.2
                image.apply(piece, chance.randrange(len(piece.data) + 1) if cut else None)
    return image


def _pieces(operation: Operation) -> Iterator[Operation]:
    """Split a change of the index into its records."""
    if operation.suffix == ".log" or operation.kind not in ("write", "wipe"):
        yield operation
        return
    step = HEADER if operation.position == 0 else 32
    for at in range(0, len(operation.data), step):
        data = operation.data[at : at + step]
        yield Operation(operation.suffix, operation.kind, operation.position + at, data)


@pytest.mark.parametrize("suffix", [".idx", ".log"])
def test_damaged_tail(tmp_path: Path, suffix: str) -> None:
    """Any flipped bit and any cut above the synced offset costs only what follows it."""
    stem = tmp_path / "log"
    script = Script(stem)
    script.append(3)
    script.log.sync()
    synced, index_bytes = script.log.end, stem.with_name("log.idx").stat().st_size
    script.append(4)
    script.gap(5, "lost")
    script.append(2)
    path = stem.with_name("log" + suffix)
    history = History([], [(0, synced, 0)], [], script.models)
    script.log.close()
    files = {name: stem.with_name("log" + name).read_bytes() for name in (".idx", ".log")}
    whole = files[suffix]
    for at in range(synced if suffix == ".log" else index_bytes, len(whole)):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << at % 8
        for damaged in (bytes(flipped), whole[:at]):
            for name, content in files.items():
                stem.with_name("log" + name).write_bytes(content)
            path.write_bytes(damaged)
            check_recovered(stem, history, 0)
