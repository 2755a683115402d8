"""What is left when the supervisor dies, when a task is cancelled, and when the hub restarts."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from arborlink.outputlog import LogReader
from arborlink.testing.cell_reader import CellReader
from tests.e2e.arbor import TOKEN, Arbor, cells, wait_until
from tests.plain_http import HTTP

MIB = 1 << 20

# Each leaves a process behind that a plain kill of the child, or of its group, would miss.
ESCAPES = {
    "ignores SIGTERM": "trap '' TERM; while :; do sleep 1; done # {mark}",
    "new session": "setsid sh -c 'while :; do sleep 1; done # {mark}' & wait",
    "double fork": "(setsid sh -c '(while :; do sleep 1; done # {mark}\n) &' &) ; sleep 600",
    "ignores and escapes": (
        "(setsid sh -c 'trap \"\" TERM HUP INT; while :; do sleep 1; done # {mark}' &); sleep 600"
    ),
    "stopped": "sh -c 'kill -STOP $$; # {mark}' & wait",
    "holds the pipe": "setsid sh -c 'exec sleep 600 # {mark}' & echo started; wait",
}


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


@pytest.mark.parametrize("name", ESCAPES)
@pytest.mark.parametrize("how", ["cancel", "timeout"])
def test_cancel_and_timeout_leave_no_process_behind(arbor: Arbor, name: str, how: str) -> None:
    mark = f"mark-{how}-{os.getpid()}-{abs(hash(name))}"
    script = ESCAPES[name].format(mark=mark)
    options = ["--timeout", "1.5"] if how == "timeout" else []
    task_id = detached(arbor, *options, "--", "sh", "-c", script)
    wait_until(lambda: bool(processes_with(mark)), "the process to exist")

    if how == "cancel":
        assert arbor.run("cancel", task_id).returncode == 0
    wait_until(lambda: task(arbor, task_id)["status"] != "running", "the end", 15)

    ended = task(arbor, task_id)
    if how == "cancel":
        assert ended["status"] == "cancelled"
    else:
        assert (ended["status"], ended["reason"]) == ("failed", "timeout")
    assert processes_with(mark) == []


def test_a_background_process_does_not_hold_up_the_end(arbor: Arbor) -> None:
    task_id = detached(arbor, "--", "sh", "-c", "echo a; sleep 30 & exit 7")
    wait_until(lambda: task(arbor, task_id)["status"] == "failed", "the end", 3)

    assert task(arbor, task_id)["exitCode"] == 7
    assert arbor.run("logs", task_id).stdout == b"a\n"


def test_a_restarted_hub_goes_on_where_it_was(arbor: Arbor) -> None:
    running = arbor.popen("run", "--", *cells("restart", 8 * MIB, "--rate", str(4 * MIB)))
    task_id = ""

    def started() -> bool:
        nonlocal task_id
        body = arbor.api("/api/tasks")
        assert isinstance(body, dict)
        task_id = str(body["items"][0]["id"]) if body["items"] else ""
        return bool(task_id) and size(arbor, task_id) > MIB

    wait_until(started, "some output")
    assert arbor.hub is not None
    arbor.hub.send_signal(signal.SIGTERM)
    assert arbor.hub.wait(10) == 0
    arbor.start_hub()

    output, errors = running.communicate(timeout=30)
    judge = CellReader("restart")
    judge.feed(output)
    assert judge.finish(8 * MIB) == []
    assert running.returncode == 0, errors


def test_a_queued_task_runs_when_the_daemon_is_back(arbor: Arbor) -> None:
    assert arbor.daemon is not None
    arbor.daemon.terminate()
    assert arbor.daemon.wait(15) == 0
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
