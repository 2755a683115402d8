"""`arbor up`: a hub and a daemon for this folder, as two child processes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from arborlink.cli import exits, secret_variables
from arborlink.cli.console import say
from arborlink.stop_signals import stop_signals

if TYPE_CHECKING:
    from arborlink.cli.up_processes import Keeper
    from arborlink.cli.up_setup import Setup

DAEMON_STOP_SECONDS: Final = 20.0
HUB_STOP_SECONDS: Final = 15.0


@click.command(
    "up",
    epilog="Example: arbor up ~/project --port 4001 --no-browser",
    short_help="Hub and daemon for this folder, in one go.",
)
@click.argument("path", default=".", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--host", default="127.0.0.1", show_default=True, envvar="ARBOR_HOST")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=4000, show_default=True, envvar="ARBOR_PORT"
)
@click.option("--no-browser", is_flag=True, help="Only print the sign-in link.")
@click.option("--name", help="Of the workspace.  [default: the folder's name]")
def up_command(path: Path, host: str, port: int, no_browser: bool, name: str | None) -> int:
    """Run a hub here and make PATH a workspace of it; Ctrl-C drains and stops both.

    Where that runs already, only print a new sign-in link.
    """
    from arborlink.cli import up_processes, up_setup

    try:
        setup = up_setup.prepare(host, port)
    except up_setup.RunsAlready:
        if not _show_again(path.resolve(), open_browser=not no_browser):
            raise
        return exits.DONE
    up_processes.become_subreaper()
    return asyncio.run(Up(setup, path.resolve(), name, open_browser=not no_browser).run())


class Up:
    """The two processes and the order in which they come and go."""

    def __init__(self, setup: Setup, path: Path, name: str | None, *, open_browser: bool) -> None:
        self._setup = setup
        self._path = path
        self._name = name
        self._open_browser = open_browser
        self._stop = asyncio.Event()
        self._failure: Exception | None = None
        self._keepers: list[Keeper] = []

    async def run(self) -> int:
        """Returns the exit code.

        Raises:
            ArborError: it could not be started; nothing is left running.
        """
        from arborlink.cli.up_processes import end_orphans

        loop = asyncio.get_running_loop()
        for number in stop_signals():
            loop.add_signal_handler(number, self._on_signal)
        loop.add_signal_handler(signal.SIGCHLD, self._reap)
        try:
            async with asyncio.TaskGroup() as group:
                starting = group.create_task(self._try_to_start(group))
                await self._stop.wait()
                starting.cancel()
                await self._stop_all()
        finally:
            loop.remove_signal_handler(signal.SIGCHLD)
            await end_orphans()
        if self._failure is not None:
            raise self._failure
        return exits.DONE

    async def _try_to_start(self, group: asyncio.TaskGroup) -> None:
        """A failure stops what was started in the same order as a person would."""
        try:
            await self._start(group)
        except Exception as error:
            self._failure = error
            self._stop.set()

    async def _start(self, group: asyncio.TaskGroup) -> None:
        from arborlink.cli import browser, up_setup
        from arborlink.client import Hub

        hub_process = self._keep(group, "hub", self._hub_arguments(), self._hub_secrets())
        await up_setup.until_ready(self._setup, hub_process.ended)
        key = self._setup.hub_key
        async with Hub(self._setup.url, self._setup.token, hub_key=key) as hub:
            await up_setup.check_token(hub)
            up_setup.keep_credentials(self._setup)
            workspace_id = await up_setup.ensure_workspace(hub, self._path, self._name, key)
            self._keep(group, "daemon", ["daemon", str(self._path)])
            connected = await up_setup.until_connected(hub, workspace_id)
            workspace = await hub.workspace(workspace_id)
            link = await hub.session_link()
        state = "" if connected else " (its daemon is not connected yet)"
        _summarize(link.url, f"{workspace.name}: {self._path}{state}", stop="Ctrl-C")
        if self._open_browser and browser.has_display():
            await self._browse(link.url)

    async def _browse(self, link: str) -> None:
        from arborlink.cli import browser

        page = await asyncio.to_thread(browser.open_link, link)
        if page is None:
            return  # the link was printed
        try:
            await asyncio.sleep(browser.OPENED_SECONDS)
        finally:
            page.unlink(missing_ok=True)

    def _keep(
        self,
        group: asyncio.TaskGroup,
        name: str,
        arguments: list[str],
        secrets: dict[str, str] | None = None,
    ) -> Keeper:
        from arborlink.cli.up_processes import Keeper

        keeper = Keeper(name, arguments, _environment(), secrets)
        self._keepers.append(keeper)
        group.create_task(keeper.run())
        return keeper

    async def _stop_all(self) -> None:
        """The daemon first, so that the hub still gets what its tasks have written."""
        for keeper in reversed(self._keepers):
            await keeper.stop(DAEMON_STOP_SECONDS if keeper.name == "daemon" else HUB_STOP_SECONDS)

    def _on_signal(self) -> None:
        if self._stop.is_set():
            for keeper in self._keepers:
                keeper.kill()
        elif sys.stderr.isatty():
            say("")
            say("stopping… (Ctrl-C again: at once)")
        self._stop.set()

    def _reap(self) -> None:
        from arborlink.cli.up_processes import reap_orphans

        reap_orphans({keeper.pid for keeper in self._keepers if keeper.pid is not None})

    def _hub_arguments(self) -> list[str]:
        return ["hub", "--quiet", "--host", self._setup.host, "--port", str(self._setup.port)]

    def _hub_secrets(self) -> dict[str, str]:
        return (
            {secret_variables.BOOTSTRAP_TOKEN: self._setup.token} if self._setup.bootstrap else {}
        )


def _show_again(path: Path, *, open_browser: bool) -> bool:
    """Whether PATH is up already; then says how to get there."""
    from arborlink.cli import browser, up_again

    present = asyncio.run(up_again.find(path))
    if present is None:
        return False
    say("Arbor is up for this folder already.")
    _summarize(present.link, f"{present.name}: {path}", stop="Ctrl-C where it was started")
    if open_browser and browser.has_display():
        browser.open_link_and_leave(present.link)
    return True


def _summarize(link: str, workspace: str, *, stop: str) -> None:
    say("")
    say(f"  Web page    {link}")
    say("              (this link signs you in, once; `arbor link` makes another)")
    say(f"  Workspace   {workspace}")
    say("  Try         arbor run -- uname -a")
    say(f"  Stop        {stop}")
    if os.environ.get("ARBOR_URL") or secret_variables.get(secret_variables.TOKEN):
        say("  Note        ARBOR_URL or ARBOR_TOKEN is set: the commands in that shell use them")
    say("")


def _environment() -> dict[str, str]:
    """Ours, without what speaks of another hub."""
    hidden = ("ARBOR_URL", "ARBOR_HUB_KEY", "ARBOR_BOOTSTRAP_TOKEN_FILE", *secret_variables.NAMES)
    return {name: value for name, value in os.environ.items() if name not in hidden}
