"""Which workspace somebody means. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from arborlink.protocol.errors import InvalidInput, NotFound
from arborlink.protocol.resources import Workspace

MAX_CANDIDATES = 10


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


def listing(workspaces: Sequence[Workspace]) -> str:
    """Names and ids, for a sentence."""
    shown = [f"{each.name} ({each.id})" for each in workspaces[:MAX_CANDIDATES]]
    more = len(workspaces) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
