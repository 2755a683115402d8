"""The processes of one `arbor up`, and the order in which they come and go."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Final

from arborlink import home
from arborlink.cli import (
    browser,
    exits,
    secret_variables,
    up_detach,
    up_logs,
    up_plan,
    up_records,
    up_setup,
    up_text,
)
from arborlink.cli.up_children import AdoptedChild, end_orphans, reap_orphans
from arborlink.cli.up_plan import Plan
from arborlink.cli.up_processes import REFUSED_EXIT_CODE, Keeper
from arborlink.cli.up_setup import Setup
from arborlink.client import Hub, Task
from arborlink.client.http import HttpApi
from arborlink.log_file import LOG_FILE
from arborlink.proof.known_hub import KnownHub
from arborlink.protocol.errors import ArborError, Conflict
from arborlink.stop_signals import stop_signals

DAEMON_STOP_SECONDS: Final = 20.0
HUB_STOP_SECONDS: Final = 15.0
# To list what is running before it is stopped.
LIST_SECONDS: Final = 2.0
HUB_LOOK_SECONDS: Final = 5.0
# The first may be a hub that is restarted.
MISSED_LOOKS: Final = 2


def prepare(plan: Plan, host: str, port: int) -> Setup:
    """Find out how to speak to the hub: the one that runs, or the one to be started. Raises as
    `up_setup.prepare` and `up_setup.join`."""
    return up_setup.prepare(host, port) if plan.hub == "start" else up_setup.join()


class Up:
    """Keeps what `plan` says running, until it is told to stop.

    `report`: where to write that it is up, if it is to leave the terminal then.
    """

    def __init__(
        self,
        setup: Setup,
        plan: Plan,
        path: Path,
        name: str | None,
        *,
        report: int | None,
        open_browser: bool,
        verbose: bool,
    ) -> None:
        self._setup = setup
        self._plan = plan
        self._path = path
        self._name = name
        self._report = report
        self._open_browser = open_browser
        self._verbose = verbose
        self._speaker = up_text.Speaker()
        self._stop = asyncio.Event()
        self._is_hurried = False
        self._failure: Exception | None = None
        self._keepers: list[Keeper] = []
        self._followers: list[asyncio.Task[None]] = []
        self._workspace_id: str | None = None

    async def run(self) -> int:
        """Return the exit code.

        Raises:
            ArborError: it could not be started; nothing of it is left running.
        """
        record = up_records.hold(
            self._path, keeps_hub=self._plan.hub != "leave", is_detached=self._report is not None
        )
        if record is None:
            raise Conflict("another `arbor up` for this folder has just started")
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
                for each in self._followers:
                    each.cancel()
        finally:
            loop.remove_signal_handler(signal.SIGCHLD)
            await end_orphans()
            record.release()
        if self._failure is not None:
            raise self._failure
        return exits.CANCELLED if self._is_hurried else exits.DONE

    async def _try_to_start(self, group: asyncio.TaskGroup) -> None:
        """A failure stops what was started in the same order as a person would."""
        try:
            await self._start(group)
        except Exception as error:
            self._failure = error
            self._stop.set()

    async def _start(self, group: asyncio.TaskGroup) -> None:
        setup, plan = self._setup, self._plan
        hub_ended = asyncio.Event()
        keeps_hub = plan.hub != "leave"
        if keeps_hub:
            hub_keeper = self._keep_hub(group)
            hub_ended = hub_keeper.gave_up
        await up_setup.until_ready(setup, hub_ended)
        async with Hub(setup.url, setup.token, hub_key=setup.hub_key) as hub:
            await up_setup.check_token(hub)
            if plan.hub == "start":
                up_setup.keep_credentials(setup)
            self._workspace_id = workspace_id = await up_setup.ensure_workspace(
                hub, self._path, self._name, setup.hub_key
            )
            daemon_ended = asyncio.Event()
            if plan.daemon != "leave":
                daemon_ended = self._keep_daemon(group, workspace_id).gave_up
            connected = await up_setup.until_connected(hub, workspace_id, daemon_ended)
            for keeper in self._keepers:
                keeper.is_ready = True
            await self._say_up(hub, connected=connected)
        await self._watch_hub()

    async def _say_up(self, hub: Hub, *, connected: bool) -> None:
        assert self._workspace_id is not None
        workspace = await hub.workspace(self._workspace_id)
        link = (await hub.session_link()).url
        is_detached = self._report is not None
        down = up_text.stop_command(self._path, keeps_hub=self._plan.hub != "leave")
        lines = up_text.summary(
            link,
            workspace.name,
            self._path,
            stop=down if is_detached else "Ctrl-C",
            note="" if connected else " (its daemon is not connected yet)",
        )
        for line in (_headline(self._plan, self._setup.url), *_left_behind(self._path), *lines):
            self._speaker.say(line)
        if self._report is not None:
            up_detach.report_up(self._report)
            self._speaker.leave_terminal(home.logs_folder() / "up.log")
        if self._open_browser and browser.has_display():
            await self._browse(link)

    async def _browse(self, link: str) -> None:
        # Written before the thread that opens the browser begins: the thread goes on when this is
        # cancelled, and the file with the link is removed all the same.
        page = browser.write_page(link)
        try:
            if await asyncio.to_thread(browser.show, page):
                await asyncio.sleep(browser.OPENED_SECONDS)
        finally:
            page.unlink(missing_ok=True)

    # ── the processes ────────────────────────────────────────────────────────────────────────

    def _keep_hub(self, group: asyncio.TaskGroup) -> Keeper:
        setup = self._setup
        arguments = ["hub", "--quiet", "--host", setup.host, "--port", str(setup.port)]
        secrets = {secret_variables.BOOTSTRAP_TOKEN: setup.token} if setup.bootstrap else None
        adopted = up_plan.find_hub() if self._plan.hub == "adopt" else None
        return self._keep(group, "hub", arguments, "hub", secrets, adopted)

    def _keep_daemon(self, group: asyncio.TaskGroup, workspace_id: str) -> Keeper:
        adopted = up_plan.find_daemon(self._path) if self._plan.daemon == "adopt" else None
        arguments = ["daemon", str(self._path)]
        return self._keep(group, "daemon", arguments, f"daemon-{workspace_id}", None, adopted)

    def _keep(
        self,
        group: asyncio.TaskGroup,
        name: str,
        arguments: list[str],
        log: str,
        secrets: dict[str, str] | None,
        adopted: AdoptedChild | None,
    ) -> Keeper:
        file, say = home.logs_folder() / f"{log}.log", self._speaker.say
        if self._verbose:
            self._followers.append(group.create_task(up_logs.follow(name, file, say)))
        environment = _environment(file)
        keeper = Keeper(
            name,
            arguments,
            environment,
            say,
            on_give_up=self._on_give_up,
            secrets=secrets,
            adopted=adopted,
        )
        self._keepers.append(keeper)
        group.create_task(keeper.run())
        return keeper

    def _on_give_up(self, keeper: Keeper) -> None:
        """A hub that cannot be started again ends everything; without a daemon the hub goes on."""
        if not keeper.is_ready:
            return  # what waits for it says so
        if keeper.exit_code == REFUSED_EXIT_CODE:
            self._speaker.complain(
                f"the hub does not accept the daemon of {self._path} any more: the workspace was "
                "deleted, or its daemon removed. Stop this and run `arbor up` again to make the "
                "folder a workspace anew"
            )
            return
        self._speaker.complain(
            f"the {keeper.name} ended again and again ({keeper.how_it_ended()}), and is not "
            f"started any more. Its log is in {home.logs_folder()}"
        )
        if keeper.name == "hub":
            self._failure = Conflict("the hub could not be kept running")
            self._stop.set()

    async def _watch_hub(self) -> None:
        """Say when the hub stops answering, and when it answers again."""
        setup = self._setup
        known = KnownHub(setup.url, setup.hub_key)
        api = HttpApi(setup.url, None, retry_seconds=0, known=known)
        missed = 0
        try:
            while True:
                await asyncio.sleep(HUB_LOOK_SECONDS)
                try:
                    async with asyncio.timeout(HUB_LOOK_SECONDS):
                        await api.get("/healthz", object)
                except (ArborError, TimeoutError):
                    missed += 1
                    if missed == MISSED_LOOKS:
                        self._speaker.complain(
                            f"the hub at {setup.url} does not answer; running tasks go on, and "
                            "their output waits on this machine until it does"
                        )
                else:
                    if missed >= MISSED_LOOKS:
                        self._speaker.say(f"arbor: the hub at {setup.url} answers again")
                    missed = 0
        finally:
            await api.close()

    # ── the end ──────────────────────────────────────────────────────────────────────────────

    async def _stop_all(self) -> None:
        """The daemon first, so that the hub still gets what its tasks have written."""
        if self._failure is None:
            await self._say_stopping()
        for keeper in reversed(self._keepers):
            await keeper.stop(DAEMON_STOP_SECONDS if keeper.name == "daemon" else HUB_STOP_SECONDS)
        if self._failure is None:
            self._speaker.say("Stopped. Workspaces, tasks and their output are kept.")

    async def _say_stopping(self) -> None:
        running = await self._running_tasks()
        what = "Stopping; no task is running."
        if running:
            count = up_text.count_text(len(running), "running task")
            what = f"Stopping: {count} {'is' if len(running) == 1 else 'are'} cancelled."
        if self._report is None:
            what += " Ctrl-C again does not wait."
        if self._report is None:
            self._speaker.say("")
        for line in (what, *up_text.tasks_text(running)):
            self._speaker.say(line)

    async def _running_tasks(self) -> list[Task]:
        """Return those that are ended with this; none if the hub cannot be asked."""
        if self._workspace_id is None or self._plan.daemon == "leave":
            return []
        setup = self._setup
        with suppress(ArborError, TimeoutError):
            async with (
                asyncio.timeout(LIST_SECONDS),
                Hub(setup.url, setup.token, retry_seconds=0, hub_key=setup.hub_key) as hub,
            ):
                return await hub.tasks(
                    workspace=self._workspace_id, status="running", limit=up_text.MANY_TASKS
                )
        return []

    def _on_signal(self) -> None:
        if self._stop.is_set():
            self._is_hurried = True
            for keeper in self._keepers:
                keeper.hurry()
        self._stop.set()

    def _reap(self) -> None:
        reap_orphans({keeper.pid for keeper in self._keepers if keeper.pid is not None})


def _headline(plan: Plan, url: str) -> str:
    if "adopt" in (plan.hub, plan.daemon):
        return (
            "Arbor is up. An earlier `arbor up` was killed; what it had started still runs, tasks "
            "included, and is looked after again."
        )
    if plan.hub == "leave":
        return f"Arbor is up: this folder is connected to the hub that runs here already ({url})."
    return "Arbor is up."


def _left_behind(path: Path) -> list[str]:
    """Return a line about each other folder whose `arbor up` was killed and whose daemon runs."""
    lines = []
    for found in up_records.load_all():
        other = Path(found.record.path)
        if found.is_alive or other == path:
            continue
        if up_plan.find_daemon(other) is None:
            up_records.remove(found)
        else:
            lines.append(
                f"The daemon of {other} still runs, and its `arbor up` was killed: "
                f"`arbor up {other}` looks after it again, `arbor down` stops everything."
            )
    return lines


def _environment(log: Path) -> dict[str, str]:
    """Ours, without what speaks of another hub."""
    hidden = ("ARBOR_URL", "ARBOR_HUB_KEY", "ARBOR_BOOTSTRAP_TOKEN_FILE", *secret_variables.NAMES)
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return {**kept, LOG_FILE: str(log.absolute())}
