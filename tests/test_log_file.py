"""Log files: bounded, private, whole lines, and none lost while two processes turn them over."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

from arborlink.log_file import MAX_LINE_BYTES, OLDER_FILES, LogFile

WRITER = """
import sys
from pathlib import Path
from arborlink.log_file import LogFile
file = LogFile(Path(sys.argv[1]), int(sys.argv[3]))
first = int(sys.argv[4])
for number in range(first, first + int(sys.argv[5])):
    file.write(f"{sys.argv[2]} {number:04d} " + "x" * 39)
"""
LINE_BYTES = 49
LINES = 200
# What one process writes fits beside a full file: however long the other one is stopped while it
# turns the file over, no line is beyond the bound of twice the size, where lines are dropped.
FILE_BYTES = LINES * LINE_BYTES
ROUNDS = 5


def all_files(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.name}*"))


def test_a_full_file_is_kept_beside_the_new_one_and_the_oldest_goes(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "logs" / "hub.log", 100)
    for number in range(40):
        file.write(f"line {number:03d}")
    files = all_files(file.path)
    assert [each.name for each in files] == ["hub.log", "hub.log.1", "hub.log.2"]
    assert len(files) == 1 + OLDER_FILES
    assert all(each.stat().st_size <= 100 for each in files)
    said = "".join(each.read_text() for each in reversed(files)).splitlines()
    assert said == [f"line {number:03d}" for number in range(40 - len(said), 40)]


def test_it_is_its_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "logs" / "hub.log", 20)
    for _ in range(3):
        file.write("a line of text")
    assert {each.stat().st_mode & 0o777 for each in all_files(file.path)} == {0o600}
    assert file.path.parent.stat().st_mode & 0o777 == 0o700


def test_processes_that_share_it_lose_no_line_and_mix_none(tmp_path: Path) -> None:
    path = tmp_path / "daemon.log"
    for start in range(0, ROUNDS * LINES, LINES):
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", WRITER, str(path), name]
                + [str(each) for each in (FILE_BYTES, start, LINES)]
            )
            for name in ("one", "two")
        ]
        assert [writer.wait() for writer in writers] == [0, 0]
    files = all_files(path)
    assert len(files) == 1 + OLDER_FILES
    assert all(each.stat().st_size <= 2 * FILE_BYTES for each in files)
    said = "".join(each.read_text() for each in reversed(files)).splitlines()
    for name in ("one", "two"):
        numbers = [int(line.split()[1]) for line in said if line.startswith(name)]
        assert numbers and numbers == list(range(numbers[0], ROUNDS * LINES))
    assert {len(line) for line in said} == {LINE_BYTES - 1}


def test_it_is_bounded_while_another_process_holds_its_lock(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "hub.log", 100)
    file.write("first")
    with file.path.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        for _ in range(100):
            file.write("a line of text")
        assert file.path.stat().st_size <= 200
    file.write("last")
    assert file.path.read_text() == "last\n"


def test_a_long_line_is_cut_and_a_removed_file_is_made_again(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "hub.log")
    file.write("x" * (2 * MAX_LINE_BYTES))
    assert file.path.stat().st_size == MAX_LINE_BYTES
    file.path.unlink()
    file.write("again")
    assert file.path.read_text() == "again\n"


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("untouched")
    (tmp_path / "hub.log").symlink_to(tmp_path / "victim")
    try:
        LogFile(tmp_path / "hub.log").write("text")
    except OSError:
        pass
    else:
        raise AssertionError("it was written")
    assert (tmp_path / "victim").read_text() == "untouched"
