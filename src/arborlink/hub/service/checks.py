"""What a request for a task must fulfil beyond the types of its fields."""

from __future__ import annotations

from arborlink.protocol import octets
from arborlink.protocol.errors import InvalidInput
from arborlink.protocol.limits import TASK_COMMAND_BYTES
from arborlink.protocol.resources import NewTask, command_bytes


def check_task(new: NewTask, limit: int = TASK_COMMAND_BYTES) -> None:
    """Check what is asked for; `limit` bytes are allowed of command, arguments and variables.

    Raises:
        InvalidInput: naming the field and what to do.
    """
    size = command_bytes(new.command, new.args, new.env)
    if size > limit:
        raise InvalidInput(
            f"command, args and env take {size} bytes together, and at most {limit} are allowed: "
            "put what is long into a file, or send it to the command's standard input",
            code="command_too_large",
        )
    if not new.command or (not new.shell and not new.command.strip()):
        raise InvalidInput("command is empty: give the program to run", code="empty_command")
    texts = {"command": [new.command], "args": new.args, "cwd": [new.cwd]}
    texts["env"] = [*new.env.keys(), *new.env.values()]
    for field, values in texts.items():
        if not all(map(octets.is_valid, values)):
            raise InvalidInput(
                f"{field} contains a NUL character, which no program can receive",
                code="nul_character",
            )
    if new.cwd.startswith("/") or ".." in new.cwd.split("/"):
        raise InvalidInput(
            "cwd must lie inside the workspace: give it relative to the workspace's folder",
            code="cwd_outside_workspace",
        )
    if new.title is not None and not new.title.isprintable():
        raise InvalidInput("title contains control characters", code="unprintable_title")
