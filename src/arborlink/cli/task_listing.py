"""Which tasks `arbor tasks` lists: what the hub can choose, it chooses; the rest is chosen here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from arborlink.cli.display import moment
from arborlink.cli.session import choose_workspace
from arborlink.client import Hub, InvalidInput
from arborlink.client.seeing import see
from arborlink.client.selection import Seen
from arborlink.protocol.resources import Task

ME: Final = "me"
# Of tasks that only this program can tell apart, so many are read.
MOST_READ: Final = 10_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for on the command line."""

    workspace: str | None
    status: str | None
    search: str | None
    filters: Mapping[str, Sequence[str]]
    since: datetime | None
    limit: int

    @property
    def is_narrow(self) -> bool:
        """Whether not all tasks are meant."""
        parts = (self.workspace, self.status, self.search, self.filters, self.since)
        return any(parts)


async def find_tasks(
    hub: Hub, wanted: Wanted, *, with_names: bool
) -> tuple[list[Task], Seen | None]:
    """Return the tasks, newest first; and what the account sees, if names are needed.

    Raises:
        NotFound, InvalidInput: a filter names what is not there, or several things.
    """
    filters = wanted.filters
    seen = await see(hub) if with_names or {"by", "workspace"} & filters.keys() else None
    workspaces = [*filters.get("workspace", ()), *([wanted.workspace] if wanted.workspace else ())]
    chosen = [(await choose_workspace(hub, each, doing="tasks of")).id for each in workspaces]
    makers = {_account(each, seen) for each in filters.get("by", ())} if seen else set()
    states = [*filters.get("status", ()), *([wanted.status] if wanted.status else ())]
    tests = _tests(wanted, chosen, makers)
    tasks: list[Task] = []
    read = 0
    pages = hub.task_pages(
        workspace=chosen[0] if len(chosen) == 1 else None,
        status=",".join(states) or None,
        search=wanted.search,
        created_by=next(iter(makers)) if len(makers) == 1 else None,
        page_items=wanted.limit if not tests else None,
    )
    async for page in pages:
        read += len(page)
        for task in page:
            if wanted.since is not None and moment(task.created_at) < wanted.since:
                return tasks, seen
            if all(test(task) for test in tests):
                tasks.append(task)
            if len(tasks) == wanted.limit:
                return tasks, seen
        if read >= MOST_READ:
            break
    return tasks, seen


def _tests(
    wanted: Wanted, workspaces: Sequence[str], makers: set[str]
) -> list[Callable[[Task], bool]]:
    """Return what the hub cannot choose by."""
    tests: list[Callable[[Task], bool]] = []
    filters = wanted.filters
    if len(workspaces) > 1:
        tests.append(lambda task: task.workspace_id in workspaces)
    if len(makers) > 1:
        tests.append(lambda task: task.created_by in makers)
    if "exit" in filters:
        codes = set(filters["exit"])
        tests.append(lambda task: str(task.exit_code) in codes)
    if "reason" in filters:
        reasons = set(filters["reason"])
        tests.append(lambda task: task.reason in reasons)
    if "title" in filters:
        titles = filters["title"]
        tests.append(lambda task: any(each in (task.title or "") for each in titles))
    return tests


def _account(name: str, seen: Seen) -> str:
    """Return the id of an account that is named as `me`, by its id or its name."""
    if name in (ME, seen.me.username, seen.me.user_id):
        return seen.me.user_id
    owners = [each.owner for each in seen.workspaces if each.owner is not None]
    for owner in owners:
        if name in (owner.id, owner.username):
            return owner.id
    if name.startswith("usr_"):
        return name
    raise InvalidInput(
        f"you see no workspace of an account {name!r}. Give by=me, an account's name, or its id"
    )
