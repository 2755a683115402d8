"""Started with signals ignored and blocked, as scripts and service managers leave them behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from .conftest import start_up, stop_up

# Ignored and blocked signals survive exec (execve(2)).
_IGNORE_ALL: Final = """
import os, signal, sys
for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
os.execv(sys.argv[1], sys.argv[1:])
"""
ALL_IGNORED: Final = (sys.executable, "-c", _IGNORE_ALL)
# POSIX: without job control, what is started with `&` has SIGINT and SIGQUIT ignored.
IN_BACKGROUND: Final = ("sh", "-c", 'trap "" INT QUIT; exec "$@"', "sh")


def test_a_closed_terminal_does_not_end_what_nohup_started(tmp_path: Path) -> None:
    """`nohup arbor up` goes on after SIGHUP to all of it, and a command's SIGHUP is the default."""
    folder = tmp_path / "project"
    folder.mkdir()
    up = start_up(tmp_path / "home", folder, through=("nohup",))
    try:
        pids = [up.process.pid]
        pids += [int(file.read_text()) for file in (tmp_path / "home").rglob("*.pid")]
        assert len(pids) == 4
        for pid in pids:
            os.kill(pid, signal.SIGHUP)
        result = up.arbor("run", "--", "sh", "-c", "kill -HUP $$; echo survived")
        assert (result.returncode, result.stdout) == (128 + signal.SIGHUP, b"")
    finally:
        stop_up(up)


@pytest.mark.parametrize("through", [ALL_IGNORED, IN_BACKGROUND], ids=["all", "background"])
def test_ignored_signals_reach_commands_and_stop_what_runs(
    tmp_path: Path, through: tuple[str, ...]
) -> None:
    """`kill -QUIT` ends a command with 131, and Ctrl-C cancels and stops."""
    folder = tmp_path / "project"
    folder.mkdir()
    up = start_up(tmp_path / "home", folder, through=through)
    try:
        quits = "ulimit -c 0; kill -QUIT $$; echo survived"
        result = up.arbor("run", "--", "sh", "-c", quits)
        assert (result.returncode, result.stdout) == (128 + signal.SIGQUIT, b"")
        process = subprocess.Popen(
            [*through, *up.command("run", "--", "sh", "-c", "echo ready; exec sleep 300")],
            env=up.environment,
            cwd=up.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 130 and b"cancelled" in said
    finally:
        stop_up(up)
