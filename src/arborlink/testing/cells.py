"""A stream of bytes that describes itself: every 16 bytes say whose they are and where they belong.

A cell is the task's tag (4 bytes, the CRC-32 of its key), a counter (8 bytes) and the CRC-32 of
both (4 bytes), all big-endian. Cell n of a stream is at offset 16 n, so that whatever was lost,
repeated, moved or mixed with another task's output can be named to the byte.

    python -m arborlink.testing.cells --key K --bytes N

writes such a stream. With `--stderr-every M`, after every M cells one goes to stderr, from a stream
of its own whose key is `K:stderr`: the order between two pipes is nobody's to know.
"""

import os
import sys
import time
import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

CELL_BYTES: Final = 16
STDERR_SUFFIX: Final = ":stderr"
_BLOCK_CELLS: Final = 4096  # 64 KiB, what is made at a time
_COUNTERS: Final = 2**64


def tag_of(key: str) -> bytes:
    """Return the 4 bytes that begin every cell of a key."""
    return zlib.crc32(key.encode()).to_bytes(4, "big")


def generate(key: str, first: int, count: int) -> bytes:
    """Return `count` cells of a key from number `first` on, 16 bytes each."""
    tag = tag_of(key)
    pieces = []
    while count > 0:
        block, skipped = divmod(first, _BLOCK_CELLS)
        taken = min(count, _BLOCK_CELLS - skipped)
        cells = _blocks(tag).block(block)
        pieces.append(cells[skipped * CELL_BYTES : (skipped + taken) * CELL_BYTES])
        first, count = first + taken, count - taken
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def stream(key: str, start: int, end: int) -> bytes:
    """Return the bytes [start, end) of a key's stream, wherever the cells begin."""
    first = start // CELL_BYTES
    cells = generate(key, first, -(-end // CELL_BYTES) - first)
    return cells[start - first * CELL_BYTES : end - first * CELL_BYTES]


def parse(cell: bytes) -> tuple[bytes, int] | None:
    """Return a cell's tag and counter, None if it is not a cell."""
    if len(cell) != CELL_BYTES or zlib.crc32(cell[:12]).to_bytes(4, "big") != cell[12:]:
        return None
    return cell[:4], int.from_bytes(cell[4:12], "big")


def _cell(tag: bytes, counter: int) -> bytes:
    body = tag + (counter % _COUNTERS).to_bytes(8, "big")
    return body + zlib.crc32(body).to_bytes(4, "big")


class _Blocks:
    """Makes the blocks of one tag.

    A CRC is linear: the cells of any two blocks differ by the same 16 bytes everywhere. One column
    of a block is then made from that of the first by a table, which is far faster than 4,096
    checksums.
    """

    def __init__(self, tag: bytes) -> None:
        self._tag = tag
        self._first = b"".join(_cell(tag, counter) for counter in range(_BLOCK_CELLS))
        self._present = bytearray(self._first)
        self._difference = bytes(CELL_BYTES)

    def block(self, number: int) -> bytes:
        """Return the cells from `number * _BLOCK_CELLS` on."""
        there = _cell(self._tag, number * _BLOCK_CELLS)
        difference = bytes(a ^ b for a, b in zip(self._first, there, strict=False))
        for column in range(CELL_BYTES):
            if difference[column] != self._difference[column]:
                original = self._first[column::CELL_BYTES]
                self._present[column::CELL_BYTES] = original.translate(_xor(difference[column]))
        self._difference = difference
        return bytes(self._present)


@lru_cache(maxsize=16)
def _blocks(tag: bytes) -> _Blocks:
    return _Blocks(tag)


@lru_cache(maxsize=256)
def _xor(value: int) -> bytes:
    return bytes(byte ^ value for byte in range(256))


def main(arguments: list[str] | None = None) -> int:
    """Write a stream of cells as the command line says, and return the exit code."""
    import argparse

    parser = argparse.ArgumentParser(prog="python -m arborlink.testing.cells")
    parser.add_argument("--key", required=True, help="the name of the stream")
    parser.add_argument("--bytes", type=int, help="how much to write to stdout; default: no end")
    parser.add_argument("--rate", type=float, help="bytes per second; default: at full speed")
    parser.add_argument("--stderr-every", type=int, default=0, metavar="M", help="see above")
    parser.add_argument("--exit", type=int, default=0, metavar="CODE", help="the exit code")
    parser.add_argument("--ignore-term", action="store_true", help="survive SIGTERM")
    parser.add_argument("--lines", action="store_true", help="a line per cell: hex, monotonic ns")
    options = parser.parse_args(arguments)
    if options.ignore_term:
        import signal

        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    limit: int | None = options.bytes
    cells = None if limit is None else limit // CELL_BYTES
    per_write = _BLOCK_CELLS
    if options.stderr_every:
        per_write = min(per_write, options.stderr_every)
    if options.lines:
        per_write = 1
    elif options.rate:
        per_write = max(1, min(per_write, int(options.rate / 100 / CELL_BYTES)))  # each 10 ms
    errors = 0
    for first, count in _paced(cells, per_write, options.rate):
        _write_all(1, _form(generate(options.key, first, count), lines=options.lines))
        if options.stderr_every and (first + count) // options.stderr_every > errors:
            cell = generate(options.key + STDERR_SUFFIX, errors, 1)
            _write_all(2, _form(cell, lines=options.lines))
            errors += 1
    code: int = options.exit
    return code


def _paced(cells: int | None, per_write: int, rate: float | None) -> Iterator[tuple[int, int]]:
    """Yield first cell and number of cells of every write, when it is due."""
    began = time.monotonic()
    first = 0
    while cells is None or first < cells:
        count = per_write if cells is None else min(per_write, cells - first)
        yield first, count
        first += count
        if rate:
            time.sleep(max(0.0, began + first * CELL_BYTES / rate - time.monotonic()))


def _form(cells: bytes, *, lines: bool) -> bytes:
    return f"{cells.hex()} {time.monotonic_ns()}\n".encode() if lines else cells


def _write_all(fd: int, data: bytes) -> None:
    """Write to a pipe or terminal until it has taken everything."""
    written = os.write(fd, data)
    while written < len(data):
        written += os.write(fd, data[written:])


if __name__ == "__main__":
    sys.exit(main())
