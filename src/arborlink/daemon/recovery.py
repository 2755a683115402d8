"""What an earlier supervisor left behind: leftovers are ended, unfinished tasks are `lost`."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from arborlink.daemon import processes
from arborlink.daemon.console import say
from arborlink.daemon.journal import Ended, Entry, Journal
from arborlink.daemon.task import now_us
from arborlink.outputlog import LogError, LogMissing, OutputLog
from arborlink.protocol.checksum import format_checksum
from arborlink.protocol.lifecycle import Reason, TaskStatus
from arborlink.protocol.messages import Status
from arborlink.protocol.size_history import SizeHistory

# A fork bomb may be born faster than it is found; this many rounds end anything else.
KILL_ROUNDS: Final = 100


@dataclass(frozen=True, slots=True)
class Found:
    """A task from the journal. `log` is there if there is output that the hub may lack."""

    task_id: str
    status: Status
    stem: Path
    log: OutputLog | None
    settled: bool
    sizes: SizeHistory


def recover(journal: Journal, spool_folder: Path, boot_id: str) -> Iterator[Found]:
    """Every task in the journal that may have run, with a final status, journalled from now on.

    Raises:
        OSError: the disk refuses.
    """
    kept = set()
    for entry in list(journal.entries.values()):
        if entry.never_started:
            continue
        # What a task that is over left running was left on purpose.
        unfinished = entry.ended is None and not entry.settled
        if unfinished and entry.started is not None and entry.started.boot_id == boot_id:
            kill_leftovers(entry.started.tree)
        stem = spool_folder / entry.task_id
        if entry.settled:
            status = entry.ended.status if entry.ended else _lost(entry, None)
            yield Found(entry.task_id, status, stem, None, settled=True, sizes=SizeHistory())
            continue
        log = _open(stem)
        kept.add(stem.name)
        status = _end(journal, entry, log)
        if log is not None and log.synced < log.end:
            with suppress(LogError, OSError):  # it may go to the hub all the same
                log.sync()
        yield Found(entry.task_id, status, stem, log, settled=False, sizes=entry.sizes)
    journal.sync()
    for path in spool_folder.iterdir():
        if path.stem not in kept:
            with suppress(OSError):
                path.unlink()


def kill_leftovers(tree: processes.Tree) -> int:
    """End all processes of a task at once, and return how many there were."""
    total = 0
    for _ in range(KILL_ROUNDS):
        found = processes.signal_all(tree, signal.SIGKILL)
        if found == 0:
            break
        total = max(total, found)
    return total


def _open(stem: Path) -> OutputLog | None:
    try:
        return OutputLog.open(stem)
    except LogMissing:
        return None
    except (LogError, OSError) as error:
        say(f"{stem.name}: its spool cannot be used: {error}", level="error", task=stem.name)
        return None


def _end(journal: Journal, entry: Entry, log: OutputLog | None) -> Status:
    """The final status; the log is made to end where that says it does."""
    if entry.ended is None:
        status = _lost(entry, log)
        journal.append(Ended(status))
        return status
    status = entry.ended.status
    final = status.final_offset or 0
    if log is not None and log.end < final:
        # Perhaps the hub has it. If it does not, the connector voids the checksum.
        log.append_gap(final, "spool_corrupt")
    return status


def _lost(entry: Entry, log: OutputLog | None) -> Status:
    log_id = log.log_id if log else entry.accepted.log_id if entry.accepted else None
    return Status(
        task_id=entry.task_id,
        status=TaskStatus.LOST,
        reason=Reason.DAEMON_RESTARTED,
        error="the daemon was restarted while the task ran",
        final_offset=log.end if log else 0,
        checksum=format_checksum(log.checksum if log else 0),
        at=now_us(),
        log_id=log_id,
    )
