"""What became of every command, on disk before it happens (rule 4).

One line a record: the CRC-32 of the JSON text, a space, the text. A torn or damaged line is
skipped, the rest still counts: whatever names a task proves that it must not be started again.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from arborlink.daemon.processes import Tree
from arborlink.outputlog.files import sync_directory
from arborlink.protocol.messages import Command, Status
from arborlink.protocol.resources import TerminalSizeChange
from arborlink.protocol.size_history import SizeHistory

# How many settled tasks are remembered, lest a hub that was restored from a backup repeats one, and
# how many that an earlier supervisor never started.
KEEP_SETTLED: Final = 1_000
_PRIVATE: Final = 0o600


class Waiting(Struct, frozen=True, tag="waiting"):
    """It was handed over, and waits for its turn: without another line about it, it never ran."""

    task_id: str


class Accepted(Struct, frozen=True, tag="accepted"):
    """The command is about to be started; what is written of it has no values of variables.

    They may be secrets, and are not needed again: a command that was journalled is never started.
    """

    command: Command
    log_id: str


class Started(Struct, frozen=True, tag="started"):
    """It runs. `boot_id` is the machine's, `at` µs since 1970."""

    task_id: str
    tree: Tree
    boot_id: str
    at: int


class Ended(Struct, frozen=True, tag="ended"):
    """It is over, and how. A later record replaces an earlier one."""

    status: Status


class Resized(Struct, frozen=True, tag="resized"):
    """The task's terminal has had this size from `size.offset` of its output on."""

    task_id: str
    size: TerminalSizeChange


class Settled(Struct, frozen=True, tag="settled"):
    """The hub has the end and all output; only the memory of it is left here."""

    task_id: str


Record = Waiting | Accepted | Started | Resized | Ended | Settled
_DECODER: Final[msgspec.json.Decoder[Record]] = msgspec.json.Decoder(Record)
_ENCODER: Final = msgspec.json.Encoder()


@dataclass(slots=True)
class Entry:
    """All that the journal says about one task."""

    task_id: str
    waiting: Waiting | None = None
    accepted: Accepted | None = None
    started: Started | None = None
    sizes: SizeHistory = field(default_factory=SizeHistory)
    ended: Ended | None = None
    settled: bool = False

    @property
    def never_started(self) -> bool:
        """Whether it is certain that it waited to the end."""
        others = self.accepted or self.started or self.ended
        return self.waiting is not None and others is None and not self.settled

    def records(self) -> Iterator[Record]:
        """The fewest lines that say the same."""
        if self.settled:
            if self.ended is not None:
                yield self.ended
            yield Settled(self.task_id)
            return
        if self.never_started:
            assert self.waiting is not None
            yield self.waiting
        for record in (self.accepted, self.started):
            if record is not None:
                yield record
        for size in self.sizes.items:
            yield Resized(self.task_id, size)
        if self.ended is not None:
            yield self.ended


class Journal:
    """An open journal; only ever appended to. `entries` is what it said when it was opened."""

    def __init__(self, path: Path) -> None:
        """Read it, and write it anew without what is not needed any more.

        Raises:
            OSError: the disk refuses.
        """
        self._path = path
        self.entries = read(path)
        _forget_old(self.entries)
        self._fd, self._end = _rewrite(path, self.entries)
        self._backlog = b""

    def append(self, record: Record) -> None:
        """Write a record, or keep it for the next attempt while the disk refuses."""
        self._backlog += _line(record)
        self._write()

    def append_durably(self, record: Record) -> None:
        """Return when the record is on the disk.

        Raises:
            OSError: it is not, nor will it be.
        """
        before = self._backlog
        line = _line(record)
        self._backlog += line
        try:
            if not self._write():
                raise OSError("the journal cannot be written")
            os.fdatasync(self._fd)
        except OSError:
            if self._backlog:
                self._backlog = before
            raise

    def sync(self) -> None:
        """Make everything durable as far as the disk allows it."""
        with suppress(OSError):  # what cannot be written waits for the next attempt
            if self._write():
                os.fdatasync(self._fd)

    def close(self) -> None:
        """Write what is left, and close the file."""
        self._write()
        os.close(self._fd)

    def _write(self) -> bool:
        """At a position of our own: what a full disk left half-written is written over."""
        while self._backlog:
            try:
                written = os.pwrite(self._fd, self._backlog, self._end)
            except OSError:
                return False
            self._end += written
            self._backlog = self._backlog[written:]
        return True


def _line(record: Record) -> bytes:
    text = _ENCODER.encode(_without_values(record))
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _without_values(record: Record) -> Record:
    if not isinstance(record, Accepted) or not any(record.command.env.values()):
        return record
    names = dict.fromkeys(record.command.env, "")
    command = msgspec.structs.replace(record.command, env=names)
    return msgspec.structs.replace(record, command=command)


def read(path: Path) -> dict[str, Entry]:
    """What a journal says about each task, by the whole lines of it."""
    entries: dict[str, Entry] = {}
    if not path.exists():
        return entries
    with path.open("rb") as file:
        for line in file:
            record = _parse(line)
            if record is not None:
                _apply(entries, record)
                continue
            # It may have said that one of those that waited was started.
            for entry in entries.values():
                entry.waiting = None
    return entries


def _parse(line: bytes) -> Record | None:
    crc, _, text = line.rstrip(b"\n").partition(b" ")
    if crc != b"%08x" % zlib.crc32(text):
        return None
    try:
        return _DECODER.decode(text)
    except msgspec.MsgspecError:
        return None


def _apply(entries: dict[str, Entry], record: Record) -> None:
    match record:
        case Waiting():
            _entry(entries, record.task_id).waiting = record
        case Accepted():
            _entry(entries, record.command.task_id).accepted = record
        case Started():
            _entry(entries, record.task_id).started = record
        case Resized():
            _entry(entries, record.task_id).sizes.add(record.size)
        case Ended():
            _entry(entries, record.status.task_id).ended = record
        case Settled():
            _entry(entries, record.task_id).settled = True


def _entry(entries: dict[str, Entry], task_id: str) -> Entry:
    return entries.setdefault(task_id, Entry(task_id))


def _forget_old(entries: dict[str, Entry]) -> None:
    settled = [task_id for task_id, entry in entries.items() if entry.settled]
    waiting = [task_id for task_id, entry in entries.items() if entry.never_started]
    for ids in (settled, waiting):
        for task_id in ids[: max(0, len(ids) - KEEP_SETTLED)]:
            del entries[task_id]


def _rewrite(path: Path, entries: dict[str, Entry]) -> tuple[int, int]:
    """The new file replaces the old one only when it is whole and durable."""
    fresh = path.with_name(path.name + ".new")
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _PRIVATE)
    try:
        content = b"".join(_line(record) for e in entries.values() for record in e.records())
        end = 0
        while end < len(content):
            end += os.pwrite(fd, content[end:], end)
        os.fsync(fd)
        os.replace(fresh, path)
        sync_directory(path.parent)
    except OSError:
        os.close(fd)
        raise
    return fd, end
