"""One fsync of a log, which may run in another thread while the owner goes on appending."""

from contextlib import suppress
from pathlib import Path

from arborlink.outputlog import index as ix
from arborlink.outputlog.files import LogFile, sync_directory
from arborlink.outputlog.freeing import Freeing


class SyncPoint:
    """What will be durable once `run` has returned. Made by `OutputLog.begin_sync`.

    Attributes:
        end: the log's end when the sync began.
        checksum: the whole log's up to there.
        directory: where the log's names have to become durable too, None when they are.
        error: why `run` failed, None before and after a success.
        done: whether `run` has succeeded.
    """

    def __init__(
        self, files: tuple[LogFile, ...], directory: Path | None, *, end: int, checksum: int
    ) -> None:
        self._files = files
        self.directory = directory
        self.end = end
        self.checksum = checksum
        self.error: OSError | None = None
        self.done = False

    def run(self) -> None:
        """Flush data and index to the disk; touches no state of the log. Blocks.

        The log must not be closed before this has returned.

        Raises:
            OSError: the bytes are not durable; `OutputLog.finish_sync` will say so again.
        """
        try:
            for file in self._files:
                file.sync()
            if self.directory is not None:
                sync_directory(self.directory)
        except OSError as error:
            self.error = error
            raise
        self.done = True


class FreePoint(SyncPoint):
    """Flushes the index alone, and then gives space back. Made by `OutputLog.begin_free`.

    Attributes:
        freeing: what goes.
        freed: whether it went.
    """

    def __init__(
        self, index: ix.Index, data: LogFile, freeing: Freeing, *, end: int, checksum: int
    ) -> None:
        super().__init__((index.file,), None, end=end, checksum=checksum)
        self.freeing = freeing
        self.freed = False
        self._index = index
        self._data = data

    def run(self) -> None:
        """Run as `SyncPoint.run`; the data is not flushed."""
        super().run()
        with suppress(OSError):  # the space is not worth failing for
            self.freeing.apply(self._index, self._data)
            self.freed = True
