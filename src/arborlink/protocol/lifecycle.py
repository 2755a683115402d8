"""The life of a task, as a table. An event that the table does not list is an error.

The diagram in `docs/explanation/lifecycle.md` and the database's CHECK are derived from it.
"""

from enum import StrEnum
from types import MappingProxyType
from typing import Final

from arborlink.protocol.errors import LocalProtocolError


class TaskStatus(StrEnum):
    """Where a task is in its life."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"
    EXPIRED = "expired"


class TaskEvent(StrEnum):
    """What can happen to a task."""

    START = "start"
    COMPLETE = "complete"
    FAIL = "fail"
    CANCEL = "cancel"
    LOSE = "lose"
    EXPIRE = "expire"


class Reason(StrEnum):
    """Why a task ended other than with exit code 0. `error` beside it is for people."""

    EXIT_CODE = "exit_code"
    SIGNAL = "signal"
    TIMEOUT = "timeout"
    COMMAND_NOT_FOUND = "command_not_found"
    COMMAND_NOT_EXECUTABLE = "command_not_executable"
    WORKING_DIRECTORY = "working_directory"
    START_FAILED = "start_failed"
    POLICY = "policy"
    SPOOL_FULL = "spool_full"
    CORRUPT_OUTPUT = "corrupt_output"
    CANCELLED = "cancelled"
    DAEMON_RESTARTED = "daemon_restarted"
    DAEMON_REMOVED = "daemon_removed"
    DAEMON_REPLACED = "daemon_replaced"
    EXPIRED = "expired"


S, E = TaskStatus, TaskEvent

TRANSITIONS: Final = MappingProxyType(
    {
        # A daemon that was cut off may report the end as the first thing the hub hears of a task.
        S.PENDING: {
            E.START: S.RUNNING,
            E.COMPLETE: S.COMPLETED,
            E.FAIL: S.FAILED,
            E.CANCEL: S.CANCELLED,
            E.LOSE: S.LOST,
            E.EXPIRE: S.EXPIRED,
        },
        S.RUNNING: {
            E.COMPLETE: S.COMPLETED,
            E.FAIL: S.FAILED,
            E.CANCEL: S.CANCELLED,
            E.LOSE: S.LOST,
        },
        S.COMPLETED: {},
        S.FAILED: {},
        S.CANCELLED: {},
        S.LOST: {},
        S.EXPIRED: {},
    }
)

FINAL: Final = frozenset(status for status, events in TRANSITIONS.items() if not events)

EVENT_FOR: Final = MappingProxyType(
    {
        S.RUNNING: E.START,
        S.COMPLETED: E.COMPLETE,
        S.FAILED: E.FAIL,
        S.CANCELLED: E.CANCEL,
        S.LOST: E.LOSE,
        S.EXPIRED: E.EXPIRE,
    }
)


def advance(status: TaskStatus, event: TaskEvent) -> TaskStatus:
    """Return the status after `event`.

    Raises:
        LocalProtocolError: the table has no such transition.
    """
    try:
        return TRANSITIONS[status][event]
    except KeyError:
        raise LocalProtocolError(
            f"a task that is {status} cannot {event}", code="illegal_transition"
        ) from None


def is_final(status: TaskStatus) -> bool:
    """Return whether nothing can happen to the task any more."""
    return status in FINAL
