"""A task on its way to the hub: its stream, its reader, and when its status may go (rule 3)."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Final

import msgspec

from arborlink.daemon import ipc
from arborlink.daemon.readers import Readers
from arborlink.outputlog import BelowStart, Chunk, Gap, LogError, LogReader
from arborlink.protocol import messages
from arborlink.protocol.errors import RemoteProtocolError
from arborlink.protocol.lifecycle import is_final
from arborlink.protocol.messages import (
    Output,
    Resized,
    SpooledTask,
    Status,
    TaskPosition,
)
from arborlink.protocol.resources import TerminalSizeChange
from arborlink.protocol.size_history import SizeHistory
from arborlink.protocol.stream import SendStream

SMALL_FRAME_BYTES: Final = 64 * 1024
LARGE_FRAME_BYTES: Final = 256 * 1024
# With this much waiting, fewer larger frames are better; below, each record keeps its own time.
BACKLOG_BYTES: Final = 1024 * 1024

# In a flood the supervisor hears of an acknowledgement only when it brings so much.
REPORT_BYTES: Final = 512 * 1024

PRUNED: Final = "spool_pruned"
CORRUPT: Final = "spool_corrupt"
# What a reader calls damage that it has come upon; no writer has recorded it. What recovery has
# recorded as `CORRUPT` is missing from a checksum that was said before.
_DAMAGE: Final = "corrupt"


class OutgoingTask:
    """`status_sent`: the hub was told the present status on this connection."""

    def __init__(self, known: ipc.TaskKnown, readers: Readers) -> None:
        self.task_id = known.task_id
        self.log_id = known.log_id
        self.stream = SendStream(known.start, known.end)
        self.status = known.status
        self.tree = known.tree
        self.input_offset = known.input_offset
        self.status_sent = False
        self.is_queued = False
        # Whether the log's checksum is that of what the hub has, gaps excluded.
        self.complete = True
        self._stem = Path(known.stem) if known.stem is not None else None
        self._readers = readers
        self._sizes = SizeHistory(known.sizes)
        # Of those, what the hub is to hear on this connection, in order.
        self._sizes_to_send: deque[TerminalSizeChange] = deque()
        self._sends_sizes = False
        self._ahead: int | None = None
        self._reported = known.start

    @property
    def is_final(self) -> bool:
        """Whether the task is over."""
        return is_final(self.status.status)

    @property
    def spooled(self) -> SpooledTask:
        """The task as `auth` lists it."""
        return SpooledTask(
            task_id=self.task_id,
            log_id=self.log_id,
            start=self.stream.start,
            end=self.stream.end,
            status=self.status.status,
            input_offset=self.input_offset,
        )

    def grow(self, start: int, end: int) -> None:
        """The log is now `[start, end)`."""
        if self._ahead is None:
            self.stream.grow(max(end, self.stream.end))
            self.stream.prune(start)

    def resize(self, size: TerminalSizeChange) -> None:
        """The terminal has another size, from `size.offset` on."""
        if self._sizes.add(size) and self._sends_sizes:
            self._sizes_to_send.append(size)

    def attach(self, offset: int, credit: int, *, sizes: bool = False) -> messages.Gap | None:
        """There is a connection, and the hub has everything below `offset`.

        `sizes`: the hub wants the terminal's sizes. All of them are said again: what it had stored
        of them when the last connection broke is not known here.

        Returns a gap to send first, if the hub wants what is not kept any more.
        """
        self.status_sent = False
        self._sends_sizes = sizes
        self._sizes_to_send = deque(self._sizes.items if sizes else ())
        try:
            missing = self.stream.resume(offset, credit)
        except RemoteProtocolError:
            # Power was lost: the hub has bytes that were sent but never reached the disk here.
            # They are as good as any; ours end where the hub's do.
            self._ahead = offset
            self.complete = False
            self.stream = SendStream(offset, offset)
            missing = self.stream.resume(offset, credit)
        if missing is None:
            return None
        self.complete = False
        return self._gap(missing.start, missing.end, PRUNED)

    def resume(self, position: TaskPosition) -> messages.Gap | None:
        """As `attach`, with what a `welcome` says."""
        return self.attach(position.offset, position.credit)

    def detach(self) -> None:
        """The connection is gone."""
        self.stream.detach()
        self._sizes_to_send.clear()
        self._sends_sizes = False
        self.status_sent = False
        self.is_queued = False
        self.close()

    def should_report(self) -> bool:
        """Whether the supervisor should hear now how far the hub is; then it counts as told.

        What is held back goes with the next one, which comes while anything is unacknowledged.
        """
        acked, end = self.stream.acked, self.stream.end
        due = acked >= self._reported + REPORT_BYTES or self._reported < acked == end
        if due:
            self._reported = acked
        return due

    def next_message(self, room: int) -> Output | messages.Gap | Resized | Status | None:
        """What to send next: output of at most `room` bytes, or the end after all of it.

        A size goes before the first byte that was written at it.
        """
        stream = self.stream
        if self._sizes_to_send and stream.attached:
            size = self._sizes_to_send[0]
            if size.offset <= stream.sent or self._is_sent_up_to_final:
                self._sizes_to_send.popleft()
                return _resized(self.task_id, size)
            room = min(room, size.offset - stream.sent)
        waiting = stream.end - stream.sent
        most = LARGE_FRAME_BYTES if waiting > BACKLOG_BYTES else SMALL_FRAME_BYTES
        found = stream.next_range(min(most, room)) if room > 0 else None
        if found is not None:
            return self._read(found[0], found[1] - found[0], merge=waiting > SMALL_FRAME_BYTES)
        if self.status_sent or not self.is_final or not stream.attached:
            return None
        if not self._is_sent_up_to_final:
            return None
        return self.take_status()

    @property
    def _is_sent_up_to_final(self) -> bool:
        if not self.is_final:
            return False
        final = self.status.final_offset
        return final is None or self.stream.sent >= final or self._ahead is not None

    def take_status(self) -> Status:
        """The status as it is true for the hub."""
        self.status_sent = True
        if self.is_final:
            self.close()  # until it is wanted again
        status = self.status
        if not self.complete:
            status = msgspec.structs.replace(status, checksum=None)
        if self._ahead is not None and status.final_offset is not None:
            final = max(status.final_offset, self._ahead)
            status = msgspec.structs.replace(status, final_offset=final)
        return status

    def close(self) -> None:
        """Close the log; reading opens it again."""
        if self._stem is not None:
            self._readers.close(self._stem)

    def _read(self, offset: int, size: int, *, merge: bool) -> Output | messages.Gap:
        try:
            found = self._log().read(offset, size, merge=merge)
        except BelowStart as error:
            return self._declare(offset, min(error.start, self.stream.end), PRUNED)
        except (LogError, OSError):
            return self._declare(offset, self.stream.end, CORRUPT)
        if isinstance(found, Chunk):
            self.stream.mark_sent(found.end)
            return Output(
                task_id=self.task_id,
                offset=offset,
                is_error=found.is_error,
                time=found.time_us,
                output=found.data,
            )
        if isinstance(found, Gap) and found.reason not in (_DAMAGE, CORRUPT):
            end = min(found.end, self.stream.end)
            self.stream.mark_sent(end)
            return self._gap(offset, end, found.reason)
        # Damage, or an end where the supervisor has written more.
        end = self.stream.end if found is None else min(found.end, self.stream.end)
        return self._declare(offset, end, CORRUPT)

    def _declare(self, start: int, end: int, reason: str) -> messages.Gap:
        """A gap that the log itself does not have."""
        self.complete = False
        self.stream.mark_sent(end)
        return self._gap(start, end, reason)

    def _gap(self, start: int, end: int, reason: str) -> messages.Gap:
        return messages.Gap(task_id=self.task_id, start=start, end=end, reason=reason)

    def _log(self) -> LogReader:
        if self._stem is None:
            raise LogError("the task has no log")
        return self._readers.get(self._stem)


def _resized(task_id: str, size: TerminalSizeChange) -> Resized:
    return Resized(
        task_id=task_id, offset=size.offset, cols=size.cols, rows=size.rows, time=size.time
    )
