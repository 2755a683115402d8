"""A long transfer is shown at a terminal that shows nothing else, and only there."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.bounds import HANG_SECONDS

from .conftest import Up


@contextmanager
def terminal() -> Iterator[tuple[int, int]]:
    """Both ends of one."""
    ours, theirs = pty.openpty()
    try:
        yield ours, theirs
    finally:
        os.close(ours)
        os.close(theirs)


def read_until(descriptor: int, text: bytes) -> bytes:
    """All up to and with `text`."""
    seen = b""
    while text not in seen:
        seen += os.read(descriptor, 4_096)
    return seen


@pytest.mark.parametrize("detach", [[], ["-d"]], ids=["run", "detached"])
def test_input_that_takes_long_is_counted_and_the_line_is_gone_at_the_end(
    up: Up, detach: list[str]
) -> None:
    with terminal() as (ours, theirs):
        process = subprocess.Popen(
            up.command("run", *detach, "--", "sh", "-c", "cat > /dev/null; exit 3"),
            env=up.environment,
            cwd=up.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
        )
        assert process.stdin is not None
        os.set_blocking(ours, False)
        seen = b""
        # It is counted with each piece, from the second second on.
        while b"sent " not in seen:
            process.stdin.write(bytes(10_000))
            process.stdin.flush()
            try:
                seen += os.read(ours, 4_096)
            except BlockingIOError:
                continue
        process.stdin.close()
        assert process.wait(HANG_SECONDS) == (0 if detach else 3)
        os.set_blocking(ours, True)
        os.write(theirs, b"!")
        rest = read_until(ours, b"!")
        assert b"\r\x1b[K" in rest and rest.rsplit(b"\r\x1b[K", 1)[1].count(b"/s") == 0


def test_what_the_command_says_there_is_left_alone(up: Up, tmp_path: Path) -> None:
    """Its own line would be written over."""
    with terminal() as (ours, theirs):
        script = "printf 'go on? ' >&2; for i in 1 2 3 4 5 6; do sleep 0.3; echo $i; done"
        process = subprocess.run(
            up.command("run", "--", "sh", "-c", script),
            env=up.environment,
            cwd=up.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=theirs,
            timeout=HANG_SECONDS,
            check=False,
        )
        assert process.stdout.split() == b"1 2 3 4 5 6".split()
        os.write(theirs, b"!")
        assert read_until(ours, b"!") == b"go on? !"
