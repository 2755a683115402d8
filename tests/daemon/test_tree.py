"""Exit is not end of file, and the end of a task is the end of all its processes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from arborlink.protocol.lifecycle import TaskStatus
from tests.bounds import HANG_SECONDS
from tests.e2e.arbor import wait_until

from .conftest import Arena

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Each says READY and the number of its processes, and then tries not to be ended. Left alone it
# outlives `HANG_SECONDS`: if the end of a task comes before that, it was not waited for.
ESCAPES = {
    "group": "sleep 300 & sleep 300 & echo READY; wait",
    "ignores TERM": "trap '' TERM; echo READY; while :; do sleep 300; done",
    "setsid": "setsid sleep 300 & echo READY; wait",
    "double fork": "(setsid sh -c 'sleep 300 & sleep 300 &' &) ; echo READY; sleep 300",
    "holds the pipe": "trap '' TERM; (trap '' TERM; setsid sleep 300) & echo READY; wait",
    "stops itself": "echo READY; kill -STOP $$; sleep 300",
    "stopped and ignoring": "trap '' TERM; (trap '' TERM; kill -STOP 0) & echo READY; sleep 300",
    "nohup": "nohup setsid sh -c 'trap \"\" TERM HUP INT; sleep 300' & echo READY; wait",
}


def living(marker: str) -> list[int]:
    """Processes that have `marker` in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                environ = (entry / "environ").read_bytes()
            except OSError:
                continue
            if marker.encode() in environ:
                found.append(int(entry.name))
    return found


@pytest.mark.parametrize("how", ESCAPES)
async def test_cancel_leaves_nothing(shared: Arena, how: str) -> None:
    """Whatever form the tree has: once `cancelled` is said, no process is left."""
    marker = f"arena-{os.getpid()}-{how}"
    task = await shared.start("sh", "-c", ESCAPES[how], env={"MARKER": marker})
    await shared.printed(task, b"READY")
    assert living(marker)
    end = await shared.hub.cancel(task, grace=0.2)
    assert (end.status, end.reason) == (TaskStatus.CANCELLED, "cancelled")
    assert living(marker) == []


async def test_cancel_gives_time_to_clean_up(shared: Arena) -> None:
    """SIGTERM comes first, and what is printed then still counts."""
    # A shell in `wait` could see its `sleep` die of the signal first, and end with 0.
    script = "trap 'echo cleaned; exit 3' TERM; echo READY; while :; do sleep 0.05; done"
    task = await shared.start("sh", "-c", script)
    await shared.printed(task, b"READY")
    end = await shared.hub.cancel(task, grace=5)
    assert (end.status, end.exit_code) == (TaskStatus.CANCELLED, 3)
    assert b"cleaned" in task.stdout


async def test_the_timeout_is_the_daemons(shared: Arena) -> None:
    """It ends the tree too, and is said to be a timeout."""
    marker = f"timeout-{os.getpid()}"
    script = "setsid sleep 300 & sleep 300"
    task = await shared.run("sh", "-c", script, timeout=0.3, env={"MARKER": marker})
    assert task.end is not None
    assert (task.end.status, task.end.reason) == (TaskStatus.FAILED, "timeout")
    assert living(marker) == []


async def test_a_quiet_background_process_does_not_hold_the_exit_up(shared: Arena) -> None:
    """The exit is reported while it holds the output; then it lives on, unhurt by SIGPIPE.

    After which silence that is, `test_pump.py` has.
    """
    marker = f"quiet-{os.getpid()}"
    lives = "until [ -e go-on ]; do sleep 0.05; done; echo late && touch survived; exec sleep 300"
    script = f"echo a; setsid sh -c '{lives}' & exit 7"
    task = await shared.run("sh", "-c", script, env={"MARKER": marker})
    assert living(marker)
    assert task.end is not None
    assert task.end.exit_code == 7
    assert "background process" in (task.end.error or "")
    assert bytes(task.stdout) == b"a\n"

    (shared.workspace / "go-on").touch()
    survived = shared.workspace / "survived"
    await asyncio.to_thread(
        wait_until, survived.exists, "what it does after its output", HANG_SECONDS
    )
    for pid in living(marker):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


async def test_a_cancel_after_the_end_is_answered_with_it(shared: Arena) -> None:
    """Nothing changes any more."""
    shared.hub.settles = False
    task = await shared.run("true")
    shared.hub.settles = True
    before = len(task.statuses)
    await shared.hub.cancel(task)
    await shared.hub.until(lambda: len(task.statuses) > before)
    assert task.statuses[-1].status is TaskStatus.COMPLETED


async def test_a_cancel_before_the_command_wins(shared: Arena) -> None:
    """A task that was cancelled unseen is never started."""
    task_id = shared.task_id()
    witness = shared.workspace / "witness"
    task = shared.hub.task(task_id)
    await shared.hub.cancel(task)
    await shared.hub.run("touch", str(witness), task_id=task_id)
    assert task.end is not None
    assert task.end.status is TaskStatus.CANCELLED
    assert not witness.exists()


async def test_closed_output_is_not_the_end(shared: Arena) -> None:
    """End of file on both streams, and the command goes on."""
    script = "import os, time; os.close(1); os.close(2); time.sleep(0.4); os._exit(5)"
    task = await shared.run(sys.executable, "-c", script)
    assert task.end is not None
    assert task.end.exit_code == 5
