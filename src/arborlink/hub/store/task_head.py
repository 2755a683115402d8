"""What a task's row has of a long command: its beginning. The whole is stored beside it. Pure.

Every list, every event and every change of a status carries the row, so that a field of 1 MiB would
be multiplied by the tasks of a list, the viewers of an event and the changes of a status.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from arborlink.hub.store.base import TaskRequest, TaskRow
from arborlink.protocol import octets
from arborlink.protocol.limits import TASK_HEAD_BYTES
from arborlink.protocol.resources import command_bytes


def split_row(row: TaskRow) -> tuple[TaskRow, TaskRequest | None]:
    """Return the row as it is stored, and the request, if the row does not hold all of it.

    The row has at most TASK_HEAD_BYTES of command and arguments and as much of names of variables.
    The values of variables are in neither: they are stored by themselves, as they are forgotten.
    """
    env = dict.fromkeys(row.env, "")
    if command_bytes(row.command, row.args, env) <= TASK_HEAD_BYTES:
        return msgspec.structs.replace(row, env=env), None
    command, left = _beginning(row.command, TASK_HEAD_BYTES)
    args = []
    for argument in row.args:
        if left <= 0:
            break
        shown, left = _beginning(argument, left)
        args.append(shown)
    names = list(_fitting(row.env, TASK_HEAD_BYTES))
    is_cut = [command, *args, *names] != [row.command, *row.args, *row.env]
    head = msgspec.structs.replace(
        row, command=command, args=args, env=dict.fromkeys(names, ""), is_cut=is_cut
    )
    return head, TaskRequest(command=row.command, args=row.args, env=env)


def _beginning(text: str, size: int) -> tuple[str, int]:
    """As much of a text as fits into `size` bytes with its end, and the bytes that are left."""
    encoded = text.encode()
    if len(encoded) < size:
        return text, size - len(encoded) - 1
    return octets.beginning(encoded[: size - 1]), 0


def _fitting(names: Iterable[str], size: int) -> Iterable[str]:
    for name in names:
        size -= len(name.encode()) + 1
        if size < 0:
            return
        yield name
