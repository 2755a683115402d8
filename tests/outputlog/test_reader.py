"""What readers promise: damage is named, a live writer never confuses them."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from arborlink.outputlog import BelowStart, Chunk, Gap, LogCorrupt, LogReader, OutputLog, writer
from arborlink.outputlog.files import LogFile
from arborlink.testing.cells import stream

from .model import LOG_ID

RECORDS = 50

WRITER = """
import random, sys
from pathlib import Path
from arborlink.outputlog import OutputLog, writer
from arborlink.testing.cells import stream
writer.FREE_STEP = 4096
chance = random.Random(3)
log = OutputLog.open(Path(sys.argv[1]))
for turn in range(3000):
    size = chance.randint(1, 300)
    log.append(stream("parallel", log.end, log.end + size), is_error=False, time_us=turn)
    if turn % 100 == 50:
        log.append_gap(log.end + 32, "lost")
    if turn % 200 == 150:
        log.drop(log.end - 9000, log.end - 3000, "size_limit")
    if turn % 300 == 250:
        log.sync()
        log.prune(log.end - 40000)
        point = log.begin_free()
        if point is not None:
            point.run()
            log.finish_free(point)
log.append(b"END", is_error=True, time_us=0)
log.close()
"""


@pytest.fixture
def stem(tmp_path: Path) -> Path:
    """A synced log of 50 records of 20 bytes, 4 bytes of it marks."""
    stem = tmp_path / "log"
    log = OutputLog.create(stem, LOG_ID)
    for number in range(RECORDS):
        log.append(b"%020d" % number, is_error=False, time_us=number)
    log.sync()
    log.close()
    return stem


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 0x10
    path.write_bytes(data)


def test_beside_a_writer(tmp_path: Path) -> None:
    """A reader in another process sees right bytes, gaps and nothing else, in spite of drops."""
    stem = tmp_path / "log"
    OutputLog.create(stem, LOG_ID).close()
    with subprocess.Popen([sys.executable, "-c", WRITER, str(stem)]) as process:
        with LogReader(stem) as reader:
            finished = [_follow(reader, merge=merge) for merge in (True, False)]
        assert process.wait() == 0
    assert finished == [True, True]


def _follow(reader: LogReader, *, merge: bool) -> bool:
    """Read until the last record, again and again from an earlier place; False if it never is."""
    offset = reads = 0
    while True:
        reads += 1
        try:
            found = reader.read(offset, 700, merge=merge, verify=reads % 3 == 0)
        except BelowStart as error:
            assert error.start > offset
            offset = error.start
            continue
        if isinstance(found, Chunk):
            if found.is_error:
                return found.data == b"END"
            assert found.data == stream("parallel", found.offset, found.end)
        elif found is not None:
            assert found.reason in ("lost", "size_limit")
        if found is not None:
            offset = max(0, found.end - 5000) if reads % 50 == 0 else found.end


@pytest.mark.parametrize("record", [0, 1, 24, RECORDS - 1])
def test_damaged_data_is_named(stem: Path, record: int) -> None:
    """A flipped bit in synced data is found by checking, and the rest is read."""
    flip(stem.with_name("log.log"), record * 20 + 7)
    OutputLog.open(stem).close()
    damage = Gap(record * 20, record * 20 + 20, "corrupt")
    with LogReader(stem) as reader:
        assert reader.corrupt_ranges() == []
        assert reader.verify() == [damage]
    with LogReader(stem) as reader:
        assert reader.read(record * 20 + 5, 9, verify=True) == Gap(
            damage.start + 5, damage.end, "corrupt"
        )
    with LogReader(stem) as reader:
        assert _ranges(reader, verify=True) == [
            part for part in [(0, damage.start), (damage.end, RECORDS * 20)] if part[0] < part[1]
        ]
        assert reader.corrupt_ranges() == [damage]


@pytest.mark.parametrize("record", [0, 1, 24, RECORDS - 1])
def test_damaged_index_is_named(stem: Path, record: int) -> None:
    """A damaged record of the index loses its own bytes only, without any checking."""
    flip(stem.with_name("log.idx"), 64 + record * 32 + 9)
    log = OutputLog.open(stem)
    assert (log.end, log.synced) == (RECORDS * 20, RECORDS * 20)
    log.close()
    damage = Gap(record * 20, record * 20 + 20, "corrupt")
    with LogReader(stem) as reader:
        assert reader.read(damage.start + 3, 50) == Gap(damage.start + 3, damage.end, "corrupt")
        assert reader.verify()[-1].end == damage.end
        assert reader.end() == RECORDS * 20


def test_missing_data_is_corrupt(stem: Path) -> None:
    """A data file that is too short is damage, not the end."""
    with stem.with_name("log.log").open("r+b") as data:
        data.truncate(RECORDS * 20 - 5)
    with LogReader(stem) as reader:
        found = reader.read(RECORDS * 20 - 20, 100)
    assert found == Gap(RECORDS * 20 - 20, RECORDS * 20, "corrupt")


def _ranges(reader: LogReader, *, verify: bool) -> list[tuple[int, int]]:
    """Return the ranges of which bytes were read, joined."""
    ranges: list[tuple[int, int]] = []
    offset = 0
    while (found := reader.read(offset, 64, verify=verify)) is not None:
        if isinstance(found, Chunk):
            if ranges and ranges[-1][1] == found.offset:
                ranges[-1] = (ranges[-1][0], found.end)
            else:
                ranges.append((found.offset, found.end))
        offset = found.end
    return ranges


def test_torn_last_record_is_not_there_yet(stem: Path) -> None:
    """A record of which only a part is in the index does not exist for a reader."""
    with stem.with_name("log.idx").open("ab") as index:
        index.write(bytes(31))
    with LogReader(stem) as reader:
        assert reader.end() == RECORDS * 20
        assert reader.read(RECORDS * 20, 10) is None


def test_many_small_records_in_one_read(stem: Path) -> None:
    """Merging is limited by what was asked for, not by records or marks in between."""
    log = OutputLog.open(stem)
    for number in range(3000):
        log.append(b"x", is_error=False, time_us=0)
        if number % 1000 == 0:
            log.sync()
    log.close()
    with LogReader(stem) as reader:
        chunk = reader.read(10, 1500)
        assert isinstance(chunk, Chunk)
        assert (len(chunk.data), chunk.time_us) == (1500, 0)
        assert _ranges(reader, verify=False) == [(0, RECORDS * 20 + 3000)]


class SlowFile(LogFile):
    """Data that is taken away between the look at the index and the read."""

    def __init__(self, path: Path, meanwhile: Callable[[], object]) -> None:
        super().__init__(path, os.O_RDONLY)
        self._meanwhile = meanwhile

    def read(self, size: int, position: int) -> bytes:
        self._meanwhile()
        return super().read(size, position)


def test_drop_during_a_read(stem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that are dropped while they are read are a gap, never zeros."""
    log = OutputLog.open(stem)
    with LogReader(stem) as reader:
        slow = SlowFile(stem.with_name("log.log"), lambda: log.drop(100, 400, "size_limit"))
        with monkeypatch.context() as patch:
            patch.setattr(reader, "_data", slow)
            assert reader.read(150, 30) == Gap(150, 400, "size_limit")
        slow.close()
    log.close()


def test_below_start(stem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pruned bytes are refused with the first offset that can be read, once they are given back."""
    monkeypatch.setattr(writer, "FREE_STEP", 100)
    log = OutputLog.open(stem)
    with LogReader(stem) as reader:
        assert reader.read(0, 10) == Chunk(0, False, 0, b"0" * 10)
        log.prune(410)
        point = log.begin_free()
        assert point is not None
        point.run()
        log.finish_free(point)
        with pytest.raises(BelowStart) as refusal:
            reader.read(10, 10)
        assert refusal.value.start == reader.start() == 400
        assert next(iter(reader.records(400, 425))).end == 420
    log.close()


def test_impossible_reads(stem: Path) -> None:
    """Negative offsets and empty reads are mistakes; beyond the end there is nothing."""
    with LogReader(stem) as reader:
        for offset, size in ((-1, 5), (0, 0)):
            with pytest.raises(ValueError, match="cannot read"):
                reader.read(offset, size)
        assert reader.read(10**9, 5) is None


def test_both_streams_are_read_as_one(tmp_path: Path) -> None:
    log = OutputLog.create(tmp_path / "log", LOG_ID)
    for number in range(3_000):
        log.append(b"%05d" % number, is_error=number % 3 == 0, time_us=number)
        if number % 500 == 250:
            log.sync()
        if number == 2_000:
            log.append_gap(log.end + 10, "lost")
    expected = b"".join(b"%05d" % number for number in range(2_001))
    with LogReader(tmp_path / "log") as reader:
        data, reads = b"", 0
        while isinstance(part := reader.read_mixed(len(data), 100_000), bytes):
            data, reads = data + part, reads + 1
        assert data == expected and reads < 10
        assert part == Gap(10_005, 10_015, "lost")
        assert reader.read_mixed(10_010, 9) == Gap(10_010, 10_015, "lost")
        assert reader.read_mixed(7, 6) == expected[7:13]
        assert reader.read_mixed(log.end, 1) is None
    log.close()


def test_what_the_data_file_has_lost_at_its_end_is_named(stem: Path) -> None:
    data = stem.with_name("log.log")
    with LogReader(stem) as reader:
        assert reader.missing_end() is None
        os.truncate(data, 30 * 20 + 7)
        assert reader.missing_end() == Gap(30 * 20, RECORDS * 20, "corrupt")
        whole = reader.read(29 * 20, 1_000)
        assert isinstance(whole, Chunk) and whole.data == b"%020d" % 29
        assert reader.read(30 * 20, 1_000) == Gap(30 * 20, 31 * 20, "corrupt")
        os.truncate(data, 0)
        assert reader.missing_end() == Gap(0, RECORDS * 20, "corrupt")


@pytest.mark.parametrize("ending", [".log", ".idx"])
@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_file_is_no_log(stem: Path, ending: str, make: Callable[[Path], None]) -> None:
    path = stem.with_name(f"log{ending}")
    path.unlink()
    make(path)
    with pytest.raises(LogCorrupt, match="is no file"):
        LogReader(stem)
