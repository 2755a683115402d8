"""`arbor down`: stops what `arbor up` started."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from arborlink.cli import exits
from arborlink.cli.console import complain, say

if TYPE_CHECKING:
    from arborlink.cli.up_records import FoundRecord
    from arborlink.protocol.resources import Task

# An `arbor up` gives its daemon and then its hub their time, see `up_run`.
UP_STOP_SECONDS: Final = 60.0


@click.command(
    "down",
    epilog="\b\nExamples:\narbor down\narbor down ~/project",
    short_help="Stop what `arbor up` started here.",
)
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path))
def down_command(paths: tuple[Path, ...]) -> int:
    """Stop the hub and the daemons that `arbor up` started on this machine, in whichever terminal
    or with --detach, and those that an `arbor up` that was killed has left.

    With PATH, stop only what serves that folder. The hub is stopped with the folder whose `arbor
    up` started it, once no other folder is connected to it by `arbor up`.

    Running tasks are cancelled; workspaces, tasks and their output are kept. It waits until all has
    ended. Without PATH it does nothing where nothing runs; a PATH that is not served is an error.
    """
    from arborlink import home
    from arborlink.cli import up_records
    from arborlink.cli.locks import is_locked, read_pid

    records = up_records.load_all()
    served = [each for each in records if each.is_alive or _is_left(each)]
    for each in records:
        if each not in served:
            up_records.remove(each)
    if paths:
        chosen = _chosen(served, [path.resolve() for path in paths])
        return exits.FAILED if chosen is None else asyncio.run(_stop(chosen))
    if not served:
        say("nothing to stop: no `arbor up` runs here")
        hub_lock = home.hub_folder() / "hub.pid"
        if is_locked(hub_lock):
            say(f"(the hub that runs here, process {read_pid(hub_lock)}, was not started by it)")
        return exits.DONE
    return asyncio.run(_stop(served))


def _chosen(served: list[FoundRecord], folders: list[Path]) -> list[FoundRecord] | None:
    """Return what serves these folders; None if it cannot be stopped alone, which is said."""
    by_folder = {Path(each.record.path): each for each in served}
    for folder in folders:
        if folder not in by_folder:
            complain(_not_served(folder, list(by_folder)))
            return None
    chosen = [by_folder[folder] for folder in dict.fromkeys(folders)]
    others = [folder for folder in by_folder if folder not in folders]
    keeper = next((each for each in chosen if each.record.keeps_hub), None)
    if keeper is None or not others:
        return chosen
    complain(
        f"the `arbor up` of {_named([Path(keeper.record.path)])} runs the hub as well, and "
        f"{_named(others)} {'is' if len(others) == 1 else 'are'} connected to it. "
        f"`{_down(*others)}` first, or `{_down()}` stops everything"
    )
    return None


def _not_served(folder: Path, served: list[Path]) -> str:
    from arborlink.cli import up_plan

    text = f"no `arbor up` serves {_named([folder])}"
    daemon = up_plan.find_daemon(folder)
    if daemon is not None:
        return (
            f"{text}: its daemon (process {daemon.pid}) was started in another way. Stop it "
            "where it was started: with Ctrl-C, or its service"
        )
    if not served:
        return f"{text}, or any other folder: nothing is left to stop"
    return f"{text}. Name one that is served: {_named(served)}; or none, to stop everything"


def _named(folders: list[Path]) -> str:
    from arborlink.cli import up_text

    return ", ".join(up_text.short_path(folder) for folder in folders)


def _down(*folders: Path) -> str:
    from arborlink.cli import up_text

    return up_text.command_line("down", *map(str, folders))


async def _stop(served: list[FoundRecord]) -> int:
    """Daemons first, each with the hub that it is connected to."""
    from arborlink.cli import up_text

    tasks = await _running_tasks(served)
    folders = [Path(each.record.path) for each in served]
    say(f"Stopping {_named(folders)}: {_tasks_words(tasks)}")
    for line in up_text.tasks_text(tasks):
        say(line)
    # False sorts first: those that only have a daemon.
    for each in sorted(served, key=lambda each: each.record.keeps_hub):
        if each.is_alive:
            await _stop_up(each)
    for each in sorted(served, key=lambda each: each.record.keeps_hub):
        await _stop_left(each)
    if any(_is_left(each) for each in served):
        complain("something of it still runs; `arbor doctor` names the processes")
        return exits.FAILED
    say("Stopped. Workspaces, tasks and their output are kept.")
    return exits.DONE


def _tasks_words(tasks: list[Task]) -> str:
    from arborlink.cli.up_text import count_text

    if not tasks:
        return "no task is running."
    return (
        f"{count_text(len(tasks), 'running task')} {'is' if len(tasks) == 1 else 'are'} cancelled."
    )


async def _running_tasks(served: list[FoundRecord]) -> list[Task]:
    """Return those that are ended with this; none if the hub cannot be asked."""
    from arborlink.cli import up_setup, up_text
    from arborlink.cli.up_run import LIST_SECONDS
    from arborlink.client import Hub
    from arborlink.daemon import app
    from arborlink.protocol.errors import ArborError

    found: list[Task] = []
    identities = [app.find_identity(Path(each.record.path)) for each in served]
    with suppress(ArborError, TimeoutError):
        setup = up_setup.join()
        async with (
            asyncio.timeout(LIST_SECONDS),
            Hub(setup.url, setup.token, retry_seconds=0, hub_key=setup.hub_key) as hub,
        ):
            for identity in identities:
                if identity is not None:
                    found += await hub.tasks(
                        workspace=identity.workspace_id,
                        status="running",
                        limit=up_text.MANY_TASKS,
                    )
    return found


async def _stop_up(found: FoundRecord) -> None:
    from arborlink.cli.up_children import AdoptedChild, stop

    pid = found.record.pid
    late = f"`arbor up` (process {pid}) did not end within {UP_STOP_SECONDS:g} s: it is hurried"
    await stop(AdoptedChild(pid, found.file), UP_STOP_SECONDS, lambda: complain(late))


async def _stop_left(found: FoundRecord) -> None:
    """Stop what an `arbor up` that was killed has left."""
    from arborlink.cli import up_plan, up_records
    from arborlink.cli.up_children import stop
    from arborlink.cli.up_run import DAEMON_STOP_SECONDS, HUB_STOP_SECONDS

    path = Path(found.record.path)
    if (daemon := up_plan.find_daemon(path)) is not None:
        late = f"the daemon of {path} (process {daemon.pid}) is killed"
        await stop(daemon, DAEMON_STOP_SECONDS, lambda: complain(late))
    if found.record.keeps_hub and (hub := up_plan.find_hub()) is not None:
        late_hub = f"the hub (process {hub.pid}) is killed"
        await stop(hub, HUB_STOP_SECONDS, lambda: complain(late_hub))
    up_records.remove(found)


def _is_left(found: FoundRecord) -> bool:
    """Whether something of this record runs."""
    from arborlink.cli import up_plan

    if up_plan.find_daemon(Path(found.record.path)) is not None:
        return True
    return found.record.keeps_hub and up_plan.find_hub() is not None
