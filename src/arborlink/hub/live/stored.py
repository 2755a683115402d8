"""A stored output, opened for somebody who only reads: whole, or with what is wrong by name.

What the disk has lost or mixed up after the end is nobody's mistake who asks, and no secret of the
hub's folders is told with it.
"""

from __future__ import annotations

import logging
from pathlib import Path

from arborlink.hub.live.daemons import stored_log_id, unnamed_log_id
from arborlink.hub.store.base import TaskRow
from arborlink.outputlog import LogCorrupt, LogError, LogMissing, LogReader
from arborlink.protocol.errors import OutputDamaged
from arborlink.protocol.lifecycle import is_final
from arborlink.protocol.resources import GapInfo

log = logging.getLogger(__name__)


def open_stored(stem: Path, row: TaskRow) -> LogReader | None:
    """The output of a task; None: there was none yet. May block.

    Raises:
        OutputDamaged: it is gone, is another task's, or cannot be read.
    """
    try:
        reader = LogReader(stem)
    except LogMissing as error:
        if row.output_size:
            raise damaged(row, error) from error
        return None
    except (LogCorrupt, OSError) as error:
        raise damaged(row, error) from error
    own = {unnamed_log_id(row.id), stored_log_id(row.log_id or "")}
    if row.log_id is not None and reader.log_id not in own:
        reader.close()
        raise damaged(row, "it is the log of another task")
    end = reader.end()
    if is_final(row.status) and end < row.output_size:
        reader.close()
        raise damaged(row, f"only {end} of {row.output_size} bytes are there")
    return reader


def stored_extent(stem: Path, row: TaskRow) -> tuple[int, list[GapInfo]]:
    """Return where an output that is not being written ends, and what is missing of it.

    May block: gaps are found by looking through the index, which is as long as the task made it.

    Raises:
        OutputDamaged: it cannot be read.
    """
    reader = open_stored(stem, row)
    if reader is None:
        return 0, []
    with reader:
        try:
            missing = [*reader.gaps(), reader.missing_end()]
            end = reader.end()
        except (LogError, OSError) as error:
            raise damaged(row, error) from error
    gaps = [gap for gap in missing if gap is not None]
    return end, [GapInfo(start=gap.start, end=gap.end, reason=gap.reason) for gap in gaps]


def missing_end(stem: Path, row: TaskRow) -> list[GapInfo]:
    """What the disk has lost of the end of an output that can be read. Raises OutputDamaged."""
    reader = open_stored(stem, row)
    if reader is None:
        return []
    with reader:
        gap = reader.missing_end()
    return [] if gap is None else [GapInfo(start=gap.start, end=gap.end, reason=gap.reason)]


def damaged(row: TaskRow, why: object) -> OutputDamaged:
    """What is said to whoever asks; the log says why, and where."""
    log.error("the stored output of %s is damaged: %s", row.id, why)
    return OutputDamaged(
        "The stored output of this task is damaged, so it cannot be shown. Restore the hub's data "
        "from a backup, or run the task again.",
        ref=row.id,
    )
