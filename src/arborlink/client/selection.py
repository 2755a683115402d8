"""Which workspace or task somebody means. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Final

from arborlink.protocol.errors import InvalidInput, NotFound
from arborlink.protocol.resources import Task, Workspace

MAX_CANDIDATES: Final = 10
# Ids begin with the time and end with what is random.
MIN_SUFFIX_CHARS: Final = 4
LAST: Final = "last"


def pick_workspace(workspaces: Sequence[Workspace], ref: str) -> Workspace:
    """The workspace whose id or name is `ref`, or whose id alone begins with it.

    Raises:
        NotFound: there is none.
        InvalidInput: there are several.
    """
    exact = [each for each in workspaces if ref in (each.id, each.name)]
    if len(exact) == 1:
        return exact[0]
    begin = [each for each in workspaces if each.id.startswith((ref, f"ws_{ref}"))]
    found = exact or begin
    if len(found) == 1:
        return found[0]
    if found:
        raise InvalidInput(
            f"{ref!r} could be any of {len(found)} workspaces: {listing(found)}. "
            "Give more of the id",
            code="ambiguous",
        )
    known = f"There are: {listing(workspaces)}" if workspaces else "There are none yet"
    raise NotFound(f"no workspace is called {ref!r} and no id begins so. {known}")


def default_workspace(
    workspaces: Sequence[Workspace], hostname: str | None = None, folder: PurePath | None = None
) -> Workspace:
    """The workspace that `folder` on `hostname` is or lies in, or else the only one there is.

    Raises:
        NotFound: there is none.
        InvalidInput: there are several.
    """
    around = [
        each
        for each in workspaces
        if folder is not None
        and each.path is not None
        and each.host == hostname
        and folder.is_relative_to(each.path)
    ]
    if around:
        return max(around, key=lambda each: len(each.path or ""))
    if len(workspaces) == 1:
        return workspaces[0]
    if not workspaces:
        raise NotFound("there is no workspace yet. Make one with `arbor enroll NAME`")
    raise InvalidInput(
        f"there are several workspaces: {listing(workspaces)}. Say which one (-w NAME)",
        code="ambiguous",
    )


def pick_task(tasks: Sequence[Task], ref: str) -> Task:
    """The task whose id alone begins or ends with `ref`.

    Raises:
        NotFound: there is none.
        InvalidInput: there are several.
    """
    found = [each for each in tasks if _is_part(ref, each.id)]
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(each.id for each in found[:MAX_CANDIDATES])
        more = f" and {len(found) - MAX_CANDIDATES} more" if len(found) > MAX_CANDIDATES else ""
        raise InvalidInput(
            f"{ref!r} could be any of {len(found)} tasks: {listed}{more}. Give the last characters "
            "of the id",
            code="ambiguous",
        )
    raise NotFound(
        f"the id of none of the newest {len(tasks)} tasks begins with {ref!r}, or ends with it (at "
        f"least {MIN_SUFFIX_CHARS} characters). `arbor tasks` lists them"
    )


def _is_part(ref: str, task_id: str) -> bool:
    if len(ref) >= MIN_SUFFIX_CHARS and task_id.endswith(ref):
        return True
    return bool(ref) and task_id.startswith((ref, f"tsk_{ref}"))


def listing(workspaces: Sequence[Workspace]) -> str:
    """Names and ids, for a sentence."""
    shown = [f"{each.name} ({each.id})" for each in workspaces[:MAX_CANDIDATES]]
    more = len(workspaces) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
