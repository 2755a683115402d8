"""`arbor use`: which hub and which workspace commands mean."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import click

from arborlink.cli.completion import complete_hubs, complete_workspaces
from arborlink.cli.console import print_json, print_table, say
from arborlink.cli.references import WORKSPACE_HELP, WORKSPACE_VARIABLE
from arborlink.cli.table import Column

if TYPE_CHECKING:
    from arborlink.client import Hub
    from arborlink.client.credentials import Credentials
    from arborlink.protocol.resources import Workspace

COLUMNS: Final = (
    Column("IN USE"),
    Column("NAME", least=8),
    Column("HUB", least=16),
    Column("WORKSPACE"),
)


@click.command(
    "use",
    epilog="\b\nExamples:\n  arbor use\n  arbor use arbor.example.org\n  arbor use -w laptop\n"
    "  arbor use --no-workspace",
    short_help="Choose the hub and the workspace that commands mean.",
)
@click.argument("hub", required=False, shell_complete=complete_hubs)
@click.option(
    "-w",
    "--workspace",
    help=f"The workspace for commands without -w, from now on. {WORKSPACE_HELP}",
    shell_complete=complete_workspaces,
)
@click.option("--no-workspace", is_flag=True, help="Undo --workspace.")
@click.option("--name", help="What the hub is called here from now on.")
@click.option("--json", "as_json", is_flag=True, help="The hubs, for programs.")
def use_command(
    hub: str | None, workspace: str | None, no_workspace: bool, name: str | None, as_json: bool
) -> None:
    """Choose the hub that commands talk to, by its name, address or host; without HUB, list those
    that you are signed in to.

    ARBOR_URL comes before it: with the address of one of these hubs, its token is used. The
    workspace that commands mean is the one of -w, else of ARBOR_WORKSPACE, else that of the current
    folder, else the one chosen here, else your only one.
    """
    from arborlink.client import credentials

    if workspace is not None and no_workspace:
        raise click.UsageError("give --workspace or --no-workspace, not both")
    if hub is not None:
        credentials.use(credentials.find(hub))
    if name is not None:
        _rename(name)
    if workspace is not None or no_workspace:
        _choose_workspace(workspace)
    if (hub, workspace, name) == (None, None, None) and not no_workspace:
        _list(as_json=as_json)
        return
    current = _current()
    if as_json:
        print_json(_resource(current, is_used=True))
    else:
        where = "" if current.workspace is None else f", workspace {current.workspace}"
        say(f"commands go to {current.name} ({current.url}){where}")
    for variable in ("ARBOR_URL", WORKSPACE_VARIABLE):
        if os.environ.get(variable):
            say(f"{variable} is set, and comes before it")


def _current() -> Credentials:
    from arborlink.client import credentials

    current = credentials.load()
    if current is None:
        raise click.ClickException("you are not signed in to a hub: `arbor login HUB_URL`")
    return current


def _rename(name: str) -> None:
    from arborlink.client import credentials

    if not name.strip() or not name.isprintable() or " " in name:
        raise click.BadParameter("a name has no spaces and is not empty", param_hint="--name")
    current = _current()
    if any(each.name == name and each.url != current.url for each in credentials.load_all()):
        raise click.BadParameter(f"another hub is called {name!r}", param_hint="--name")
    credentials.update(replace(current, name=name))


def _choose_workspace(ref: str | None) -> None:
    from arborlink.cli.session import choose_workspace, with_hub
    from arborlink.client import credentials

    current = _current()
    if ref is None:
        credentials.update(replace(current, workspace=None))
        return

    async def work(hub: Hub) -> tuple[str, Workspace]:
        return hub.url, await choose_workspace(hub, ref, doing="commands will go to")

    url, found = with_hub(work)
    stored = credentials.load_for(url)
    if stored is None:
        raise click.ClickException(
            f"{url} is the hub of ARBOR_URL, and nothing is stored of it: set ARBOR_WORKSPACE, or "
            f"sign in to it with `arbor login {url}`"
        )
    credentials.update(replace(stored, workspace=found.id))


def _list(*, as_json: bool) -> None:
    from arborlink.client import credentials

    every = credentials.load_all()
    if as_json:
        print_json([_resource(each, is_used=at == 0) for at, each in enumerate(every)])
        return
    if not every:
        say("you are not signed in to a hub. `arbor login HUB_URL` signs in")
        return
    rows = [
        ("*" if at == 0 else "", each.name, each.url, each.workspace or "-")
        for at, each in enumerate(every)
    ]
    print_table(COLUMNS, rows)


def _resource(hub: Credentials, *, is_used: bool) -> dict[str, object]:
    return {"name": hub.name, "url": hub.url, "workspace": hub.workspace, "inUse": is_used}
