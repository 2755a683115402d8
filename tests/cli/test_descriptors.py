"""Started without some of the standard descriptors, or with ones that take nothing."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bounds import HANG_SECONDS
from tests.e2e.arbor import wait_until

from .conftest import ARBOR, Up, clean_environment

CLOSED = [
    " ".join(some) for n in (1, 2, 3) for some in itertools.combinations(("<&-", ">&-", "2>&-"), n)
]


def started(words: list[str], closing: str, up: Up) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {closing}', "sh", *words],
        env=up.environment,
        cwd=up.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=HANG_SECONDS,
        check=False,
    )


@pytest.mark.parametrize("closing", CLOSED)
def test_the_exit_code_and_the_other_streams_are_the_commands(up: Up, closing: str) -> None:
    script = "wc -c; echo out; echo err >&2; exit 7"
    done = started(up.command("run", "--", "sh", "-c", script), closing, up)
    assert done.returncode == 7
    is_closed = {each: each in closing.split() for each in (">&-", "2>&-")}
    assert done.stdout == (b"" if is_closed[">&-"] else b"0\nout\n")
    assert done.stderr == (b"" if is_closed["2>&-"] else b"err\n")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["tasks"], 0),
        (["whoami", "--json"], 0),
        (["--help"], 0),
        (["--version"], 0),
        (["logs", "no-such-task"], 1),
        (["no-such-command"], 2),
        (["completion", "bash"], 0),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else None,
)
def test_other_commands_end_as_they_do(up: Up, words: list[str], code: int) -> None:
    for closing in CLOSED:
        done = started(up.command(*words), closing, up)
        assert done.returncode == code, closing
        assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("words", [["tasks", "--json"], ["--help"], ["run", "--", "echo", "x"]])
def test_a_full_disk_is_named(up: Up, words: list[str]) -> None:
    done = started(up.command(*words), "> /dev/full", up)
    assert done.returncode == (125 if words[0] == "run" else 1)
    assert b"No space left on device" in done.stderr and b"Traceback" not in done.stderr


def test_no_socket_or_file_of_a_hub_takes_their_numbers(tmp_path: Path) -> None:
    """A log line would be written into it, and every child would have it as its own."""
    words = [*ARBOR, "hub", "--port", "0", "--data-dir", str(tmp_path / "data")]
    hub = subprocess.Popen(
        ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *words],
        env={**clean_environment(tmp_path), "ARBOR_BOOTSTRAP_TOKEN": "x" * 40},
    )
    try:
        wait_until(lambda: (tmp_path / "data" / "hub.pid").exists(), "the hub's start")
        folder = f"/proc/{hub.pid}/fd"
        assert [os.readlink(f"{folder}/{number}") for number in range(3)] == [os.devnull] * 3
    finally:
        hub.kill()
        hub.wait()


def test_the_interpreter_opens_files_for_itself_before_us() -> None:
    """What runs before the command line must leave none of the numbers in use."""
    script = (
        "import os, sys\n"
        "from arborlink.cli import descriptors\n"
        "descriptors.open_missing()\n"
        "kinds = [os.readlink(f'/proc/self/fd/{n}') for n in range(3)]\n"
        "sys.exit(0 if kinds == [os.devnull] * 3 and None not in "
        "(sys.stdin, sys.stdout, sys.stderr) else 1)\n"
    )
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-c", script],
        timeout=HANG_SECONDS,
        check=False,
    )
    assert done.returncode == 0
