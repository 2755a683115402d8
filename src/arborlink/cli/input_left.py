"""What becomes of standard input that a command did not read, and how that is said."""

from __future__ import annotations

from arborlink.cli.console import complain
from arborlink.cli.keyboard import Keyboard
from arborlink.client import Task
from arborlink.protocol.lifecycle import TaskStatus


def give_back(keyboard: Keyboard, task: Task) -> None:
    """Give what a task that is over has not read to the next reader, or say that it is lost."""
    read = task.input_read
    if read is None and task.started_at is None and task.status is not TaskStatus.LOST:
        read = 0
    if read is None:
        return
    unread = keyboard.give_back(read)
    if unread:
        complain(
            f"{unread:,} bytes of input were taken and not read by the command; a pipe does not "
            "take them back. In loops and scripts, -n (--no-input) leaves the input alone"
        )


def unreadable_text(error: OSError, consequence: str | None) -> str:
    """Return what to say of standard input that failed before its end."""
    text = f"standard input cannot be read: {error.strerror}"
    if consequence is None:
        return f"{text}. Nothing more is passed on"
    return f"{text}; {consequence} may have had a part of its input only"
