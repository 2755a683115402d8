"""B51: what a disk can do to the files of a hub that is not running."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from arborlink.hub.composition import OUTPUT_FOLDER
from arborlink.hub.store.sqlite import DATABASE_FILE

NOISE = bytes(range(256)) * 16


@dataclass(frozen=True, slots=True)
class Stored:
    """The two files of a task's output, and those of another one."""

    data: Path
    index: Path
    other: Path

    @classmethod
    def of(cls, hub: Path, task_id: str, other_id: str) -> Stored:
        """As a hub's folder has them."""
        stem = hub / OUTPUT_FOLDER / task_id[-2:] / task_id
        other = hub / OUTPUT_FOLDER / other_id[-2:] / other_id
        return cls(stem.with_suffix(".log"), stem.with_suffix(".idx"), other)

    def forget(self) -> None:
        """Both are gone."""
        self.data.unlink()
        self.index.unlink()

    def protect(self) -> None:
        """Both can only be read."""
        self.data.chmod(0o400)
        self.index.chmod(0o400)

    def swap(self, *files: Path) -> None:
        """Exchange them with those of the other task."""
        for file in files:
            other, aside = self.other.with_suffix(file.suffix), file.with_suffix(".aside")
            file.rename(aside)
            other.rename(file)
            aside.rename(other)


def flip(file: Path, position: int) -> None:
    """Another bit, counted from the end when negative."""
    content = bytearray(file.read_bytes())
    content[position] ^= 1
    file.write_bytes(content)


def more(file: Path) -> None:
    """What nobody has written."""
    file.write_bytes(file.read_bytes() + NOISE)


def cut(file: Path, end: int) -> None:
    """The rest is gone."""
    os.truncate(file, end)


def _replaced(file: Path, make: Callable[[Path], object]) -> None:
    file.unlink()
    make(file)


# What the API says of the output then: `410` by name, `gap` where the rest can be shown, `broken
# off` where raw bytes had begun, or `whole` where nothing that counts was hit.
Damage = Callable[[Stored], object]
OUTPUTS: Mapping[str, tuple[str, Damage]] = {
    "data-cut-off": ("gap", lambda stored: cut(stored.data, 1_001)),
    "data-empty": ("gap", lambda stored: cut(stored.data, 0)),
    "data-one-short": ("gap", lambda stored: cut(stored.data, stored.data.stat().st_size - 1)),
    "data-gone": ("410", lambda stored: stored.data.unlink()),
    "data-first-bit": ("broken off", lambda stored: flip(stored.data, 0)),
    "data-middle-bit": ("broken off", lambda stored: flip(stored.data, 1_500)),
    "data-last-bit": ("broken off", lambda stored: flip(stored.data, -1)),
    "data-of-another": ("broken off", lambda stored: stored.swap(stored.data)),
    "data-too-long": ("whole", lambda stored: more(stored.data)),
    "data-is-a-folder": ("410", lambda stored: _replaced(stored.data, os.mkdir)),
    "data-is-a-pipe": ("410", lambda stored: _replaced(stored.data, os.mkfifo)),
    "data-is-a-loop": ("410", lambda stored: _replaced(stored.data, _loop)),
    "data-is-a-device": ("410", lambda stored: _replaced(stored.data, _device)),
    "index-cut-off-in-the-header": ("410", lambda stored: cut(stored.index, 40)),
    "index-cut-off-after-the-header": ("410", lambda stored: cut(stored.index, 64)),
    "index-cut-off-in-a-record": ("410", lambda stored: cut(stored.index, 64 + 32 + 7)),
    "index-empty": ("410", lambda stored: cut(stored.index, 0)),
    "index-gone": ("410", lambda stored: stored.index.unlink()),
    "index-header-bit": ("410", lambda stored: flip(stored.index, 3)),
    "index-id-bit": ("410", lambda stored: flip(stored.index, 20)),
    "index-noise": ("410", lambda stored: stored.index.write_bytes(NOISE)),
    "index-of-another": ("410", lambda stored: stored.swap(stored.index)),
    "index-is-a-folder": ("410", lambda stored: _replaced(stored.index, os.mkdir)),
    "index-is-a-pipe": ("410", lambda stored: _replaced(stored.index, os.mkfifo)),
    "both-gone": ("410", lambda stored: stored.forget()),
    "both-of-another": ("410", lambda stored: stored.swap(stored.data, stored.index)),
    "read-only": ("whole", lambda stored: stored.protect()),
}
# A hub that is asked to start on one of these says why it does not.
DATABASES: Mapping[str, tuple[str, Callable[[Path], object]]] = {
    "empty": ("missing or empty", lambda file: cut(file, 0)),
    "gone": ("missing or empty", lambda file: file.unlink()),
    "cut-off-in-the-header": ("cannot be used", lambda file: cut(file, 50)),
    "cut-off-after-a-page": ("cannot be used", lambda file: cut(file, 4_096)),
    "cut-off-in-a-page": ("cannot be used", lambda file: cut(file, 10_000)),
    "header-bit": ("cannot be used", lambda file: flip(file, 0)),
    "noise": ("cannot be used", lambda file: file.write_bytes(NOISE)),
    "text": ("cannot be used", lambda file: file.write_text("no database")),
    "folder": ("cannot be used", lambda file: _replaced(file, os.mkdir)),
}


def _loop(file: Path) -> None:
    file.symlink_to(file.name)


def _device(file: Path) -> None:
    file.symlink_to("/dev/zero")


def copied(hub: Path, folder: Path) -> Path:
    """The database of a hub that has outputs as well, to be damaged."""
    folder.mkdir(mode=0o700, parents=True)
    (folder / OUTPUT_FOLDER / "xx").mkdir(parents=True)
    return Path(shutil.copy(hub / DATABASE_FILE, folder / DATABASE_FILE))
