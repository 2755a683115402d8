"""A task's output on this machine until the hub has it for good: cap, policies, fsync, pruning.

What the hub has is given back without ever having been written: while it keeps up, the disk sees
marks only (`Exposure`).
What may be announced for sending is `announced`; a policy that drops output never drops below it,
since those bytes may be on their way (invariant: announced <= start of every later drop).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from arborlink.daemon.budget import Budget
from arborlink.daemon.exposure import Exposure
from arborlink.daemon.loop import Loop, Timer
from arborlink.daemon.syncer import Syncer
from arborlink.outputlog import FreePoint, LogError, LogFailed, OutputLog, SyncPoint
from arborlink.protocol import limits
from arborlink.protocol.checksum import format_checksum
from arborlink.protocol.resources import SpoolPolicy

HEAD_BYTES: Final = 1 * limits.MIB
TAIL_BYTES: Final = 8 * limits.MIB
# Beyond the cap, for what is still in the pipes of a task whose processes are gone.
LEFTOVER_BYTES: Final = 4 * limits.MIB
# What a task may hold although the daemon's budget is used up: enough to be passed on at speed.
LEAST_BYTES: Final = 1 * limits.MIB


class Spool:
    """One log and its limits. `acked` is the hub's durable offset as far as we know.

    `on_relief` is called when `must_wait` may have become false.
    """

    def __init__(
        self,
        stem: Path,
        log: OutputLog,
        loop: Loop,
        syncer: Syncer,
        *,
        budget: Budget,
        policy: SpoolPolicy = "block",
        cap_bytes: int = limits.SPOOL_BYTES_PER_TASK,
    ) -> None:
        self.stem = stem
        self.policy = policy
        self.acked = log.start
        self.announced = log.start
        self.complete = True
        self.on_relief: Callable[[], None] = _nothing
        self._log = log
        self._loop = loop
        self._syncer = syncer
        self._cap = cap_bytes
        self._head = min(HEAD_BYTES, cap_bytes // 8)
        self._tail = min(TAIL_BYTES, cap_bytes // 2)
        self._window = min(limits.TASK_UNACKNOWLEDGED_BYTES, cap_bytes // 4)
        self._extra = 0
        # What may be on its way cannot be dropped.
        self._least = LEAST_BYTES + (LEAST_BYTES + self._window if policy == "drop_middle" else 0)
        self._budget = budget
        self._discarded = False
        self._counted = 0
        self._count()
        self._exposure = Exposure(log.end)
        self._timer: Timer | None = None
        self._syncing = False
        self._sealed = False
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
        stored = self._log.stored_bytes
        shared = max(self._budget.room(), self._least - stored)
        return max(0, min(self._cap + self._extra - stored, shared))

    @property
    def must_wait(self) -> bool:
        """Whether to write no more for a moment, because the hub is about to have what is here."""
        return self._exposure.must_wait

    def allow_leftovers(self) -> None:
        """The task's processes are gone: what they left in the pipes is taken, cap or not."""
        self._extra = LEFTOVER_BYTES
        self._least = max(self._least, self._log.stored_bytes + LEFTOVER_BYTES)

    def make_room(self) -> int:
        """Drop the middle if that is the policy, and say how many bytes may be written now."""
        if self.policy == "drop_middle":
            # Where the budget is used up, less has to do.
            for tail in (self._tail, min(self._tail, LEAST_BYTES)):
                if not self.room():
                    self._drop(max(self.announced, self.acked + self._head), self._log.end - tail)
        room = self.room()
        if not room and self._log.stored_bytes < self._cap:
            self._budget.wait(self._relieve)
        return room

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
        self._count()
        self._exposure.grown(self._log.end, self._loop.now())
        if self._exposure.must_sync:
            self._sync()
        if self._timer is None:
            self._arm()

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
        self._count()
        self._exposure.acknowledged(self.acked, self._loop.now())
        if self._when_synced is not None and not self._exposure.bytes:
            self._call_waiting()
        elif not self._sealed:
            self._free()

    def when_synced(self, callback: Callable[[], None]) -> None:
        """Call once everything written so far is durable, here or at the hub, or cannot be."""
        if not self._exposure.bytes:
            callback()
            return
        self._when_synced = callback
        self._sync()

    def seal(self) -> None:
        """Nothing is written any more: let go of the files. What is known stays known."""
        self._sealed = True
        if not self._syncing:
            self.close()

    def close(self) -> None:
        """Close the log, durable as far as the disk allows; not while a sync runs (`Syncer`)."""
        if self._timer is not None:
            self._timer.cancel()
        self._log.close()

    def discard(self) -> None:
        """Close the log and remove it, after a sync that may be running: the hub has it all."""
        self._discarded = self._sealed = True
        self._count()
        if not self._syncing:
            self._delete()

    @property
    def is_syncing(self) -> bool:
        """Whether a sync runs, during which the log must stay open."""
        return self._syncing

    def _count(self) -> None:
        """Tell the budget what this spool holds now."""
        stored = 0 if self._discarded else self._log.stored_bytes
        difference, self._counted = stored - self._counted, stored
        self._budget.change(difference)

    def _relieve(self) -> None:
        self.on_relief()

    def _drop(self, start: int, end: int) -> None:
        try:
            self._log.drop(start, end, "spool_full")
        except LogFailed:
            self._reopen()
        self._count()
        self._exposure.settled(self._log.synced)

    def _delete(self) -> None:
        self.close()
        OutputLog.delete(self.stem)

    def _arm(self) -> None:
        if self._timer is not None or self._syncing or self._sealed:
            return
        deadline = self._exposure.deadline()
        if deadline is not None:
            self._timer = self._loop.call_at(deadline, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        deadline, now = self._exposure.deadline(), self._loop.now()
        if deadline is None:
            return
        if deadline > now:
            self._arm()
        else:
            self._exposure.overdue(now)
            self._sync()
            self.on_relief()

    def _sync(self) -> None:
        if self._syncing:
            return  # the next one begins when this one has ended
        try:
            point = self._log.begin_sync()
        except LogFailed:
            self._on_failed_sync()
        else:
            self._submit(point)

    def _free(self) -> None:
        """Give back what the hub has, once it is enough."""
        if self._syncing:
            return
        try:
            point = self._log.begin_free()
        except LogFailed:
            self._on_failed_sync()
        else:
            if point is not None:
                self._submit(point)

    def _submit(self, point: SyncPoint) -> None:
        self._syncing = True

        def done() -> None:
            self._syncing = False
            try:
                if isinstance(point, FreePoint):
                    self._log.finish_free(point)
                else:
                    self._log.finish_sync(point)
            except LogFailed:
                self._on_failed_sync()
            else:
                self._exposure.settled(self._log.synced)
                self._go_on()

        self._syncer.submit(point, done)

    def _go_on(self) -> None:
        """What was put off while a sync ran."""
        if self._when_synced is not None:
            if self._exposure.bytes:
                self._sync()
            else:
                self._call_waiting()
        elif self._exposure.must_sync:
            self._sync()
        elif not self._sealed:
            self._free()
        if not self._syncing and self._discarded:
            self._delete()
        elif not self._syncing and self._sealed:
            self.close()
        self._arm()
        self.on_relief()

    def _call_waiting(self) -> None:
        callback, self._when_synced = self._when_synced, None
        if callback is not None:
            callback()

    def _on_failed_sync(self) -> None:
        """Whoever waits for durability must not wait for a broken disk."""
        self._reopen()
        self._exposure.renew(self._loop.now())
        self._call_waiting()
        if self._discarded:
            self._delete()
        elif self._sealed:
            self.close()
        self._arm()
        self.on_relief()

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
        self._count()


def _nothing() -> None:
    """Nobody waits."""
