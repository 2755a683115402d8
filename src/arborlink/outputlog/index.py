"""The index: a header and fixed records in offset order. Codec and search; no policy.

Layout: 64 bytes of header, then 32-byte records `<QQQII`: offset, length, kind (top byte) and time
(56 bits), CRC-32 of the record's data, CRC-32 of the 28 bytes before. 32 divides a sector and a
page, so that a record is never torn by a crash once it was whole.

    OUT, ERR  [offset, offset + length) was written at `time` µs; crc is that of these bytes alone
    GAP       [offset, offset + length) never arrives; time is the reason's code
    MARK      offset is the log's end, of which all but the last `length` bytes are on the disk;
              time is the first offset kept, crc the whole log's checksum up to the synced part
    DROP      directly after a MARK with length 0: a drop was begun. time is the dropped range's
              start, length its length (56 bits) and reason (top byte), crc the checksum without it
    FORGET    directly after a MARK: forgetting a range that is on the disk was begun; as for DROP,
              without a checksum
    PRUNED    32 zero bytes at the front: forgotten. Elsewhere, with something in the first slot:
              a hole in the copies of a GAP

A dropped range of n records becomes n copies of one GAP record, so that positions stay as they
are, offsets stay in order, and the search finds the whole gap from anywhere in it.
"""

import struct
import zlib
from pathlib import Path
from typing import Final, NamedTuple

from arborlink.outputlog.errors import LogCorrupt
from arborlink.outputlog.files import LogFile

HEADER_BYTES: Final = 64
RECORD_BYTES: Final = 32
MAX_TIME: Final = 2**56 - 1  # µs, 2,284 years
KIND_BYTE: Final = 23  # where in a record its kind is
BLOCK_RECORDS: Final = 2048  # records read at a time when the index is walked

# Any two differ in two bits: a single flipped one never turns a kind into another.
PRUNED: Final = 0
OUT: Final = 1
ERR: Final = 2
GAP: Final = 4
MARK: Final = 7
DROP: Final = 8
FORGET: Final = 11

_MAGIC: Final = b"ARBORLOG"
_VERSION: Final = 1
_HEADER: Final = struct.Struct("<8sI16s32xI")
_RECORD: Final = struct.Struct("<QQQII")
_BODY: Final = struct.Struct("<QQQI")
_CHECK: Final = struct.Struct("<I")
_ZERO: Final = bytes(RECORD_BYTES)


class Entry(NamedTuple):
    """One decoded record of the index."""

    offset: int
    length: int
    kind: int
    time: int
    crc: int

    @property
    def end(self) -> int:
        """The log's end after this record: marks add nothing."""
        return self.offset + self.length if self.kind in (OUT, ERR, GAP) else self.offset

    @property
    def is_data(self) -> bool:
        """Whether it stands for bytes in the data file."""
        return self.kind in (OUT, ERR)


_PRUNED_ENTRY: Final = Entry(-1, 0, PRUNED, 0, 0)  # sorts before every offset


def encode_header(log_id: str) -> bytes:
    """Return the 64 bytes of the header.

    Raises:
        ValueError: the log's id is not 32 hexadecimal digits.
    """
    raw = bytes.fromhex(log_id)
    if len(raw) != 16:
        raise ValueError(f"a log's id has 32 hexadecimal digits: {log_id!r}")
    head = _HEADER.pack(_MAGIC, _VERSION, raw, 0)[:-4]
    return head + _CHECK.pack(zlib.crc32(head))


def decode_header(raw: bytes, stem: Path) -> str:
    """Return the log's id.

    Raises:
        LogCorrupt: it is not a header of this version.
    """
    if len(raw) < HEADER_BYTES:
        raise LogCorrupt(stem, "its header is cut off")
    magic, version, log_id, check = _HEADER.unpack(raw)
    if magic != _MAGIC or check != zlib.crc32(raw[:-4]):
        raise LogCorrupt(stem, "its header is damaged")
    if version != _VERSION:
        raise LogCorrupt(stem, f"it has format version {version}, this program knows {_VERSION}")
    return bytes(log_id).hex()


def encode(offset: int, length: int, kind: int, time: int, crc: int) -> bytes:
    """Return the 32 bytes of a record."""
    body = _BODY.pack(offset, length, kind << 56 | time, crc)
    return body + _CHECK.pack(zlib.crc32(body))


def decode(raw: bytes, position: int = 0) -> Entry | None:
    """Return the record at a byte position, None if it is cut off or damaged."""
    if len(raw) - position < RECORD_BYTES:
        return None
    offset, length, kind_and_time, crc, check = _RECORD.unpack_from(raw, position)
    if check != zlib.crc32(raw[position : position + 28]):
        return _PRUNED_ENTRY if raw[position : position + RECORD_BYTES] == _ZERO else None
    return Entry(offset, length, kind_and_time >> 56, kind_and_time & MAX_TIME, crc)


class Index:
    """Search in an open index file. A slot is a record's number; a damaged record is skipped."""

    def __init__(self, file: LogFile) -> None:
        self.file = file

    def count(self) -> int:
        """Return the number of whole slots by the file's size."""
        return max(0, self.file.size() - HEADER_BYTES) // RECORD_BYTES

    def block(self, slot: int, records: int) -> bytes:
        """Return whole raw records from a slot on, up to so many."""
        raw = self.file.read(records * RECORD_BYTES, position_of(slot))
        return raw[: len(raw) // RECORD_BYTES * RECORD_BYTES]

    def entry(self, slot: int) -> Entry | None:
        """Return the record in a slot, None if there is none or it is damaged."""
        return decode(self.file.read(RECORD_BYTES, position_of(slot)))

    def first_from(self, offset: int, count: int) -> int:
        """Return the first of `count` slots whose offset is at least this, else `count`.

        Of damaged records at the border, the answer is the first.
        """
        low, high = 0, count
        while low < high:
            middle = (low + high) // 2
            slot, entry = self.next_good(middle, high)
            if entry is not None and entry.offset < offset:
                low = slot + 1
            else:
                high = middle
        return low

    def next_good(self, slot: int, count: int) -> tuple[int, Entry | None]:
        """Return the first undamaged record from a slot on, and its slot; holes are passed over."""
        while slot < count:
            entry = self.entry(slot)
            if entry is None:
                slot += 1
            elif entry.kind == PRUNED and not self._front_is_pruned():
                slot = self._after_zeros(slot, count)
            else:
                return slot, entry
        return count, None

    def _front_is_pruned(self) -> bool:
        return self.file.read(RECORD_BYTES, HEADER_BYTES) == _ZERO

    def _after_zeros(self, slot: int, count: int) -> int:
        """Return the first slot from one on that is not zeros, else `count`."""
        while slot < count:
            block = self.block(slot, min(BLOCK_RECORDS, count - slot))
            rest = block.lstrip(b"\0")
            slot += (len(block) - len(rest)) // RECORD_BYTES
            if rest or not block:
                return slot
        return count

    def first_kept(self, count: int) -> int:
        """Return the first slot that is not pruned."""
        return self.first_from(0, count)

    def next_gap(self, slot: int, count: int) -> int:
        """Return the first slot of a gap from a slot on, else `count`."""
        while slot < count:
            kinds = self.block(slot, min(BLOCK_RECORDS, count - slot))[KIND_BYTE::RECORD_BYTES]
            found = kinds.find(GAP)
            if found >= 0:
                return slot + found
            slot += len(kinds) or count
        return count


def position_of(slot: int) -> int:
    """Return where in the file a slot is."""
    return HEADER_BYTES + slot * RECORD_BYTES
