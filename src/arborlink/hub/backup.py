"""Takes a copy of a hub's data while the hub runs, and makes a hub's data of such a copy.

The database is copied first, then each of its tasks' output up to what is durable then. Output only
grows, so a log is never older than what the database says of it. What retention removes in between
is removed from the copy as well.

A hub from a backup has the key of the one before, so that its peers know it. It is another one all
the same (its `hubId` is new), and may know less than its daemons. They go on from its durable
offsets; what they do not have any more becomes a gap (G37).
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from arborlink import __version__
from arborlink.hub.backup_archive import READ_BYTES, Sink, Stretch, is_tar, new_archive, new_files
from arborlink.hub.backup_reading import Checker, entries, refused
from arborlink.hub.live.clock import now_us
from arborlink.hub.live.reserve import free_bytes
from arborlink.hub.lock import PID_FILE, only_one
from arborlink.hub.store.snapshot import Snapshot
from arborlink.hub.views import rfc3339
from arborlink.outputlog import LogCorrupt, LogMissing
from arborlink.outputlog.copying import held
from arborlink.protocol.errors import Conflict, InvalidInput, NotFound
from arborlink.protocol.limits import MAX_OFFSET

FORMAT: Final = 1
# Written last: without it a backup is not whole.
MANIFEST_FILE: Final = "backup.json"
MAX_MANIFEST_BYTES: Final = 64 * 1024
LOG_ENDINGS: Final = (".log", ".idx")
_TASK_ID: Final = re.compile(r"[A-Za-z0-9_]{3,64}")

Count = Annotated[int, Meta(ge=0, le=MAX_OFFSET)]
Text = Annotated[str, Meta(max_length=256)]


class Manifest(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a backup says about itself.

    `output_bytes` are those that were stored, gaps left out; `left_out` counts the tasks whose
    output was removed meanwhile, or cannot be read.
    """

    format: Count
    arbor_version: Text
    hub_id: Text
    created_at: Text
    tasks: Count
    output_bytes: Count
    left_out: Count


class Layout(Struct, frozen=True, kw_only=True):
    """Where the parts of a hub's data are below its folder, and where a task's log is."""

    database: str
    output: str
    key: str

    def stem(self, task_id: str) -> str:
        """As the hub itself has it."""
        return f"{self.output}/{task_id[-2:]}/{task_id}"

    def holds(self, name: str) -> bool:
        """Whether a backup may have a file by this name."""
        if name in (self.database, self.key, MANIFEST_FILE):
            return True
        stem, dot, ending = name.rpartition(".")
        task_id = stem.rpartition("/")[2]
        is_log = dot + ending in LOG_ENDINGS and _TASK_ID.fullmatch(task_id) is not None
        return is_log and stem == self.stem(task_id)


def back_up(data_dir: Path, layout: Layout, destination: Path) -> Manifest:
    """Copy the hub's data into a new folder, or a tar file if that is its name.

    Raises:
        NotFound: there is no hub's data, or no folder or disk for the destination.
        Conflict: the destination is there already.
        Unavailable: the database cannot be read.
        OSError: something cannot be read or written.
    """
    database = data_dir / layout.database
    if not database.exists():
        raise NotFound(f"There is no hub's data in {data_dir}. Name its folder with --data-dir.")
    with new_archive(destination) as sink, _workplace(destination) as folder:
        snapshot = Snapshot.make(database, Path(folder) / layout.database)
        gone, tasks, size = list[str](), 0, 0
        for task in snapshot.tasks():
            stored = _copy_log(data_dir, layout.stem(task.id), sink)
            if stored is None and task.has_output:
                gone.append(task.id)
            else:
                tasks += 1
                size += stored or 0
        snapshot.remove_tasks(gone)
        _copy_file(snapshot.path, layout.database, sink)
        if (data_dir / layout.key).exists():  # not so before the hub's first start with keys
            _copy_file(data_dir / layout.key, layout.key, sink)
        manifest = Manifest(
            format=FORMAT,
            arbor_version=__version__,
            # None yet where a restored hub has not started.
            hub_id=snapshot.facts().get("hub_id", ""),
            created_at=rfc3339(now_us()),
            tasks=tasks,
            output_bytes=size,
            left_out=len(gone),
        )
        sink.add(Stretch(MANIFEST_FILE, 0, msgspec.json.encode(manifest)))
    return manifest


def restore(
    backup: Path,
    data_dir: Path,
    layout: Layout,
    *,
    free: Callable[[Path], int] = free_bytes,
) -> Manifest:
    """Make a hub's data of a backup, in a folder that has none. A backup that is refused leaves
    nothing behind. `free` returns how many bytes a folder's disk has left.

    Raises:
        NotFound: there is no such backup.
        InvalidInput: it is none, not whole, or larger than the disk.
        Conflict: the folder has a hub's data already, or a hub runs there.
        Unavailable: the database in it is damaged.
        OSError: something cannot be read or written.
    """
    if not backup.exists():
        raise NotFound(f"There is no backup at {backup}.")
    is_new = not data_dir.exists()
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with only_one(data_dir):
            _check_empty(data_dir)
            return _restore(backup, data_dir, layout, free)
    except BaseException:
        if is_new:
            (data_dir / PID_FILE).unlink(missing_ok=True)
            with suppress(OSError):
                data_dir.rmdir()
        raise


def _check_empty(data_dir: Path) -> None:
    there = sorted(path.name for path in data_dir.iterdir() if path.name != PID_FILE)
    if there:
        raise Conflict(
            f"{data_dir} is not empty (it holds {there[0]}). Restore into an empty folder: "
            "name another with --data-dir, or move what is there away.",
            code="data_exists",
        )


def _restore(backup: Path, data_dir: Path, layout: Layout, free: Callable[[Path], int]) -> Manifest:
    """Everything is looked at before anything is written, and looked at again while it is."""
    room = free(data_dir)
    manifest = _examine(backup, layout, room)
    with tempfile.TemporaryDirectory(prefix=".restoring-", dir=data_dir) as temporary:
        folder = Path(temporary)
        checker = Checker(backup, layout.holds, room)
        with new_files(folder) as sink:
            for entry in entries(backup):
                checker.check(entry)
                sink.add(entry.stretch)
        Snapshot(folder / layout.database).become_another_hub()
        (folder / MANIFEST_FILE).unlink()
        # The database last: until then there is no hub's data here.
        _move_all(folder, data_dir, last=layout.database)
    return manifest


def _move_all(folder: Path, data_dir: Path, *, last: str) -> None:
    """Move what is in a folder to another on the same disk: all of it, or nothing."""
    names = sorted((path.name for path in folder.iterdir()), key=lambda name: name == last)
    for at, name in enumerate(names):
        try:
            (folder / name).rename(data_dir / name)
        except OSError:
            for moved in names[:at]:
                (data_dir / moved).rename(folder / moved)
            raise


def _examine(backup: Path, layout: Layout, room: int) -> Manifest:
    """Return what a backup says of itself, if what it holds agrees.

    Raises:
        InvalidInput: it does not, or there is no room.
    """
    checker = Checker(backup, layout.holds, room)
    said, last, logs, output_bytes, has_database = b"", "", 0, 0, False
    for entry in entries(backup):
        checker.check(entry)
        if entry.name == MANIFEST_FILE:
            if len(said) + entry.length > MAX_MANIFEST_BYTES:
                raise refused(backup, f"its {MANIFEST_FILE} is too long")
            said += entry.read()
        elif entry.name == layout.database:
            has_database = True
        elif entry.name.endswith(".log"):
            logs += entry.name != last
            output_bytes += entry.length
        last = entry.name
    manifest = _manifest(backup, said)
    # Where holes begin in the files of a folder is for its file system to say.
    is_exact = backup.is_dir() or output_bytes == manifest.output_bytes
    if not has_database or logs > manifest.tasks or not is_exact:
        raise refused(
            backup,
            f"it says that it has {manifest.tasks} tasks with {manifest.output_bytes} bytes of "
            f"output, and has {output_bytes} bytes of {logs}",
        )
    return manifest


def _workplace(destination: Path) -> tempfile.TemporaryDirectory[str]:
    """Where the database is copied to first: beside the backup, where there must be room."""
    near = destination.parent if is_tar(destination) else destination
    return tempfile.TemporaryDirectory(prefix=".database-", dir=near)


def _copy_log(data_dir: Path, name: str, sink: Sink) -> int | None:
    """Copy what is durable of a log; how many bytes of output that was, None if there is none."""
    size = 0
    folder, _, _ = name.rpartition("/")
    try:
        with held(data_dir / name) as log:
            for piece in log.pieces():
                sink.add(Stretch(f"{folder}/{piece.name}", piece.position, piece.data))
                size += len(piece.data) if piece.name.endswith(".log") else 0
    except (LogMissing, LogCorrupt):
        return None
    return size


def _copy_file(path: Path, name: str, sink: Sink) -> None:
    for position, data in _pieces(path):
        sink.add(Stretch(name, position, data))


def _pieces(path: Path) -> Iterator[tuple[int, bytes]]:
    position = 0
    with path.open("rb") as file:
        while data := file.read(READ_BYTES):
            yield position, data
            position += len(data)


def _manifest(backup: Path, said: bytes) -> Manifest:
    """Raises InvalidInput."""
    try:
        manifest = msgspec.json.decode(said, type=Manifest)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise InvalidInput(
            f"{backup} is not a whole backup of a hub: it was cut short, or is something else.",
            code="backup_invalid",
        ) from error
    if manifest.format != FORMAT:
        raise InvalidInput(
            f"{backup} has format {manifest.format}, this Arbor knows {FORMAT}. Use Arbor "
            f"{manifest.arbor_version}."
        )
    return manifest
