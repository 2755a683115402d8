"""A task's output at the hub: what arrives is appended, kept for good, and read by cursors.

Bytes go to live viewers before they are on disk: they are immutable and still in the daemon's
spool, so after a crash of the hub the same bytes come again (design: "The one idea"). They are
acknowledged to the daemon only once they are durable.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from arborlink.hub.live.reserve import Reserve
from arborlink.outputlog import (
    Chunk,
    ForgetPoint,
    LogError,
    LogFailed,
    LogReader,
    OutputLog,
    SyncPoint,
)
from arborlink.outputlog import Gap as LogGap
from arborlink.outputlog.index import MAX_TIME as MAX_TIME_US
from arborlink.outputlog.model import place_gap
from arborlink.protocol import limits
from arborlink.protocol.errors import LocalProtocolError, RemoteProtocolError, Unavailable
from arborlink.protocol.messages import Gap, Output, Status
from arborlink.protocol.resources import GapInfo
from arborlink.protocol.stream import ReceiveStream

TAIL_BYTES = limits.SUBSCRIPTION_BUFFER_BYTES
# What a message costs in memory besides its bytes, roughly: many small ones count as well.
MESSAGE_BYTES = 512
# Of an output that is too long, one such share of the limit is kept from its beginning, and one is
# forgotten at a time. What is kept of its end is the rest.
LIMIT_SHARES = 16
# For how long a daemon keeps output to itself that could not be stored.
FULL_SECONDS = 5.0


class TaskOutput:
    """One task's log. `writer` is there while bytes may still arrive.

    `ending` is the daemon's report of the end, until the log is complete and the end is stored.
    """

    def __init__(
        self,
        task_id: str,
        stem: Path,
        *,
        window: int,
        stored_limit: int = limits.STORED_OUTPUT_BYTES_PER_TASK,
        reserve: Reserve | None = None,
    ) -> None:
        self.task_id = task_id
        # What is kept of it, in bytes; from the next flush on, if that is changed.
        self.stored_limit = stored_limit
        self._reserve = reserve
        self.ending: Status | None = None
        # When the daemon's report was heard, in µs since 1970.
        self.ending_heard_at = 0
        self.writer: OutputLog | None = None
        self.listeners: set[Callable[[], None]] = set()
        self.on_durable: Callable[[TaskOutput], None] | None = None
        self.on_failed: Callable[[Unavailable], None] | None = None
        self.on_closed: Callable[[str], None] | None = None
        self._syncing = False
        self._shortening: ForgetPoint | None = None
        self._close_after_sync = False
        self._stem = stem
        self._reader: LogReader | None = None
        # The newest messages by their offset: cursors that are up to date share them and their
        # encoding instead of reading the file.
        self._tail: OrderedDict[int, Output] = OrderedDict()
        self._tail_bytes = 0
        self._frames: dict[int, bytes] = {}
        self.stream = ReceiveStream(0, window=window)
        if stem.with_suffix(".idx").exists():
            self._reader = LogReader(stem)
            self.stream = ReceiveStream(self._reader.end(), window=window)

    # ── writing ──────────────────────────────────────────────────────────────────────────────

    def open_writer(self, log_id: str) -> OutputLog:
        """Begin, or go on after a restart. What was recovered is made durable first.

        Raises:
            OSError: the disk is full or broken.
            LogError: what is stored cannot be used, or not be made durable.
        """
        if self.writer is None:
            if self._reader is None:
                writer = OutputLog.create(self._stem, log_id)
                self._reader = LogReader(self._stem)
            else:
                writer = OutputLog.open(self._stem)
                try:
                    writer.sync()
                except LogFailed:
                    writer.close()
                    raise
            self.writer = writer
            self.stream = ReceiveStream(writer.end, window=self.stream.window)
        return self.writer

    def receive(self, message: Output) -> bool:
        """Append what is new of a message; False if nothing was.

        Raises:
            OffsetOutOfOrder: it begins beyond the end.
            RemoteProtocolError: it goes beyond the credit.
            Unavailable: the disk does not take it; nothing was changed.
        """
        writer = self._require_writer()
        if message.time > MAX_TIME_US:
            raise RemoteProtocolError(
                f"{message.time} µs is no time since the task's start", code="invalid_time"
            )
        skip = self.stream.receive(message.offset, len(message.output))
        if skip is None:
            return False
        try:
            writer.append(
                memoryview(message.output)[skip:] if skip else message.output,
                is_error=message.is_error,
                time_us=message.time,
            )
        except (OSError, LogFailed) as error:
            self.stream.end = writer.end
            raise storage_fault(error) from error
        # `end` is the hub's word to viewers: from a daemon it is not passed on.
        if not skip and message.end is None:
            self._remember(message)
        self._wake()
        return True

    def receive_gap(self, message: Gap) -> bool:
        """Record what is new of a declared gap; False if nothing was. Raises as `receive` does."""
        writer = self._require_writer()
        new = self.stream.receive_gap(message.start, message.end)
        if new is None:
            return False
        try:
            writer.append_gap(new[1], message.reason)
        except (OSError, LogFailed) as error:
            # The daemon comes back and declares it again; until then the stream counts too much.
            self.stream = ReceiveStream(writer.synced, window=self.stream.window)
            self.stream.end = writer.end
            raise storage_fault(error) from error
        self._wake()
        return True

    def begin_sync(self) -> SyncPoint | None:
        """What to make durable now; None if there is nothing to write."""
        if self.writer is None or self.writer.synced == self.writer.end:
            return None
        point = self.writer.begin_sync()
        self._syncing = True
        return point

    def finish_sync(self, point: SyncPoint) -> None:
        """The point's `run` has succeeded."""
        self._syncing = False
        if self.writer is None:
            return
        self.stream.advance_durable(self.writer.finish_sync(point))
        if self._close_after_sync:
            self.close_writer()
        elif self.on_durable is not None:
            self.on_durable(self)

    def abandon_sync(self, error: Exception) -> None:
        """The point's `run` has failed: what it should have kept may be gone from memory too.

        Nothing of it was acknowledged, so the daemon still has it. The log has to be opened again,
        which happens when the daemon comes back.
        """
        self._syncing = False
        self._shortening = None
        on_failed = self.on_failed
        self.close_writer()
        if on_failed is not None:
            on_failed(storage_fault(error))

    def begin_forget(self) -> ForgetPoint | None:
        """What gives the middle of an output back that is too long; None if it is not.

        The checksum with which the end is compared stays that of all that was received.

        Raises:
            OSError, LogFailed: the disk is full or broken.
        """
        writer = self.writer
        if writer is None or self._syncing or self.ending is not None:
            # An end that is about to be stored names all gaps. What was on its way then is kept.
            return None
        if writer.stored_bytes <= self.stored_limit:
            return None
        head = self.stored_limit // LIMIT_SHARES
        tail = self.stored_limit - 2 * head
        point = writer.begin_forget(head, writer.end - tail, "size_limit")
        self._shortening = point
        self._syncing = point is not None
        return point

    def finish_forget(self, point: ForgetPoint) -> None:
        """The point's `run` has succeeded."""
        self._syncing = False
        if self.writer is not None:
            self.writer.finish_forget(point)
        self._shortening = None
        if self._close_after_sync:
            self.close_writer()
        elif self.on_durable is not None:
            self.on_durable(self)  # an end may have come meanwhile

    def close_writer(self) -> None:
        """No byte will arrive any more. A sync under way keeps its descriptors until it is over."""
        self.ending = None
        self.on_durable = None
        self.on_failed = None
        self._close_after_sync = self._syncing
        if self.writer is not None and not self._syncing:
            self.writer.close()
            self.writer = None
        self._wake()
        if self.on_closed is not None:
            self.on_closed(self.task_id)

    def _require_writer(self) -> OutputLog:
        if self.writer is None:
            raise LocalProtocolError(f"the output of {self.task_id} is not open for writing")
        return self.writer

    # ── reading ──────────────────────────────────────────────────────────────────────────────

    @property
    def is_shortening(self) -> bool:
        """Whether its gaps are about to change."""
        return self._shortening is not None

    @property
    def credit(self) -> int:
        """Bytes that the daemon may send beyond what is durable: none while the disk is low."""
        return 0 if self._reserve is not None and self._reserve.is_low else self.stream.credit

    @property
    def end(self) -> int:
        """Where the output ends now."""
        return self.stream.end

    def gaps(self) -> list[GapInfo]:
        """The ranges that can never arrive."""
        source = self.writer or self._reader
        if source is None:
            return []
        # A writer has them in memory; a reader has to look through the index.
        found = source.gaps if isinstance(source, OutputLog) else source.gaps()
        if self._shortening is not None:
            found = tuple(place_gap(list(found), self._shortening.gap))
        return [GapInfo(start=gap.start, end=gap.end, reason=gap.reason) for gap in found]

    def reader(self) -> LogReader | None:
        """For whoever wants to read in its own way; None while there is no byte."""
        return LogReader(self._stem) if self._reader is not None else None

    def read(self, offset: int, max_bytes: int, room: int = 0) -> Output | Gap | None:
        """The next message at `offset` with at most `max_bytes`; None at the end.

        Up to `room` bytes when they are a message as it arrived: a cursor that is up to date takes
        it whole, and the file is not read. What is read of the file is for cursors that are
        behind, so it says where the output ends now.
        """
        recent = self._tail.get(offset)
        if recent is not None and len(recent.output) <= max(max_bytes, room):
            return recent
        if self._reader is None or offset >= self.end:
            return None
        item = self._reader.read(offset, max_bytes)
        match item:
            case Chunk():
                return Output(
                    task_id=self.task_id,
                    offset=item.offset,
                    is_error=item.is_error,
                    time=item.time_us,
                    output=item.data,
                    end=self.end if self.end > item.offset + len(item.data) else None,
                )
            case LogGap():
                return Gap(task_id=self.task_id, start=item.start, end=item.end, reason=item.reason)
            case None:
                return None

    def time_at(self, offset: int) -> int | None:
        """When a byte was written, in µs since the task's start; None of a gap or what is gone."""
        try:
            item = self._reader.read(offset, 1) if self._reader is not None else None
        except (OSError, LogError):
            return None
        return item.time_us if isinstance(item, Chunk) else None

    def frame(self, message: Output, encode: Callable[[Output], bytes]) -> bytes:
        """The message's encoding, made once for all cursors that are up to date."""
        offset = message.offset
        if self._tail.get(offset) is not message:
            return encode(message)
        frame = self._frames.get(offset)
        if frame is None:
            frame = self._frames[offset] = encode(message)
        return frame

    def close(self) -> None:
        """Let go of the files."""
        self.close_writer()
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        self._tail.clear()
        self._frames.clear()

    def _remember(self, message: Output) -> None:
        if not self.listeners:
            if self._tail:
                self._tail.clear()
                self._frames.clear()
                self._tail_bytes = 0
            return
        self._tail[message.offset] = message
        self._tail_bytes += len(message.output) + MESSAGE_BYTES
        while self._tail_bytes > TAIL_BYTES:
            offset, oldest = self._tail.popitem(last=False)
            self._tail_bytes -= len(oldest.output) + MESSAGE_BYTES
            self._frames.pop(offset, None)

    def _wake(self) -> None:
        for listener in tuple(self.listeners):
            listener()


def storage_fault(error: Exception) -> Unavailable:
    """Return what a daemon is told when its output cannot be stored: no path of the hub's."""
    why = error.strerror if isinstance(error, OSError) else error
    return Unavailable(
        f"the hub cannot store output now ({why})", code="storage_full", retry_after=FULL_SECONDS
    )
