"""The cell stream is what it says, and its reader names every fault to the byte."""

import subprocess
import sys
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborlink.testing.cell_reader import CellReader, Fault
from arborlink.testing.cells import CELL_BYTES, STDERR_SUFFIX, generate, parse, stream, tag_of
from tests.bounds import HANG_SECONDS

KEY = "a task"
DATA = generate(KEY, 0, 64)


def cells(*numbers: int) -> bytes:
    return b"".join(generate(KEY, number, 1) for number in numbers)


def faults_of(data: bytes) -> list[Fault]:
    reader = CellReader(KEY)
    reader.feed(data)
    return reader.finish()


@given(first=st.integers(0, 2**40), count=st.integers(0, 40))
def test_cells_are_as_documented(first: int, count: int) -> None:
    """Tag, counter and checksum, wherever a block begins."""
    first = first - first % 4096 + 4080  # runs over a block's end
    data = generate(KEY, first, count)
    assert len(data) == count * CELL_BYTES
    for number in range(count):
        cell = data[number * CELL_BYTES : (number + 1) * CELL_BYTES]
        body = zlib.crc32(KEY.encode()).to_bytes(4, "big") + (first + number).to_bytes(8, "big")
        assert cell == body + zlib.crc32(body).to_bytes(4, "big")
        assert parse(cell) == (tag_of(KEY), first + number)


@given(start=st.integers(0, 200), length=st.integers(0, 200))
def test_any_range_of_a_stream(start: int, length: int) -> None:
    """`stream` is a slice of the whole, also in the middle of cells."""
    assert stream(KEY, start, start + length) == DATA[start : start + length]


@given(pieces=st.lists(st.integers(1, 50), min_size=1))
def test_any_pieces_are_fine(pieces: list[int]) -> None:
    """How the stream is cut into chunks does not matter."""
    reader = CellReader(KEY)
    for size in pieces:
        reader.feed(stream(KEY, reader.end, reader.end + size), reader.end)
    assert reader.finish(sum(pieces)) == []


def test_loss() -> None:
    """Missing cells are named; what follows is met where they should be."""
    assert faults_of(cells(0, 1, 4, 5)) == [Fault("lost", 32, 32, 64)]


def test_loss_by_offset() -> None:
    """A chunk that claims a later offset admits the loss."""
    reader = CellReader(KEY)
    reader.feed(DATA[:20], 0)
    reader.feed(DATA[50:], 50)
    assert reader.finish(len(DATA)) == [Fault("lost", 20, 20, 50)]


def test_loss_at_the_end() -> None:
    """The rest is missed when the length is known."""
    reader = CellReader(KEY)
    reader.feed(DATA[:40])
    assert reader.finish(48) == [Fault("lost", 40, 40, 48)]


def test_duplication() -> None:
    """Repeated cells are named once, and going on after them is no loss."""
    assert faults_of(cells(0, 1, 2, 3, 1, 2, 4)) == [Fault("duplicated", 64, 16, 32)]


def test_duplication_by_offset() -> None:
    """Bytes of an offset that was there before are a duplicate, and are not read twice."""
    reader = CellReader(KEY)
    reader.feed(DATA[:48], 0)
    reader.feed(DATA[16:80], 16)
    assert [fault.kind for fault in reader.finish(80)] == ["duplicated"]


def test_reordering() -> None:
    """A cell that was missed and comes later is reordered."""
    found = faults_of(cells(0, 2, 3, 1, 4))
    assert [(fault.kind, fault.start) for fault in found] == [("lost", 16), ("reordered", 16)]


def test_mixing() -> None:
    """Another task's cell is seen as such."""
    found = faults_of(cells(0, 1) + generate("another", 7, 1) + cells(2, 3))
    assert found == [Fault("mixed", 32, 32, 32)]


@pytest.mark.parametrize("at", range(16, 48))
def test_damage(at: int) -> None:
    """A flipped bit damages its cell and nothing else."""
    data = bytearray(DATA)
    data[at] ^= 4
    begun = at // 16 * 16
    assert faults_of(bytes(data)) == [Fault("damaged", begun, begun, begun + 16)]


@given(start=st.integers(0, 900), length=st.integers(1, 120))
def test_any_missing_bytes_are_noticed(start: int, length: int) -> None:
    """No loss, of any length and anywhere, goes unseen."""
    end = min(start + length, len(DATA))
    reader = CellReader(KEY)
    reader.feed(DATA[:start] + DATA[end:])
    assert reader.finish(len(DATA))


def test_garbage_without_end() -> None:
    """What holds no cell is given up piece by piece, not collected."""
    reader = CellReader(KEY)
    for _ in range(20):
        reader.feed(b"\xff" * 1000)
    assert {fault.kind for fault in reader.faults} == {"damaged"}
    assert len(reader.faults) < 10


def test_declared_gap() -> None:
    """A declared gap is no loss, wherever in a cell it begins and ends."""
    reader = CellReader(KEY)
    reader.feed(DATA[:21], 0)
    reader.skip(21, 77)
    reader.feed(DATA[77:], 77)
    assert reader.finish(len(DATA)) == []


def test_gap_in_the_wrong_place() -> None:
    """A gap that begins too late hides a loss, one that begins too early repeats bytes."""
    reader = CellReader(KEY)
    reader.feed(DATA[:21], 0)
    reader.skip(25, 77)
    assert reader.faults == [Fault("lost", 21, 21, 25)]


def run_cells(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "arborlink.testing.cells", "--key", KEY, *arguments],
        capture_output=True,
        timeout=HANG_SECONDS,
        check=False,
    )


def test_command() -> None:
    """The program writes whole cells to both pipes and ends as it is told."""
    done = run_cells("--bytes", "1000", "--stderr-every", "10", "--exit", "3", "--rate", "1e9")
    assert done.returncode == 3
    assert done.stdout == generate(KEY, 0, 62)
    assert done.stderr == generate(KEY + STDERR_SUFFIX, 0, 6)


def test_command_lines() -> None:
    """With --lines every cell is a line, and its time never goes back."""
    lines = run_cells("--bytes", "160", "--lines", "--ignore-term").stdout.split(b"\n")
    assert b"".join(bytes.fromhex(line.split()[0].decode()) for line in lines[:-1]) == DATA[:160]
    times = [int(line.split()[1]) for line in lines[:-1]]
    assert times == sorted(times)
