"""The end of what only looks at a task is no order to it; the end of `arbor run` is bounded."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bounds import HANG_SECONDS
from tests.e2e.arbor import Arbor
from tests.signals import default_signals

from .conftest import Up


@pytest.fixture(name="shell")
def _shell(up: Up) -> Iterator[str]:
    """A task with a terminal that goes on until it is cancelled."""
    words = ["run", "-d", "--tty", "--", "sh", "-c", "echo ready; exec cat"]
    task = up.arbor(*words).stdout.decode().strip()
    yield task
    up.arbor("cancel", "--grace", "0", task)


def is_running(up: Up, task: str) -> bool:
    """Whether it runs, and was not told to end."""
    tasks = json.loads(up.arbor("tasks", "--status", "running", "--limit", "500", "--json").stdout)
    return any(each["id"] == task and not each["cancelRequested"] for each in tasks)


def onlooker(up: Up, *words: str) -> subprocess.Popen[bytes]:
    """One that shows the task by now."""
    process = subprocess.Popen(
        up.command(*words),
        preexec_fn=default_signals,
        env=up.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\r\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("words", [["attach"], ["logs", "-f"]], ids=" ".join)
def test_a_signal_leaves_the_task_running(
    up: Up, shell: str, words: list[str], number: signal.Signals
) -> None:
    process = onlooker(up, *words, shell)
    process.send_signal(number)
    _, said = process.communicate(timeout=HANG_SECONDS)
    if words == ["attach"]:
        assert process.returncode == 128 + number
        assert b"goes on" in said and f"arbor attach {shell}".encode() in said
    assert is_running(up, shell)


def test_so_does_the_end_of_its_input(up: Up, shell: str) -> None:
    """It would end a shell that others sit at, too."""
    with onlooker(up, "attach", shell) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(b"hello\n")
        process.stdin.close()
        # Once typed, and once written by the task.
        assert [process.stdout.readline() for _ in range(2)] == [b"hello\r\n"] * 2
        assert is_running(up, shell)
        process.terminate()


def test_so_does_the_end_of_its_reader(up: Up, shell: str) -> None:
    with onlooker(up, "attach", shell) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdout.close()
        process.stdin.write(b"hello\n")
        process.stdin.close()
        assert process.wait(HANG_SECONDS) == 128 + signal.SIGPIPE
    assert is_running(up, shell)


@pytest.mark.parametrize("mine", [True, False], ids=["run", "attach"])
def test_so_does_the_end_of_its_terminal(up: Up, shell: str, mine: bool) -> None:
    script = ["sh", "-c", "echo ready; exec cat"]
    words = ["run", "--title", "mine", "--tty", "--", *script] if mine else ["attach", shell]
    child, terminal = pty.fork()
    if child == 0:
        default_signals()
        os.chdir(up.folder)
        os.execve(sys.executable, up.command(*words), up.environment)
    seen = b""
    while b"ready" not in seen:
        seen += os.read(terminal, 65_536)
    os.close(terminal)
    os.waitpid(child, 0)
    if mine:
        found = json.loads(up.arbor("tasks", "--search", "mine", "--json").stdout)
        task = str(found[0]["id"])
        assert is_running(up, task)
        up.arbor("cancel", "--grace", "0", task)
    else:
        assert is_running(up, shell)


def test_told_to_end_a_run_does_not_wait_for_a_machine_that_hangs(tmp_path: Path) -> None:
    pair = Arbor(tmp_path / "home", tmp_path / "workspace")
    try:
        pair.start_hub()
        pair.start_daemon()
        process = pair.popen("run", "--", "sh", "-c", "echo ready; exec sleep 300")
        assert process.stdout is not None and pair.daemon is not None
        assert process.stdout.readline() == b"ready\n"
        pair.daemon.send_signal(signal.SIGSTOP)
        process.terminate()
        _, said = process.communicate(timeout=HANG_SECONDS)
        assert process.returncode == 130
        assert b"not waiting for it any more; it is being cancelled" in said
    finally:
        if pair.daemon is not None:
            pair.daemon.send_signal(signal.SIGCONT)
        pair.stop()
