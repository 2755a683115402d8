"""What can go wrong with a log on disk, apart from the operating system's own `OSError`.

LogError          an ArborError
├── LogExists     create: there is a log under this stem already
├── LogMissing    open: there is none
├── LogCorrupt    open: its header cannot be used
├── LogFailed     a sync or a drop broke half-way: close the log and open it again
└── BelowStart    read: these bytes were pruned
"""

from pathlib import Path

from arborlink.protocol.errors import ArborError


class LogError(ArborError):
    """Any trouble with a log that is not an `OSError`.

    Texts name a log without its folder: they are sent to peers, which must not learn it.
    """

    code = "log_error"


class LogExists(LogError):
    """A log with this stem exists and is never overwritten."""

    code = "log_exists"

    def __init__(self, stem: Path) -> None:
        super().__init__(f"there is a log {stem.name} already")


class LogMissing(LogError):
    """No log has this stem (or its creation has not finished)."""

    code = "log_missing"

    def __init__(self, stem: Path) -> None:
        super().__init__(f"there is no log {stem.name}")


class LogCorrupt(LogError):
    """The header of the index is damaged, so nothing in it can be trusted."""

    code = "log_corrupt"

    def __init__(self, stem: Path, why: str) -> None:
        super().__init__(f"the log {stem.name} cannot be used: {why}")


class LogFailed(LogError):
    """Memory and disk may disagree; opening the log again settles what is there."""

    code = "log_failed"

    def __init__(self, why: str) -> None:
        super().__init__(f"the log must be opened again: {why}")


class BelowStart(LogError):
    """The bytes asked for were pruned.

    Attributes:
        start: the first offset that can still be read.
    """

    code = "below_start"

    def __init__(self, offset: int, start: int) -> None:
        super().__init__(f"offset {offset} was pruned, the log starts at {start}")
        self.start = start
