"""Where a backup may go: into a folder that is there, and on the disk that belongs there."""

from __future__ import annotations

from pathlib import Path

import pytest

from arborlink import mount_points
from arborlink.hub.backup_archive import Stretch, new_archive
from arborlink.protocol.errors import NotFound

NAMES = ["monday", "monday.tar", "monday.tgz"]


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_folder_is_named_and_not_made(tmp_path: Path, name: str) -> None:
    destination = tmp_path / "mnt" / "backups" / name
    with (
        pytest.raises(NotFound, match=f"no folder {destination.parent} "),
        new_archive(destination),
    ):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", NAMES)
def test_a_disk_that_is_not_mounted_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    (tmp_path / "fstab").write_text(f"UUID=1 {disk} ext4 defaults 0 2\n")
    monkeypatch.setattr(mount_points, "FSTAB", tmp_path / "fstab")
    with pytest.raises(NotFound, match=f"mounted at {disk}, "), new_archive(disk / name):
        pass
    assert not list(disk.iterdir())


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_that_is_there_is_written_to(tmp_path: Path, name: str) -> None:
    with new_archive(tmp_path / name) as sink:
        sink.add(Stretch("file", 0, b"text"))
    assert (tmp_path / name).exists()
