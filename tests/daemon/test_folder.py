"""The working folder against links that change while it is being resolved."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from arborlink.daemon import folder, linux

# Of opening a link that is being swapped: enough to hit every moment of it.
TRIES = 3_000


def refuse_openat2(folder_fd: int, path: str, flags: int, resolve: int) -> int:
    """As a kernel without it."""
    raise OSError(errno.ENOSYS, "no such call")


@pytest.fixture(params=["openat2", "walk"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of resolving."""
    if request.param == "walk":
        monkeypatch.setattr(linux, "openat2", refuse_openat2)
    return str(request.param)


def test_inside(tmp_path: Path, way: str) -> None:
    """Folders, links to them, and the workspace itself."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "link").symlink_to("a")
    for cwd, expected in [("a/b", "a/b"), ("link/b", "a/b"), (".", "."), ("a/../a", "a")]:
        fd = folder.open_folder(str(tmp_path), cwd)
        assert os.stat(fd).st_ino == (tmp_path / expected).stat().st_ino
        os.close(fd)


@pytest.mark.parametrize(
    "cwd", ["..", "/", "/etc", "out", "a/../..", "file", "gone", "loop", "a\0"]
)
def test_outside(tmp_path: Path, way: str, cwd: str) -> None:
    """Each is refused with a sentence."""
    (tmp_path / "a").mkdir()
    (tmp_path / "out").symlink_to("/etc")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    with pytest.raises(folder.FolderRefused):
        folder.open_folder(str(tmp_path), cwd)


def test_a_link_that_is_swapped_never_leads_out(tmp_path: Path, way: str) -> None:
    """Whatever moment is hit, the result is inside or a refusal."""
    inside = tmp_path / "inside"
    inside.mkdir()
    targets = [str(inside), "/etc", "inside"]
    link, spare = tmp_path / "link", tmp_path / "spare"
    link.symlink_to("inside")
    over = threading.Event()

    def swap() -> None:
        number = 0
        while not over.is_set():
            number += 1
            os.symlink(targets[number % 3], spare)
            os.replace(spare, link)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        opened = tried = 0
        while tried < TRIES or not opened:
            tried += 1
            try:
                fd = folder.open_folder(str(tmp_path), "link")
            except folder.FolderRefused:
                continue
            opened += 1
            assert os.stat(fd).st_ino == inside.stat().st_ino
            os.close(fd)
    finally:
        over.set()
        thread.join()
