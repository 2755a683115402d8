"""`arbor workspaces`, `arbor enroll`, `arbor release` and `arbor rotate`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from arborlink.cli.completion import complete_workspaces
from arborlink.cli.console import print_json, print_table, say, show
from arborlink.cli.display import about, ago, day_text, seconds_since, time_text
from arborlink.cli.listing import listing_options, print_special, shown_ids
from arborlink.cli.table import Column

if TYPE_CHECKING:
    from arborlink.protocol.resources import DaemonChange, Workspace

# For so long a change of a workspace's daemon is shown.
NEWS_DAYS = 7
COLUMNS = (
    Column("NAME", least=8),
    Column("STATE", least=12),
    Column("RUNNING", right=True, spare=1),
    Column("WHERE", least=8, spare=2),
    Column("ID"),
)


@click.command(
    "workspaces", epilog="Example: arbor workspaces --json", short_help="List workspaces."
)
@listing_options
def workspaces_command(form: str, as_json: bool, quiet: bool, no_trunc: bool, utc: bool) -> None:
    """List workspaces: the folders that you may run commands in, and whether their machines are
    connected.
    """
    from arborlink.cli.session import with_hub
    from arborlink.client.seeing import see
    from arborlink.client.selection import shown_name

    seen = with_hub(see)
    me, found = seen.me, [*seen.own, *seen.others]
    if print_special(seen.workspaces, form, as_json=as_json, quiet=quiet):
        return
    if not found:
        say("no workspaces. `arbor up` makes one here, `arbor enroll NAME` one anywhere")
        return
    ids = shown_ids(no_trunc, (e.id for e in seen.own), (e.id for e in seen.others))
    rows = [
        (
            shown_name(each, me),
            state_text(each, utc=utc),
            str(each.running_tasks),
            "-" if each.path is None else f"{each.host}:{each.path}",
            ids.get(each.id, each.id),
        )
        for each in found
    ]
    print_table(COLUMNS, rows, whole=no_trunc)
    for each in found:
        if each.attention is not None:
            say(f"{shown_name(each, me)}: {each.attention.text} Then: arbor release {each.id}")
        if each.daemon_change is not None and _is_news(each.daemon_change, me.username):
            say(f"{shown_name(each, me)}: {change_text(each.daemon_change)}")


def _is_news(change: DaemonChange, username: str) -> bool:
    """Whether the owner may not know of it: not so of a first daemon that they enrolled."""
    age = datetime.now(UTC) - datetime.fromisoformat(change.at)
    is_own_first = change.what == "enrolled" and change.user == username
    return age.days < NEWS_DAYS and not is_own_first


def change_text(change: DaemonChange) -> str:
    """Return what last happened to a workspace's daemon."""
    what = {
        "enrolled": "a daemon was enrolled",
        "replaced": "another daemon was enrolled",
        "removed": "the daemon was removed",
        "released": "the daemon was released",
    }[change.what]
    token = "" if change.token is None else f" with the token {change.token!r}"
    address = "" if change.address is None else f" from {change.address}"
    account = change.removed_account
    why = "" if account is None else f", together with the account {account!r}"
    return f"{what} {ago(change.at)} by {change.user}{token}{address}{why}"


def state_text(workspace: Workspace, *, utc: bool = False, now: datetime | None = None) -> str:
    """Return the state: `connected for 32 min`, `unreachable for 2 h (last heard 13:05)`."""
    moment = now or datetime.now(UTC)
    if workspace.attention is not None:
        return f"{workspace.attention.code} for {_about(workspace.attention.since, moment)}"
    if workspace.state == "never_connected":
        return "never connected"
    if workspace.since is None:
        return workspace.state
    text = f"{workspace.state} for {_about(workspace.since, moment)}"
    if workspace.state == "unreachable":
        text += f" (last heard {_heard(workspace.since, moment, utc=utc)})"
    return text


def _about(time: str, now: datetime) -> str:
    return about(seconds_since(time, now))


def _heard(time: str, now: datetime, *, utc: bool) -> str:
    """Return when that was: today to the minute, before with the date."""
    is_recent = len(time_text(time, utc=utc, now=now)) < len(time_text(time, utc=utc))
    day = day_text(time, utc=utc)
    return day.partition(" ")[2] if is_recent else day


@click.command(
    "enroll", epilog="Example: arbor enroll laptop", short_help="Prepare a workspace for a machine."
)
@click.argument("workspace_name")
@click.option("--json", "as_json", is_flag=True, help="The code and the command, for programs.")
def enroll_command(workspace_name: str, as_json: bool) -> None:
    """Print the command that connects a folder of another machine as the workspace WORKSPACE_NAME.

    If you have no workspace of this name, it is created; `arbor remove` undoes that. For another
    account's workspace, write ACCOUNT/NAME: the machine then belongs to that account. The code
    works once, for 10 minutes.
    """
    from arborlink.cli.session import say_whose, with_hub
    from arborlink.client import Enrollment, Hub
    from arborlink.client.seeing import see
    from arborlink.client.selection import pick_to_enroll

    async def work(hub: Hub) -> tuple[Workspace, Enrollment]:
        seen = await see(hub)
        workspace = pick_to_enroll(seen, workspace_name)
        if workspace is None:
            workspace = await hub.create_workspace(workspace_name)
        say_whose(workspace, seen.me, "this gives the machine to the account of")
        return workspace, await hub.enrollment(workspace.id)

    workspace, enrollment = with_hub(work)
    code, command = enrollment.code, enrollment.command
    if as_json:
        about = {"workspaceId": workspace.id, "owner": workspace.owner}
        print_json({**about, "code": code, "command": command, "install": enrollment.install})
        return
    if enrollment.install is not None:
        say("on the machine, if Arbor is not there yet (Linux, Python 3.11 or newer):")
        say(enrollment.install)
    say(f"run this once, within 10 minutes, in the folder that becomes {workspace.name!r}:")
    show(command)


@click.command(
    "release",
    epilog="Example: arbor release laptop",
    short_help="Admit a daemon again after copies of it ran.",
)
@click.argument("workspace", shell_complete=complete_workspaces)
def release_command(workspace: str) -> None:
    """Admit the daemon of WORKSPACE again. Stop all copies of it but one first.

    When copies of a daemon keep replacing each other, the hub refuses all of them. If you do not
    know who runs the other copy, remove the daemon instead and enroll the folder again.
    """
    from arborlink.cli.session import choose_workspace, with_hub
    from arborlink.client import Hub

    async def work(hub: Hub) -> str:
        found = await choose_workspace(hub, workspace, doing="releasing")
        await hub.release(found.id)
        return found.name

    say(f"{with_hub(work)} may connect again: start its daemon")


@click.command(
    "rotate",
    epilog="Example: arbor rotate laptop",
    short_help="Replace a daemon's token while it works.",
)
@click.argument("workspace", shell_complete=complete_workspaces)
def rotate_command(workspace: str) -> None:
    """Give the daemon of WORKSPACE another token. Its connection and its tasks go on.

    The old token stops working as soon as the daemon has stored the new one. A daemon that is not
    connected gets it when it comes back; to revoke its token at once, remove the daemon and enroll
    the folder again.
    """
    from arborlink.cli.session import choose_workspace, with_hub
    from arborlink.client import Hub

    async def work(hub: Hub) -> tuple[str, bool]:
        found = await choose_workspace(hub, workspace, doing="rotating")
        return found.name, await hub.rotate(found.id)

    name, is_done = with_hub(work)
    if is_done:
        say(f"the daemon of {name} has a new token, and the old one no longer works")
    else:
        say(
            f"the daemon of {name} is not connected, or too old for this. It gets its new token "
            "when it is back, or upgraded; until then the old one works"
        )
