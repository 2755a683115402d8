"""What a log should contain, kept in memory, and a reader that is compared with it."""

import zlib
from dataclasses import dataclass, field
from pathlib import Path

from arborlink.outputlog import BelowStart, Chunk, Gap, LogReader, OutputLog, Record

LOG_ID = "0123456789abcdef" * 2


@dataclass
class Model:
    """The log as one list of records; a record's data is None when it is a gap."""

    records: list[tuple[Record, bytes]] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)

    @property
    def end(self) -> int:
        ends = [record.end for record, _ in self.records] + [gap.end for gap in self.gaps]
        return max(ends, default=0)

    @property
    def checksum(self) -> int:
        return zlib.crc32(b"".join(data for _, data in self.records))

    def append(self, data: bytes, is_error: bool, time_us: int) -> None:
        if data:
            self.records.append((Record(self.end, len(data), is_error, time_us), data))

    def add_gap(self, gap: Gap) -> None:
        """Note a gap at the end, or one that replaces what was there."""
        self.records = [
            (record, data)
            for record, data in self.records
            if record.end <= gap.start or record.offset >= gap.end
        ]
        self.gaps = [old for old in self.gaps if old.end <= gap.start or old.start >= gap.end]
        self.gaps = sorted([*self.gaps, gap], key=lambda item: item.start)

    def droppable(self, start: int, end: int) -> tuple[int, int] | None:
        """Return the range of the whole records inside [start, end), if one has data."""
        spans = [(record.offset, record.end, True) for record, _ in self.records]
        spans += [(gap.start, gap.end, False) for gap in self.gaps]
        inside = [span for span in spans if span[0] >= start and span[1] <= end]
        if not any(has_data for _, _, has_data in inside):
            return None
        return min(span[0] for span in inside), max(span[1] for span in inside)

    def prefix(self, end: int) -> "Model":
        """Return the model of the log cut at a record's end."""
        return Model(
            [(record, data) for record, data in self.records if record.end <= end],
            [gap for gap in self.gaps if gap.end <= end],
        )

    def joined_gaps(self) -> tuple[Gap, ...]:
        joined: list[Gap] = []
        for gap in self.gaps:
            if joined and (joined[-1].end, joined[-1].reason) == (gap.start, gap.reason):
                joined[-1] = Gap(joined[-1].start, gap.end, gap.reason)
            else:
                joined.append(gap)
        return tuple(joined)


def clipped(gaps: tuple[Gap, ...], start: int) -> list[Gap]:
    """Return what of the gaps is above the start: of a pruned one, any part may be remembered."""
    return [Gap(max(gap.start, start), gap.end, gap.reason) for gap in gaps if gap.end > start]


def check_chunk(model: Model, found: Chunk | Gap, max_bytes: int, *, merge: bool) -> None:
    """Assert that what was read is what the model has there."""
    if isinstance(found, Gap):
        around = [gap for gap in model.joined_gaps() if gap.start <= found.start < gap.end]
        assert [(gap.end, gap.reason) for gap in around] == [(found.end, found.reason)]
        return
    assert 0 < len(found.data) <= max_bytes
    parts = [
        (record, data)
        for record, data in model.records
        if record.offset < found.end and record.end > found.offset
    ]
    first = parts[0][0]
    assert b"".join(data for _, data in parts)[found.offset - first.offset :].startswith(found.data)
    assert sum(record.length for record, _ in parts) == parts[-1][0].end - first.offset
    assert {record.is_error for record, _ in parts} == {found.is_error}
    assert found.time_us == first.time_us
    assert merge or len(parts) == 1


def check_reader(
    reader: LogReader, model: Model, *, merge: bool = True, max_bytes: int = 7, verify: bool = False
) -> None:
    """Read everything that is kept and compare it, the gaps and the records with the model."""
    start = offset = reader.start()
    assert reader.end() == model.end
    while (found := reader.read(offset, max_bytes, merge=merge, verify=verify)) is not None:
        check_chunk(model, found, max_bytes, merge=merge)
        offset = found.end
    assert offset == model.end
    assert clipped(model.joined_gaps(), start) == clipped(reader.gaps(), start)
    listed = [item for item in reader.records(start, model.end) if isinstance(item, Record)]
    assert listed == [record for record, _ in model.records if record.offset >= start]


def check_log(stem: Path, model: Model) -> None:
    """Assert that a fresh writer and a fresh reader both find what the model says."""
    log = OutputLog.open(stem)
    assert (log.end, log.checksum, log.recovery) == (model.end, model.checksum, None)
    assert clipped(log.gaps, log.start) == clipped(model.joined_gaps(), log.start)
    kept = sum(
        record.end - max(record.offset, log.start)
        for record, _ in model.records
        if record.end > log.start
    )
    assert log.stored_bytes == kept
    log.close()
    with LogReader(stem) as reader:
        assert reader.log_id == LOG_ID
        assert reader.verify() == []
        check_reader(reader, model)
        check_reader(reader, model, merge=False, max_bytes=1000, verify=True)


def check_below(reader: LogReader, model: Model, offset: int) -> None:
    """Assert that an offset is either right or refused, with the offset to go on from."""
    try:
        found = reader.read(offset, 5)
    except BelowStart as error:
        assert offset < error.start == reader.start()
    else:
        if offset >= model.end:
            assert found is None
        else:
            assert found is not None
            assert isinstance(found, Gap) or found.offset == offset
            check_chunk(model, found, 5, merge=True)
