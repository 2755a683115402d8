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
    "down", epilog="Example: arbor down", short_help="Stop what `arbor up` started here."
)
def down_command() -> int:
    """Stop the hub and the daemons that `arbor up` started on this machine, in whichever terminal
    or with --detach, and those that an `arbor up` that was killed has left.

    Running tasks are cancelled; workspaces, tasks and their output are kept. It waits until all has
    ended, and does nothing where nothing runs.
    """
    from arborlink import home
    from arborlink.cli import up_records
    from arborlink.cli.locks import is_locked, read_pid

    records = up_records.load_all()
    served = [each for each in records if each.is_alive or _is_left(each)]
    for each in records:
        if each not in served:
            up_records.remove(each)
    if not served:
        say("nothing to stop: no `arbor up` runs here")
        hub_lock = home.hub_folder() / "hub.pid"
        if is_locked(hub_lock):
            say(f"(the hub that runs here, process {read_pid(hub_lock)}, was not started by it)")
        return exits.DONE
    return asyncio.run(_stop(served))


async def _stop(served: list[FoundRecord]) -> int:
    """Daemons first, each with the hub that it is connected to."""
    from arborlink.cli import up_text

    tasks = await _running_tasks(served)
    folders = ", ".join(up_text.short_path(Path(each.record.path)) for each in served)
    say(f"Stopping {folders}: {_tasks_words(tasks)}")
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
