"""Files that record what is written to them, or that fail when told to."""

import errno
from dataclasses import dataclass, field
from pathlib import Path

from arborlink.outputlog.files import LogFile, Opener


@dataclass(frozen=True)
class Operation:
    """One change of a file: bytes written, a new size, or a completed sync."""

    suffix: str
    kind: str  # "write", "truncate", "wipe" or "sync"
    position: int = 0
    data: bytes = b""


@dataclass
class Tape:
    """Everything that was done to both files of a log, in order."""

    operations: list[Operation] = field(default_factory=list)

    def opener(self) -> Opener:
        return lambda path, flags: RecordingFile(path, flags, self)


class RecordingFile(LogFile):
    def __init__(self, path: Path, flags: int, tape: Tape) -> None:
        super().__init__(path, flags)
        self._suffix = path.suffix
        self._tape = tape

    def _note(self, kind: str, position: int = 0, data: bytes = b"") -> None:
        self._tape.operations.append(Operation(self._suffix, kind, position, data))

    def write_some(self, data: bytes | bytearray | memoryview, position: int) -> int:
        self._note("write", position, bytes(data))
        return super().write_some(data, position)

    def truncate(self, size: int) -> None:
        self._note("truncate", size)
        super().truncate(size)

    def punch(self, start: int, end: int) -> bool:
        self._note("wipe", start, bytes(end - start))
        return super().punch(start, end)

    def sync(self) -> None:
        super().sync()
        self._note("sync")


class Image:
    """The contents of both files at one moment."""

    def __init__(self) -> None:
        self.files = {".idx": bytearray(), ".log": bytearray()}

    def copy(self) -> "Image":
        image = Image()
        image.files = {suffix: bytearray(data) for suffix, data in self.files.items()}
        return image

    def apply(self, operation: Operation, length: int | None = None) -> None:
        """Do an operation, or only the first `length` bytes of a write."""
        data = self.files[operation.suffix]
        if operation.kind == "truncate":
            del data[operation.position :]
            data.extend(bytes(operation.position - len(data)))
        elif operation.kind in ("write", "wipe"):
            written = operation.data[:length]
            end = operation.position + len(written)
            if operation.kind == "write" and written:
                data.extend(bytes(max(0, end - len(data))))
            end = min(end, len(data))
            data[operation.position : end] = written[: max(0, end - operation.position)]

    def save(self, stem: Path) -> None:
        for suffix, data in self.files.items():
            stem.with_name(stem.name + suffix).write_bytes(data)


@dataclass
class Fault:
    """Fails the `at`-th change from now on, once or for good."""

    at: int
    lasting: bool
    partial: int  # bytes that a failing write still writes
    count: int = 0
    failed: bool = False

    def opener(self) -> Opener:
        return lambda path, flags: FaultyFile(path, flags, self)

    def strikes(self) -> bool:
        self.count += 1
        strikes = self.count == self.at or (self.lasting and self.count > self.at)
        self.failed = self.failed or strikes
        return strikes


class FaultyFile(LogFile):
    """A file on a disk that fills up or breaks. Once a write came back short, the next fails."""

    def __init__(self, path: Path, flags: int, fault: Fault) -> None:
        super().__init__(path, flags)
        self._fault = fault
        self._full = False

    def write_some(self, data: bytes | bytearray | memoryview, position: int) -> int:
        if self._full:
            self._full = False
            raise OSError(errno.ENOSPC, "no space")
        if not self._fault.strikes():
            return super().write_some(data, position)
        if len(data) <= self._fault.partial or self._fault.partial == 0:
            raise OSError(errno.EIO, "broken")
        self._full = True
        return super().write_some(memoryview(data)[: self._fault.partial], position)

    def truncate(self, size: int) -> None:
        if self._fault.strikes():
            raise OSError(errno.EIO, "broken")
        super().truncate(size)

    def sync(self) -> None:
        if self._fault.strikes():
            raise OSError(errno.EIO, "broken")
        super().sync()
