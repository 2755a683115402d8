"""A task's output on this machine until the hub has it for good: cap, policies, fsync, pruning.

What may be announced for sending is `announced`; a policy that drops output never drops below it,
since those bytes may be on their way (invariant: announced <= start of every later drop).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from arborlink.daemon.loop import Loop, Timer
from arborlink.daemon.syncer import Syncer
from arborlink.outputlog import LogError, LogFailed, OutputLog
from arborlink.protocol import limits
from arborlink.protocol.checksum import format_checksum
from arborlink.protocol.resources import SpoolPolicy

SYNC_SECONDS: Final = 0.2
SYNC_BYTES: Final = 1 * limits.MIB
HEAD_BYTES: Final = 1 * limits.MIB
TAIL_BYTES: Final = 8 * limits.MIB
# Beyond the cap, for what is still in the pipes of a task whose processes are gone.
LEFTOVER_BYTES: Final = 4 * limits.MIB


class Spool:
    """One log and its limits. `acked` is the hub's durable offset as far as we know."""

    def __init__(
        self,
        stem: Path,
        log: OutputLog,
        loop: Loop,
        syncer: Syncer,
        *,
        policy: SpoolPolicy = "block",
        cap_bytes: int = limits.SPOOL_BYTES_PER_TASK,
    ) -> None:
        self.stem = stem
        self.policy = policy
        self.acked = log.start
        self.announced = log.start
        self.complete = True
        self._log = log
        self._loop = loop
        self._syncer = syncer
        self._cap = cap_bytes
        self._head = min(HEAD_BYTES, cap_bytes // 8)
        self._tail = min(TAIL_BYTES, cap_bytes // 2)
        self._window = min(limits.TASK_UNACKNOWLEDGED_BYTES, cap_bytes // 4)
        self._extra = 0
        self._timer: Timer | None = None
        self._syncing = False
        self._when_synced: Callable[[], None] | None = None

    @property
    def log_id(self) -> str:
        """The log's, for ever."""
        return self._log.log_id

    @property
    def start(self) -> int:
        """The first offset that is kept."""
        return self._log.start

    @property
    def end(self) -> int:
        """The offset after the last byte."""
        return self._log.end

    @property
    def checksum(self) -> str | None:
        """Of the whole output as the hub must have it; None once that cannot be said any more."""
        return format_checksum(self._log.checksum) if self.complete else None

    def room(self) -> int:
        """How many bytes may be written now."""
        return max(0, self._cap + self._extra - self._log.stored_bytes)

    def allow_leftovers(self) -> None:
        """The task's processes are gone: what they left in the pipes is taken, cap or not."""
        self._extra = LEFTOVER_BYTES

    def make_room(self) -> int:
        """Drop the middle if that is the policy, and say how many bytes may be written now."""
        if self.policy == "drop_middle" and not self.room():
            start = max(self.announced, self.acked + self._head)
            try:
                self._log.drop(start, self._log.end - self._tail, "spool_full")
            except LogFailed:
                self._reopen()
        return self.room()

    def write(self, data: memoryview, *, is_error: bool, time_us: int) -> None:
        """Append; after an error nothing was appended.

        Raises:
            OSError: the disk refuses; the same again later.
        """
        try:
            self._log.append(data, is_error=is_error, time_us=time_us)
        except LogFailed as error:
            self._reopen()
            raise OSError(str(error)) from error
        if self._log.end - self._log.synced >= SYNC_BYTES:
            self._sync()
        elif self._timer is None:
            self._timer = self._loop.call_later(SYNC_SECONDS, self._sync_late)

    def announce(self) -> int:
        """Up to where output may be sent from now on."""
        end = self._log.end
        if self.policy == "drop_middle":
            end = min(end, self.acked + self._window)
            for gap in self._log.gaps:
                if gap.start <= end < gap.end:
                    end = gap.end
        self.announced = max(self.announced, end)
        return self.announced

    def acknowledge(self, offset: int) -> None:
        """The hub has everything below `offset` for good."""
        self.acked = max(self.acked, min(offset, self._log.end))
        self._log.prune(self.acked)

    def when_synced(self, callback: Callable[[], None]) -> None:
        """Call once everything written so far is durable, or cannot be made so."""
        if not self._syncing and self._log.synced >= self._log.end:
            callback()
            return
        self._when_synced = callback
        self._sync()

    def close(self) -> None:
        """Close the log, durable as far as the disk allows; not while a sync runs (`Syncer`)."""
        if self._timer is not None:
            self._timer.cancel()
        self._log.close()

    def discard(self) -> None:
        """Close the log and remove it, after a sync that may be running: the hub has it all."""
        if self._syncing:
            self.when_synced(self._delete)
        else:
            self._delete()

    @property
    def is_syncing(self) -> bool:
        """Whether a sync runs, during which the log must stay open."""
        return self._syncing

    def _delete(self) -> None:
        self.close()
        OutputLog.delete(self.stem)

    def _sync_late(self) -> None:
        self._timer = None
        self._sync()

    def _sync(self) -> None:
        if self._syncing:
            return  # the next one begins when this one has ended
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        try:
            point = self._log.begin_sync()
        except LogFailed:
            self._on_failed_sync()
            return
        self._syncing = True

        def done() -> None:
            self._syncing = False
            try:
                self._log.finish_sync(point)
            except LogFailed:
                self._on_failed_sync()
            else:
                self._synced()

        self._syncer.submit(point, done)

    def _synced(self) -> None:
        callback = self._when_synced
        if callback is not None and self._log.synced < self._log.end:
            self._sync()
        elif callback is not None:
            self._when_synced = None
            callback()
        elif self._log.end - self._log.synced >= SYNC_BYTES:
            self._sync()
        elif self._log.end > self._log.synced and self._timer is None:
            self._timer = self._loop.call_later(SYNC_SECONDS, self._sync_late)

    def _on_failed_sync(self) -> None:
        """Whoever waits for durability must not wait for a broken disk."""
        self._reopen()
        callback, self._when_synced = self._when_synced, None
        if callback is not None:
            callback()

    def _reopen(self) -> None:
        """After a failed fsync only the disk knows what is there; what is not becomes a gap."""
        if self._syncing:
            return  # its descriptors are in use; whoever failed tries again
        end = self._log.end
        try:
            fresh = OutputLog.open(self.stem)
        except (OSError, LogError):
            return
        self._log.close()
        self._log = fresh
        self._log.prune(self.acked)
        if fresh.end < end:
            self.complete = False
            fresh.append_gap(end, "lost")
