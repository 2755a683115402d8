"""`arbor workspaces`, `arbor enroll`, `arbor release` and `arbor rotate`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from arborlink.cli.console import ago, print_json, print_table, say, show

if TYPE_CHECKING:
    from arborlink.protocol.resources import DaemonChange, Workspace

# For so long a change of a workspace's daemon is shown.
NEWS_DAYS = 7


@click.command(
    "workspaces", epilog="Example: arbor workspaces --json", short_help="List workspaces."
)
@click.option("--json", "as_json", is_flag=True, help="As the API shows them.")
def workspaces_command(as_json: bool) -> None:
    """List workspaces."""
    from arborlink.cli.session import with_hub
    from arborlink.client.seeing import see
    from arborlink.client.selection import shown_name

    seen = with_hub(see)
    me, found = seen.me, [*seen.own, *seen.others]
    if as_json:
        print_json(seen.workspaces)
        return
    if not found:
        say("no workspaces. `arbor up` makes one here, `arbor enroll NAME` one anywhere")
        return
    rows = [
        (
            shown_name(each, me),
            _state(each),
            str(each.running_tasks),
            "-" if each.path is None else f"{each.host}:{each.path}",
            each.id,
        )
        for each in found
    ]
    print_table(("NAME", "STATE", "RUNNING", "WHERE", "ID"), rows)
    for each in found:
        if each.attention is not None:
            say(f"{shown_name(each, me)}: {each.attention.text} Then: arbor release {each.id}")
        if each.daemon_change is not None and _is_news(each.daemon_change, me.username):
            say(f"{shown_name(each, me)}: {_change(each.daemon_change)}")


def _is_news(change: DaemonChange, username: str) -> bool:
    """Whether the owner may not know of it: not so of a first daemon that they enrolled."""
    age = datetime.now(UTC) - datetime.fromisoformat(change.at)
    is_own_first = change.what == "enrolled" and change.user == username
    return age.days < NEWS_DAYS and not is_own_first


def _change(change: DaemonChange) -> str:
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


def _state(workspace: Workspace) -> str:
    if workspace.attention is not None:
        return f"{workspace.attention.code}, {ago(workspace.attention.since)}"
    if workspace.state == "never_connected":
        return "never connected"
    since = "" if workspace.since is None else f", {ago(workspace.since)}"
    return f"{workspace.state}{since}"


@click.command(
    "enroll", epilog="Example: arbor enroll laptop", short_help="Prepare a workspace for a daemon."
)
@click.argument("workspace_name")
@click.option("--json", "as_json", is_flag=True, help="The code and the command, for programs.")
def enroll_command(workspace_name: str, as_json: bool) -> None:
    """Print the command that makes a folder of another machine the workspace WORKSPACE_NAME.

    The workspace is made if you have none of this name. Another account's is ACCOUNT/NAME: it has
    the machine then. The code works once, for 10 minutes.
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
        say_whose(workspace, seen.me, "commands will come from the account that has")
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
    say(f"in the folder that is to be {workspace_name!r}, within 10 minutes, once:")
    show(command)


@click.command(
    "release",
    epilog="Example: arbor release laptop",
    short_help="Let in a daemon again of which copies ran.",
)
@click.argument("workspace")
def release_command(workspace: str) -> None:
    """Let the daemon of WORKSPACE in again, after all copies of it but one were stopped.

    The hub refuses every copy once they have replaced each other a few times. Without knowing who
    holds the copy, remove the daemon instead and enrol the folder anew.
    """
    from arborlink.cli.session import choose_workspace, with_hub
    from arborlink.client import Hub

    async def work(hub: Hub) -> str:
        found = await choose_workspace(hub, workspace, doing="releasing")
        await hub.release(found.id)
        return found.name

    say(f"{with_hub(work)} may be served again: start its daemon")


@click.command(
    "rotate",
    epilog="Example: arbor rotate laptop",
    short_help="Replace the token of a daemon while it works.",
)
@click.argument("workspace")
def rotate_command(workspace: str) -> None:
    """Give the daemon of WORKSPACE another token. Its connection and its tasks go on.

    The old token is void as soon as the daemon has stored the new one. If the daemon is away, that
    is when it comes back; to void its token at once, remove it and enrol the folder anew.
    """
    from arborlink.cli.session import choose_workspace, with_hub
    from arborlink.client import Hub

    async def work(hub: Hub) -> tuple[str, bool]:
        found = await choose_workspace(hub, workspace, doing="rotating")
        return found.name, await hub.rotate(found.id)

    name, is_done = with_hub(work)
    if is_done:
        say(f"the daemon of {name} has a new token, and the old one is void")
    else:
        say(
            f"the daemon of {name} is away, or too old for this: it has a new token as "
            "soon as it is back, or upgraded, and the old one is good until then"
        )
