"""What `arbor` exits with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from arborlink.protocol.resources import Task

DONE: Final = 0
FAILED: Final = 1
TIMED_OUT: Final = 124
ARBOR_FAILED: Final = 125
NOT_EXECUTABLE: Final = 126
NOT_FOUND: Final = 127
SIGNAL_BASE: Final = 128
CANCELLED: Final = 130
BROKEN_PIPE: Final = SIGNAL_BASE + 13


def of_task(task: Task) -> tuple[int, str | None]:
    """The exit code of `arbor run`, and the sentence to say with it, if any."""
    from arborlink.protocol.lifecycle import Reason, TaskStatus

    if task.status is TaskStatus.COMPLETED:
        return DONE, None
    if task.status is TaskStatus.CANCELLED:
        return CANCELLED, "the task was cancelled"
    detail = f": {task.error}" if task.error else ""
    if task.status is TaskStatus.FAILED:
        if task.reason == Reason.TIMEOUT:
            return TIMED_OUT, _timeout_text(task)
        if task.reason == Reason.COMMAND_NOT_FOUND:
            return NOT_FOUND, f"the command was not found{detail or ': ' + task.command}"
        if task.reason == Reason.COMMAND_NOT_EXECUTABLE:
            return NOT_EXECUTABLE, f"the command cannot be executed{detail or ': ' + task.command}"
        if task.reason in (Reason.EXIT_CODE, None) and task.exit_code is not None:
            return task.exit_code, None
        if task.reason in (Reason.SIGNAL, None) and task.signal is not None:
            return SIGNAL_BASE + task.signal, None
    reason = f" ({task.reason})" if task.reason else ""
    hint = f". `arbor logs {task.id}` shows its output" if task.output_size else ""
    verb = "failed" if task.status is TaskStatus.FAILED else f"is {task.status}"
    return ARBOR_FAILED, f"the task {verb}{reason}{detail}{hint}"


def ending(task: Task) -> str:
    """How a task ended, in a sentence for a person: status, reason, exit code or signal."""
    from arborlink.protocol.lifecycle import Reason, TaskStatus

    said = {TaskStatus.CANCELLED: "was cancelled", TaskStatus.FAILED: "failed"}
    text = f"the task {said.get(task.status, f'is {task.status}')}"
    if task.reason and task.reason not in (Reason.EXIT_CODE, Reason.SIGNAL, task.status):
        text += f" ({task.reason})"
    if task.exit_code is not None:
        text += f", exit code {task.exit_code}"
    if task.signal is not None:
        text += f", signal {task.signal}"
    return text + (f": {task.error}" if task.error else "")


def _timeout_text(task: Task) -> str:
    # The machine's own policy may allow less than what the task was given; `error` says so.
    if task.error or task.timeout is None:
        return f"the task was ended by its timeout{': ' if task.error else ''}{task.error or ''}"
    return f"the task was ended after its timeout of {task.timeout:g} s"
