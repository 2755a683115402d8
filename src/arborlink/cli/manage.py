"""`arbor rm`, `arbor prune`, `arbor rename` and `arbor remove`."""

from __future__ import annotations

from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import click

from arborlink.cli import exits
from arborlink.cli.completion import complete_statuses, complete_tasks, complete_workspaces
from arborlink.cli.confirm import confirm, yes_option
from arborlink.cli.console import complain, print_json, say
from arborlink.cli.display import duration_text, moment, size_text
from arborlink.cli.parameters import DURATION
from arborlink.cli.references import TASK_HELP, WORKSPACE_HELP

if TYPE_CHECKING:
    from arborlink.client import Hub
    from arborlink.protocol.resources import Principal, Task, Workspace

# So many tasks are deleted by one `arbor prune`; it says so when there are more.
MOST_PRUNED: Final = 10_000
OVER: Final = ("completed", "failed", "cancelled", "lost", "expired")


@click.command("rm", epilog="Example: arbor rm 7h2k q9xe", short_help="Delete tasks that are over.")
@click.argument("tasks", nargs=-1, required=True, shell_complete=complete_tasks)
@yes_option
@click.option("--json", "as_json", is_flag=True, help="The ids of what was deleted.")
def rm_command(tasks: tuple[str, ...], yes: bool, as_json: bool) -> int:
    from arborlink.cli.session import with_hub
    from arborlink.cli.task_table import command_text, status_text
    from arborlink.client import ArborError

    async def find(hub: Hub) -> list[Task]:
        return [await _task(hub, ref) for ref in tasks]

    found = with_hub(find)
    for each in found:
        text = f"{status_text(each)}, {size_text(each.output_size)} of output"
        say(f"{each.id}: {each.title or command_text(each)} ({text})")
    confirm(f"delete {_tasks(len(found))} with all output", yes=yes)

    async def work(hub: Hub) -> tuple[list[str], int]:
        gone, code = [], exits.DONE
        for each in found:
            try:
                await hub.remove_task(each.id)
                gone.append(each.id)
            except ArborError as error:
                complain(error.message)
                code = exits.FAILED
        return gone, code

    gone, code = with_hub(work)
    if as_json:
        print_json(gone)
    else:
        say(f"{_tasks(len(gone))} deleted")
    return code


rm_command.help = (
    "Delete TASKS that are over, with their output. `arbor cancel` ends those that are not; `arbor "
    f"remove` removes workspaces.\n\n{TASK_HELP}"
)


@click.command(
    "prune",
    epilog="\b\nExamples:\n  arbor prune --older-than 7d\n"
    "  arbor prune -w laptop --status failed,lost --older-than 1h --yes",
    short_help="Delete old tasks.",
)
@click.option(
    "--older-than",
    type=DURATION,
    metavar="DURATION",
    default="7d",
    show_default=True,
    help="Tasks that ended longer ago: 12h, 7d.",
)
@click.option("-w", "--workspace", help=WORKSPACE_HELP, shell_complete=complete_workspaces)
@click.option(
    "--status", metavar="STATUS", help="Only these, with commas.", shell_complete=complete_statuses
)
@click.option("--everyone", is_flag=True, help="Tasks that other accounts started, too.")
@yes_option
@click.option("--json", "as_json", is_flag=True, help="The ids of what was deleted.")
def prune_command(
    older_than: float,
    workspace: str | None,
    status: str | None,
    everyone: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Delete tasks that you started and that are over for a while, with their output.

    The hub deletes old tasks by itself, after 30 days unless its settings say otherwise.
    """
    from arborlink.cli.session import choose_workspace, with_hub
    from arborlink.client import ArborError

    before = datetime.now(UTC) - timedelta(seconds=older_than)
    states = _over(status)

    async def find(hub: Hub) -> list[Task]:
        me = await hub.me()
        chosen = None
        if workspace is not None:
            chosen = (await choose_workspace(hub, workspace, doing="tasks of")).id
        return await _old_tasks(hub, before, chosen, states, None if everyone else me)

    found = with_hub(find)
    if found:
        size = size_text(sum(each.output_size for each in found))
        old = f"ended more than {duration_text(older_than)} ago"
        confirm(f"delete {_tasks(len(found))} that {old}, with {size} of output", yes=yes)

    async def work(hub: Hub) -> tuple[list[str], int]:
        gone: list[str] = []
        for each in found:
            try:
                await hub.remove_task(each.id)
            except ArborError as error:
                complain(error.message)
                return gone, exits.FAILED
            gone.append(each.id)
        return gone, exits.DONE

    gone, code = with_hub(work)
    if as_json:
        print_json(gone)
    else:
        say(f"{_tasks(len(gone))} deleted")
    if len(found) == MOST_PRUNED:
        say(f"{MOST_PRUNED} are deleted at a time: run it again for the rest")
    return code


async def _task(hub: Hub, ref: str) -> Task:
    """Return the task that is meant. Raises NotFound, which says so where `ref` is a workspace."""
    from arborlink.cli.session import choose_task
    from arborlink.client import NotFound
    from arborlink.client.seeing import see
    from arborlink.protocol.names import same_name

    try:
        return (await choose_task(hub, ref, doing="deleting in")).info
    except NotFound as error:
        if any(same_name(each.name, ref) or each.id == ref for each in (await see(hub)).own):
            raise NotFound(
                f"{ref!r} is a workspace, and `arbor rm` deletes tasks: `arbor remove {ref}` "
                "removes it"
            ) from error
        raise


def _over(status: str | None) -> str:
    """Return the statuses to delete. Raises BadParameter: one of them is not over."""
    if status is None:
        return ",".join(OVER)
    for each in status.split(","):
        if each not in OVER:
            raise click.BadParameter(
                f"{each!r} is not one of {', '.join(OVER)}", param_hint="--status"
            )
    return status


async def _old_tasks(
    hub: Hub, before: datetime, workspace_id: str | None, states: str, me: Principal | None
) -> list[Task]:
    found: list[Task] = []
    pages = hub.task_pages(
        workspace=workspace_id, status=states, created_by=None if me is None else me.user_id
    )
    async with aclosing(pages):
        async for page in pages:
            for each in page:
                # An older hub shows those of others as well.
                is_meant = me is None or each.created_by == me.user_id
                if is_meant and each.finished_at and moment(each.finished_at) < before:
                    found.append(each)
            if len(found) >= MOST_PRUNED:
                break
    return found[:MOST_PRUNED]


def _tasks(count: int) -> str:
    return f"{count} task{'' if count == 1 else 's'}"


@click.command(
    "rename", epilog="Example: arbor rename laptop lab", short_help="Rename a workspace."
)
@click.argument("workspace", shell_complete=complete_workspaces)
@click.argument("new_name")
@click.option("--json", "as_json", is_flag=True, help="The workspace, as the API shows it.")
def rename_command(workspace: str, new_name: str, as_json: bool) -> None:
    """Give WORKSPACE the name NEW_NAME. Its id, its daemon and its tasks stay as they are."""
    from arborlink.cli.session import choose_workspace, with_hub

    async def work(hub: Hub) -> tuple[str, Workspace]:
        found = await choose_workspace(hub, workspace, doing="renaming")
        return found.name, await hub.rename_workspace(found.id, new_name)

    old, renamed = with_hub(work)
    if as_json:
        print_json(renamed)
    else:
        say(f"{old} is now called {renamed.name}")


@click.command(
    "remove",
    epilog="\b\nExamples:\n  arbor remove laptop\n  arbor remove laptop --daemon-only",
    short_help="Remove workspaces, or their daemons.",
)
@click.argument("workspaces", nargs=-1, required=True, shell_complete=complete_workspaces)
@click.option(
    "--daemon-only",
    is_flag=True,
    help="Remove the daemon alone, which cannot connect any more; tasks stay.",
)
@yes_option
@click.option("--json", "as_json", is_flag=True, help="The ids of what was removed.")
def remove_command(workspaces: tuple[str, ...], daemon_only: bool, yes: bool, as_json: bool) -> int:
    """Remove WORKSPACES from the hub, with their tasks, all output, daemons and tokens.

    The folders themselves are not touched. A daemon that is removed cannot connect any more;
    `arbor enroll` connects its folder again.
    """
    from arborlink.cli.session import choose_workspace, with_hub
    from arborlink.cli.workspaces import state_text
    from arborlink.client import ArborError

    async def find(hub: Hub) -> list[Workspace]:
        return [await choose_workspace(hub, ref, doing="removing") for ref in workspaces]

    found = with_hub(find)
    for each in found:
        where = "no folder yet" if each.path is None else f"{each.host}:{each.path}"
        say(f"{each.name} ({each.id}): {where}, {state_text(each)}")
    what = "the daemon" if daemon_only else "all tasks, output, daemon and tokens"
    names = ", ".join(each.name for each in found)
    confirm(
        f"remove the daemon of {names}" if daemon_only else f"remove {names} with {what}", yes=yes
    )

    async def work(hub: Hub) -> tuple[list[str], int]:
        gone, code = [], exits.DONE
        for each in found:
            try:
                await (hub.remove_daemon if daemon_only else hub.remove_workspace)(each.id)
                gone.append(each.id)
                if not as_json:
                    whose = f"the daemon of {each.name}" if daemon_only else each.name
                    say(f"{whose} is removed")
            except ArborError as error:
                complain(error.message)
                code = exits.FAILED
        return gone, code

    gone, code = with_hub(work)
    if as_json:
        print_json(gone)
    return code
