"""The line of a task's terminal: set as ours is, and at its end where our input is."""

from __future__ import annotations

import os
import subprocess

from arborlink.terminal_modes import apply_modes, read_modes

from .conftest import Up

OURS = {"VERASE": 8, "VINTR": 24, "VSUSP": 255, "IXON": 0, "IUTF8": 1}


def test_settings_are_those_of_the_own_terminal(up: Up) -> None:
    """As they were before it was made raw."""
    master, slave = os.openpty()
    apply_modes(slave, OURS)
    process = subprocess.Popen(
        up.command("run", "--tty", "--", "stty", "-a"),
        env=up.environment,
        cwd=up.folder,
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    said, _ = process.communicate(timeout=60)
    for part in (b"erase = ^H", b"intr = ^X", b"susp = <undef>", b"-ixon", b" iutf8"):
        assert part in said
    os.close(slave)
    os.close(master)


def test_input_that_ends_within_a_line_ends_a_terminal(up: Up) -> None:
    """`printf abc | arbor run --tty -- cat` ends."""
    result = up.arbor("run", "--tty", "--", "cat", stdin=b"abc")
    assert (result.returncode, result.stdout) == (0, b"abcabc")


def test_what_is_read_is_what_is_applied() -> None:
    """Every setting that has a name here."""
    pairs = [os.openpty(), os.openpty()]
    (one, _), (other, _) = pairs
    modes = read_modes(one)
    changed = {name: 0 if value == 1 else 1 for name, value in modes.items() if value < 2}
    apply_modes(one, changed | {"VERASE": 8, "VKILL": 255})
    apply_modes(other, read_modes(one))
    assert read_modes(other) == read_modes(one) != modes
    for pair in pairs:
        for descriptor in pair:
            os.close(descriptor)
