"""`arbor up`: a hub and a daemon for this folder, as two child processes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from arborlink.cli import exits


@click.command(
    "up",
    epilog="\b\nExamples:\narbor up\narbor up ~/project --port 4001 --no-browser\n"
    "arbor up --detach",
    short_help="Hub and daemon for this folder, in one go.",
)
@click.argument("path", default=".", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    envvar="ARBOR_HOST",
    help="Address of this machine's own that the hub listens on.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=4000,
    show_default=True,
    envvar="ARBOR_PORT",
    help="Of the hub; 0 lets the system choose.",
)
@click.option("--no-browser", is_flag=True, help="Only print the sign-in link.")
@click.option("--name", help="Of the workspace.  [default: the folder's name]")
@click.option("-d", "--detach", is_flag=True, help="Leave it running; `arbor down` stops it.")
@click.option("-v", "--verbose", is_flag=True, help="Show what hub and daemon log, too.")
def up_command(
    path: Path,
    host: str,
    port: int,
    no_browser: bool,
    name: str | None,
    detach: bool,
    verbose: bool,
) -> int:
    """Run a hub here and make PATH a workspace of it.

    Where a hub runs already, PATH is connected to that one; where PATH is connected as well, only a
    new sign-in link is printed. Hub and daemon are started again when they die.

    Ctrl-C stops what this command started: running tasks are cancelled, their output is kept. It
    exits with 0 then, or with 130 after a second Ctrl-C, which does not wait for tasks to end.
    """
    from arborlink.cli import up_children, up_detach, up_link, up_plan

    if detach and verbose:
        raise click.UsageError("--verbose shows logs in a terminal, and --detach leaves it")
    folder = path.resolve()
    plan = up_plan.plan(folder)
    if plan.is_up:
        up_link.show(folder, plan, open_browser=not no_browser)
        return exits.DONE
    report = up_detach.take_report()
    if detach and report is None:
        return up_detach.start()
    from arborlink.cli.up_run import Up, prepare

    setup = prepare(plan, host, port)
    up_children.become_subreaper()
    up = Up(setup, plan, folder, name, report=report, open_browser=not no_browser, verbose=verbose)
    return asyncio.run(up.run())
