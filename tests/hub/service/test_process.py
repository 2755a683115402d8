"""What the system says of this process and its disk."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from arborlink.hub.service import process
from arborlink.hub.service.process import MIN_SCAN_SECONDS, Disk
from arborlink.testing.clock import FakeClock

KIB = 1_024


def test_memory_and_descriptors_are_those_of_this_process() -> None:
    memory, before = process.memory_bytes(), process.descriptors()
    assert memory is not None and memory > 1_000 * KIB
    assert before is not None
    with open(os.devnull, "rb"), open(os.devnull, "rb"):
        assert process.descriptors() == before + 2
    assert process.descriptors() == before


def test_when_not_even_one_descriptor_is_left_all_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_path: str) -> os.stat_result:
        raise OSError(errno.EMFILE, "too many open files")

    monkeypatch.setattr(os, "stat", fail)
    assert process.descriptors() == process.descriptor_limit()


def test_files_in_all_folders_count_and_links_out_of_them_do_not(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "large").write_bytes(b"x" * 1_024 * KIB)
    inside = tmp_path / "inside"
    (inside / "deeper").mkdir(parents=True)
    (inside / "deeper" / "file").write_bytes(b"x" * 64 * KIB)
    (inside / "link").symlink_to(outside)
    assert 64 * KIB <= process.taken_bytes(inside) < 512 * KIB
    assert process.taken_bytes(tmp_path / "nowhere") == 0


async def test_the_folder_is_looked_through_once_a_minute_at_most(tmp_path: Path) -> None:
    clock = FakeClock()
    disk = Disk(tmp_path, clock)
    first = await disk.space()
    assert first.data_bytes == 0
    assert 0 < first.free_bytes < first.total_bytes
    (tmp_path / "file").write_bytes(b"x" * 64 * KIB)
    clock.advance(MIN_SCAN_SECONDS - 1)
    assert (await disk.space()).data_bytes == 0
    clock.advance(1)
    found = (await disk.space()).data_bytes
    assert found is not None and found >= 64 * KIB
