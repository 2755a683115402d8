"""What is left when the supervisor dies, when a task is cancelled, and when the hub restarts."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from arborlink.outputlog import LogReader
from arborlink.testing.cell_reader import CellReader
from tests.bounds import HANG_SECONDS
from tests.e2e.arbor import TOKEN, Arbor, EndlessCells, cells, wait_until
from tests.e2e.shared import mended, one_with
from tests.plain_http import HTTP

MIB = 1 << 20

# Each leaves a process behind that a plain kill of the child, or of its group, would miss. The
# last thing that this process does before it is there to stay is to make a file.
ESCAPES = {
    "ignores SIGTERM": "trap '' TERM; : > {mark}; while :; do sleep 1; done # {mark}",
    "new session": "setsid sh -c ': > {mark}; while :; do sleep 1; done # {mark}' & wait",
    "double fork": (
        "(setsid sh -c '(: > {mark}; while :; do sleep 1; done # {mark}\n) &' &) ; sleep 600"
    ),
    "ignores and escapes": (
        "(setsid sh -c 'trap \"\" TERM HUP INT; : > {mark}; while :; do sleep 1; done # {mark}' &);"
        " sleep 600"
    ),
    "stopped": "sh -c ': > {mark}; kill -STOP $$; # {mark}' & wait",
    "holds the pipe": ("setsid sh -c ': > {mark}; exec sleep 600 # {mark}' & echo started; wait"),
}
# The shortest one in which there was a process to escape is the one that counts.
TIMEOUTS_SECONDS = (1.5, 6.0, 24.0, 96.0)
# How long a command waits for a daemon that left: here it does not come back by itself.
RECONNECT_SECONDS = 1.0
# What ignores SIGTERM is given so long; the daemon's own 5 s are waited for after a timeout.
CANCEL_GRACE = "1s"


one_for_all = one_with(reconnect_grace_seconds=RECONNECT_SECONDS)
arbor = mended


def detached(arbor: Arbor, *line: str) -> str:
    """Start a task and come back; its id."""
    done = arbor.run("run", *line[: line.index("--")], "--detach", *line[line.index("--") :])
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().strip()


def task(arbor: Arbor, task_id: str) -> dict[str, object]:
    """The task as the API shows it."""
    body = arbor.api(f"/api/tasks/{task_id}")
    assert isinstance(body, dict)
    return body


def size(arbor: Arbor, task_id: str) -> int:
    """Bytes of output at the hub."""
    return int(str(task(arbor, task_id)["outputSize"]))


def processes_with(mark: str) -> list[int]:
    """Those whose command line has the mark."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if mark.encode() in line and int(folder.name) != os.getpid():
            found.append(int(folder.name))
    return found


def test_a_killed_supervisor_leaves_lost_tasks_with_every_spooled_byte(arbor: Arbor) -> None:
    task_id = detached(arbor, "--", *cells("lost", 1 << 30, "--rate", str(20 * MIB)))
    wait_until(lambda: size(arbor, task_id) > 4 * MIB, "some output")
    arbor.kill_supervisor()
    wait_until(lambda: arbor.state() == "unreachable", "the hub to notice")
    assert task(arbor, task_id)["status"] == "running"
    spool = arbor.home / "daemons" / arbor.workspace_id / "spool" / task_id
    with LogReader(spool) as reader:
        spooled = reader.end()

    arbor.start_daemon()
    wait_until(lambda: task(arbor, task_id)["status"] != "running", "the task to be settled")

    settled = task(arbor, task_id)
    assert (settled["status"], settled["reason"]) == ("lost", "daemon_restarted")
    assert settled["outputSize"] == spooled
    stored = arbor.run("logs", task_id).stdout
    judge = CellReader("lost")
    judge.feed(stored)
    # The last cell may have been cut in two by the kill.
    assert [fault for fault in judge.faults if fault.end <= spooled // 16 * 16] == []
    assert len(stored) == spooled
    assert processes_with("arborlink.testing.cells\0--key\0lost") == []


def is_over(arbor: Arbor, task_id: str) -> bool:
    """Whether the task has ended, however it did."""
    return task(arbor, task_id)["status"] not in ("pending", "running")


@pytest.mark.parametrize("name", ESCAPES)
def test_cancel_leaves_no_process_behind(arbor: Arbor, name: str) -> None:
    mark = f"mark-cancel-{os.getpid()}-{abs(hash(name))}"
    task_id = detached(arbor, "--", "sh", "-c", ESCAPES[name].format(mark=mark))
    wait_until((arbor.workspace / mark).exists, "the process to escape")
    wait_until(lambda: bool(processes_with(mark)), "the process to exist")

    assert arbor.run("cancel", "--grace", CANCEL_GRACE, task_id).returncode == 0
    wait_until(lambda: is_over(arbor, task_id), "the end")
    assert task(arbor, task_id)["status"] == "cancelled"
    assert processes_with(mark) == []


@pytest.mark.parametrize("name", ESCAPES)
def test_a_timeout_leaves_no_process_behind(arbor: Arbor, name: str) -> None:
    for seconds in TIMEOUTS_SECONDS:
        mark = f"mark-timeout-{seconds:g}-{os.getpid()}-{abs(hash(name))}"
        line = ["sh", "-c", ESCAPES[name].format(mark=mark)]
        task_id = detached(arbor, "--timeout", str(seconds), "--", *line)
        wait_until(partial(is_over, arbor, task_id), "the end")

        ended = task(arbor, task_id)
        assert (ended["status"], ended["reason"]) == ("failed", "timeout")
        assert processes_with(mark) == []
        if (arbor.workspace / mark).exists():
            return
    raise AssertionError(f"nothing escaped within {TIMEOUTS_SECONDS[-1]:g} s")


def test_a_background_process_does_not_hold_up_the_end(arbor: Arbor) -> None:
    mark = f"mark-background-{os.getpid()}"
    background = f"sh -c 'while :; do sleep 1; done # {mark}' &"
    task_id = detached(arbor, "--", "sh", "-c", f"echo a; {background} exit 7")
    try:
        wait_until(lambda: is_over(arbor, task_id), "the end")
        # It is still there, so that the end did not wait for it.
        assert processes_with(mark) != []
        assert task(arbor, task_id)["exitCode"] == 7
        assert arbor.run("logs", task_id).stdout == b"a\n"
    finally:
        for pid in processes_with(mark):
            os.kill(pid, signal.SIGKILL)


def test_a_restarted_hub_goes_on_where_it_was(arbor: Arbor) -> None:
    child = EndlessCells(arbor, "restart", 4 * MIB)
    running = arbor.popen("run", "--", *child.command)
    task_id = ""

    def started() -> bool:
        nonlocal task_id
        body = arbor.api("/api/tasks?status=running")
        assert isinstance(body, dict)
        task_id = str(body["items"][0]["id"]) if body["items"] else ""
        return bool(task_id) and size(arbor, task_id) > MIB

    wait_until(started, "some output")
    assert arbor.hub is not None
    arbor.hub.send_signal(signal.SIGTERM)
    assert arbor.hub.wait(HANG_SECONDS) == 0
    arbor.start_hub()

    with ThreadPoolExecutor() as reader:
        reading = reader.submit(running.communicate, timeout=HANG_SECONDS)
        behind = size(arbor, task_id)
        wait_until(lambda: size(arbor, task_id) > behind, "more output")
        total = child.finish()
        output, errors = reading.result()
    judge = CellReader("restart")
    judge.feed(output)
    assert judge.finish(total) == []
    assert running.returncode == 0, errors


def test_a_queued_task_runs_when_the_daemon_is_back(arbor: Arbor) -> None:
    assert arbor.daemon is not None
    arbor.daemon.terminate()
    assert arbor.daemon.wait(HANG_SECONDS) == 0
    wait_until(lambda: arbor.state() == "unreachable", "the hub to notice")

    refused = arbor.run("run", "--", "echo", "now")
    assert refused.returncode == 125
    task_id = detached(arbor, "--queue", "--", "echo", "later")
    assert task(arbor, task_id)["status"] == "pending"

    arbor.start_daemon()
    wait_until(lambda: task(arbor, task_id)["status"] == "completed", "the task to run")
    assert arbor.run("logs", task_id).stdout == b"later\n"


def test_a_second_daemon_is_refused_and_the_first_one_goes_on(arbor: Arbor, tmp_path: Path) -> None:
    code = HTTP.post(
        f"{arbor.url}/api/workspaces/{arbor.workspace_id}/enrollment",
        headers={"Authorization": f"Bearer {TOKEN}"},
    )
    enrolled = HTTP.post(
        f"{arbor.url}/api/enroll", json={"code": code.json().get("code", "XXXX-XXXX")}
    )

    assert 409 in (code.status_code, enrolled.status_code)
    assert arbor.run("run", "--", "echo", "still here").stdout == b"still here\n"
