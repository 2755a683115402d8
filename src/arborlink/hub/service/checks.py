"""What a request for a task must fulfil beyond the types of its fields."""

from __future__ import annotations

from arborlink.protocol.errors import InvalidInput
from arborlink.protocol.resources import NewTask


def check_task(new: NewTask) -> None:
    """Raises:
    InvalidInput: naming the field and what to do.
    """
    if not new.command or (not new.shell and not new.command.strip()):
        raise InvalidInput("command is empty: give the program to run", code="empty_command")
    texts = {"command": [new.command], "args": new.args, "cwd": [new.cwd]}
    texts["env"] = [*new.env.keys(), *new.env.values()]
    for field, values in texts.items():
        if any("\0" in value for value in values):
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
