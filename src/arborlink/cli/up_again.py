"""`arbor up` where it runs already: shows how to get to what is there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from arborlink import home
from arborlink.cli.session import RETRY_SECONDS
from arborlink.client import ArborError, Hub
from arborlink.client import credentials as stored_credentials


@dataclass(frozen=True, slots=True)
class Present:
    """A workspace that is connected to the hub that runs here, and a link to sign in with."""

    link: str
    name: str


async def find(path: Path) -> Present | None:
    """What `arbor up PATH` would bring up, if it is there already; None: something is missing."""
    from arborlink.daemon import app

    stored, identity = stored_credentials.load(), app.find_identity(path)
    if stored is None or stored.data_folder != str(home.hub_folder()):
        return None  # not the hub that `arbor up` started, or its token is gone
    if identity is None or identity.hub != stored.url:
        return None
    try:
        async with Hub(
            stored.url,
            stored.token,
            retry_seconds=RETRY_SECONDS,
            ca=stored.ca,
            hub_key=stored.hub_key,
        ) as hub:
            workspace = await hub.workspace(identity.workspace_id)
            if workspace.state != "connected":
                return None
            return Present((await hub.session_link()).url, workspace.name)
    except ArborError:
        return None
