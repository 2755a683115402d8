"""Mount points without their disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from arborlink.mount_points import unmounted_above


@pytest.fixture
def fstab(tmp_path: Path) -> Path:
    file = tmp_path / "fstab"
    file.write_text(
        "# /dev/sda1 /proc ext4\n"
        "UUID=1 / ext4 defaults 0 1\n"
        f"UUID=2 {tmp_path}/disk ext4 defaults 0 2\n"
        f"UUID=3 {tmp_path}/two\\040words\text4 noauto 0 2\n"
        "UUID=4 none swap sw 0 0\n"
        "broken\n"
    )
    return file


@pytest.mark.parametrize("below", ["", "backups", "backups/monday.tar"])
def test_what_is_below_one_names_it(tmp_path: Path, fstab: Path, below: str) -> None:
    assert unmounted_above(tmp_path / "disk" / below, fstab) == tmp_path / "disk"


def test_a_name_with_a_space_is_understood(tmp_path: Path, fstab: Path) -> None:
    assert unmounted_above(tmp_path / "two words" / "x", fstab) == tmp_path / "two words"


def test_a_link_to_one_is_one(tmp_path: Path, fstab: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    assert unmounted_above(tmp_path / "link" / "x", fstab) == tmp_path / "disk"


def test_other_places_are_none(tmp_path: Path, fstab: Path) -> None:
    assert unmounted_above(tmp_path / "disk2", fstab) is None
    assert unmounted_above(tmp_path, fstab) is None
    assert unmounted_above(tmp_path, tmp_path / "missing") is None


def test_a_mounted_one_is_none(tmp_path: Path) -> None:
    (tmp_path / "fstab").write_text("proc /proc proc defaults 0 0\n")
    assert os.path.ismount("/proc")
    assert unmounted_above(Path("/proc/1"), tmp_path / "fstab") is None
