"""One fsync of a log, which may run in another thread while the owner goes on appending."""

from pathlib import Path

from arborlink.outputlog.files import LogFile, sync_directory


class SyncPoint:
    """What will be durable once `run` has returned. Made by `OutputLog.begin_sync`.

    Attributes:
        end: the log's end when the sync began.
        checksum: the whole log's up to there.
        freeable: bytes below this offset may be given back once the sync has succeeded.
        directory: where the log's names have to become durable too, None when they are.
        error: why `run` failed, None before and after a success.
        done: whether `run` has succeeded.
    """

    def __init__(
        self,
        files: tuple[LogFile, LogFile],
        directory: Path | None,
        *,
        end: int,
        checksum: int,
        freeable: int,
    ) -> None:
        self._files = files
        self.directory = directory
        self.end = end
        self.checksum = checksum
        self.freeable = freeable
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
