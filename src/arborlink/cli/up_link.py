"""`arbor up` where it runs already: prints how to get to what is there."""

from __future__ import annotations

import asyncio
from pathlib import Path

from arborlink.cli import browser, up_setup, up_text
from arborlink.cli.console import say
from arborlink.cli.session import RETRY_SECONDS
from arborlink.cli.up_plan import Plan
from arborlink.client import Hub, Workspace
from arborlink.protocol.errors import Conflict


def show(path: Path, plan: Plan, *, open_browser: bool) -> None:
    """Print a new sign-in link, and what a person needs besides.

    Raises:
        ArborError: it is only just starting, or its hub cannot be spoken to.
    """
    link, workspace = asyncio.run(_ask(path, plan))
    say("Arbor is up for this folder already.")
    is_connected = workspace.state == "connected"
    lines = up_text.summary(
        link,
        workspace.name,
        path,
        stop=_how_to_stop(plan),
        note="" if is_connected else " (its daemon is not connected at the moment)",
    )
    for line in lines:
        say(line)
    if open_browser and browser.has_display():
        browser.open_link_and_leave(link)


async def _ask(path: Path, plan: Plan) -> tuple[str, Workspace]:
    from arborlink.daemon import app

    identity = app.find_identity(path)
    if identity is None:
        keeper = f" (process {plan.keeper.record.pid})" if plan.keeper is not None else ""
        raise Conflict(
            f"another `arbor up`{keeper} is just starting for this folder: try again in a moment"
        )
    setup = up_setup.join()
    async with Hub(
        setup.url, setup.token, retry_seconds=RETRY_SECONDS, hub_key=setup.hub_key
    ) as hub:
        workspace = await hub.workspace(identity.workspace_id)
        return (await hub.session_link()).url, workspace


def _how_to_stop(plan: Plan) -> str:
    if plan.keeper is None:
        return "its service or terminal: `arbor up` did not start it"
    record = plan.keeper.record
    down = up_text.stop_command(Path(record.path), keeps_hub=record.keeps_hub)
    return down if record.is_detached else f"Ctrl-C where it was started, or {down}"
