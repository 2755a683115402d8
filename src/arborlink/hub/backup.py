"""Takes a copy of a hub's data while the hub runs, and makes a hub's data of such a copy.

The database is copied first, then each of its tasks' output up to what is durable then. Output only
grows, so a log is never older than what the database says of it. What retention removes in between
is removed from the copy as well.

A hub from a backup is another one than before (its `hubId` is new) and may know less than its
daemons. They go on from its durable offsets; what they do not have any more becomes a gap (G37).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from arborlink import __version__
from arborlink.hub.backup_archive import READ_BYTES, Sink, Stretch, extract, is_tar, new_archive
from arborlink.hub.live.clock import now_us
from arborlink.hub.lock import PID_FILE, only_one
from arborlink.hub.store.snapshot import Snapshot
from arborlink.hub.views import rfc3339
from arborlink.outputlog import LogCorrupt, LogMissing
from arborlink.outputlog.copying import held
from arborlink.protocol.errors import Conflict, InvalidInput, NotFound

FORMAT: Final = 1
# Written last: without it a backup is not whole.
MANIFEST_FILE: Final = "backup.json"


class Manifest(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a backup says about itself.

    `output_bytes` are those that were stored, gaps left out; `left_out` counts the tasks whose
    output was removed meanwhile, or cannot be read.
    """

    format: int
    arbor_version: str
    hub_id: str
    created_at: str
    tasks: int
    output_bytes: int
    left_out: int


class Layout(Struct, frozen=True, kw_only=True):
    """Where the parts of a hub's data are below its folder, and where a task's log is."""

    database: str
    output: str

    def stem(self, task_id: str) -> str:
        """As the hub itself has it."""
        return f"{self.output}/{task_id[-2:]}/{task_id}"


def back_up(data_dir: Path, layout: Layout, destination: Path) -> Manifest:
    """Copy the hub's data into a new folder, or a tar file if that is its name.

    Raises:
        NotFound: there is no hub's data.
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
        manifest = Manifest(
            format=FORMAT,
            arbor_version=__version__,
            hub_id=snapshot.facts()["hub_id"],
            created_at=rfc3339(now_us()),
            tasks=tasks,
            output_bytes=size,
            left_out=len(gone),
        )
        sink.add(Stretch(MANIFEST_FILE, 0, msgspec.json.encode(manifest)))
    return manifest


def restore(backup: Path, data_dir: Path, layout: Layout) -> Manifest:
    """Make a hub's data of a backup, in a folder that has none.

    Raises:
        NotFound: there is no such backup.
        InvalidInput: it is none, or not whole.
        Conflict: the folder has a hub's data already, or a hub runs there.
        Unavailable: the database in it is damaged.
        OSError: something cannot be read or written.
    """
    if not backup.exists():
        raise NotFound(f"There is no backup at {backup}.")
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with only_one(data_dir):
        there = sorted(path.name for path in data_dir.iterdir() if path.name != PID_FILE)
        if there:
            raise Conflict(
                f"{data_dir} is not empty (it holds {there[0]}). Restore into an empty folder: "
                "name another with --data-dir, or move what is there away.",
                code="data_exists",
            )
        with tempfile.TemporaryDirectory(prefix=".restoring-", dir=data_dir) as temporary:
            folder = Path(temporary)
            extract(backup, folder)
            manifest = _manifest(backup, folder)
            Snapshot(folder / layout.database).become_another_hub()
            if (folder / layout.output).is_dir():
                (folder / layout.output).rename(data_dir / layout.output)
            # Last: until then there is no hub's data here.
            (folder / layout.database).rename(data_dir / layout.database)
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


def _manifest(backup: Path, folder: Path) -> Manifest:
    """Raises InvalidInput."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST_FILE).read_bytes(), type=Manifest)
    except (FileNotFoundError, msgspec.MsgspecError) as error:
        raise InvalidInput(
            f"{backup} is not a whole backup of a hub: it was cut short, or is something else."
        ) from error
    if manifest.format != FORMAT:
        raise InvalidInput(
            f"{backup} has format {manifest.format}, this Arbor knows {FORMAT}. Use Arbor "
            f"{manifest.arbor_version}."
        )
    return manifest
