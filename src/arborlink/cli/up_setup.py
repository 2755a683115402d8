"""What `arbor up` decides before and after its processes run: port, token, workspace."""

from __future__ import annotations

import asyncio
import errno
import secrets
import socket
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from arborlink import home
from arborlink.addresses import is_loopback
from arborlink.cli.console import say
from arborlink.cli.locks import read_pid
from arborlink.client import (
    ArborError,
    Conflict,
    Hub,
    InvalidInput,
    NotAuthenticated,
    Unavailable,
)
from arborlink.client import credentials as stored_credentials
from arborlink.client.credentials import Credentials
from arborlink.client.http import HttpApi
from arborlink.client.selection import is_own
from arborlink.proof import keys
from arborlink.proof.known_hub import KnownHub
from arborlink.protocol.names import name_of_folder

TOKEN_BYTES: Final = 32
# A hub that ends is noticed at once. One of a new version may write its database anew first, which
# takes half a minute for each GiB.
READY_SECONDS: Final = 600.0
READY_POLL_SECONDS: Final = 0.05
CONNECTED_SECONDS: Final = 15.0
NAME_TRIES: Final = 100
DEFAULT_PORT: Final = 80
MAX_PORT: Final = 65_535
# Elsewhere SO_REUSEADDR does not let the hub have a port that is bound here.
BINDS_TWICE: Final = sys.platform == "linux"


@dataclass(frozen=True, slots=True)
class Setup:
    """`token` is also the hub's bootstrap token: it counts on the hub's first start only.

    `place` is bound to the port of a hub that is to be started, and keeps it free while it is
    started or started again. `hub_key`: the public key in the data folder that the hub serves.
    """

    url: str
    host: str
    port: int
    token: str
    bootstrap: bool
    hub_key: str
    place: socket.socket | None = None


def prepare(host: str, port: int) -> Setup:
    """Choose where a hub is to be started, and with which token we may speak to it.

    Raises:
        Conflict: something else has the port.
        InvalidInput: others could reach the address, or `credentials.toml` cannot be read.
    """
    if not is_loopback(host):
        raise InvalidInput(
            f"`arbor up` serves this machine alone, at 127.0.0.1 or ::1, and not at {host}. To "
            "serve others, run `arbor hub`: it takes a certificate (--tls-cert, --tls-key) or "
            "the address of a proxy in front of it (--behind-proxy)"
        )
    every = stored_credentials.load_all()
    place = _bound(host, port)
    port = int(place.getsockname()[1])
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    own = next((each for each in every if _is_own(each)), None)
    same = next((each for each in every if each.url == url), None)
    if own is not None:
        token = own.token
    else:
        token = secrets.token_urlsafe(TOKEN_BYTES) if same is None else same.token
    if not BINDS_TWICE:
        place.close()
    bootstrap = own is not None or same is None
    return Setup(url, host, port, token, bootstrap, _hub_key(), place)


def join() -> Setup:
    """Find out where the hub that runs here is, and with which token we may speak to it.

    Raises:
        Conflict: it is not known: there is no token for it.
        InvalidInput: `credentials.toml` cannot be read.
    """
    every, key = stored_credentials.load_all(), _hub_key()
    own = [each for each in every if _is_own(each)]
    stored = next(iter(own + [each for each in every if each.hub_key == key]), None)
    if stored is None:
        pid = read_pid(home.hub_folder() / "hub.pid") or "unknown"
        raise Conflict(
            f"a hub runs already on {home.hub_folder()} (process {pid}), and "
            f"{home.credentials_file()} has no token for it. Sign in to it with `arbor login` and "
            "its address; if `arbor up` started it, `arbor down` stops it"
        )
    parts = urlsplit(stored.url)
    port = parts.port or DEFAULT_PORT
    return Setup(stored.url, parts.hostname or "", port, stored.token, _is_own(stored), key)


def _is_own(stored: Credentials) -> bool:
    """Whether `arbor up` made these credentials for the hub's data of this machine."""
    return stored.data_folder == str(home.hub_folder())


def keep_credentials(setup: Setup) -> None:
    """Let the other commands find the hub. The first time it becomes the one that they use."""
    data_folder = str(home.hub_folder()) if setup.bootstrap else None
    own = Credentials(setup.url, setup.token, data_folder, hub_key=setup.hub_key)
    every = stored_credentials.load_all()
    known = next((each for each in every if each.is_same_hub(own)), None)
    if known is not None:
        stored_credentials.update(replace(known, url=own.url, token=own.token, hub_key=own.hub_key))
        return
    stored_credentials.save(own)
    if every:
        say(
            f"commands go to this hub from now on. `arbor use {every[0].name}` goes back to "
            f"{every[0].url}"
        )


async def until_ready(setup: Setup, hub_ended: asyncio.Event) -> None:
    """Wait until the hub serves. `hub_ended`: it does not run, and is not started again.

    Raises:
        Unavailable: it ended instead, or does not say that it is ready.
    """
    api = HttpApi(setup.url, None, retry_seconds=0, known=KnownHub(setup.url, setup.hub_key))
    try:
        async with asyncio.timeout(READY_SECONDS):
            while not hub_ended.is_set():
                try:
                    await api.get("/readyz", object)
                    return
                except ArborError:
                    await asyncio.sleep(READY_POLL_SECONDS)
    except TimeoutError:
        raise Unavailable(
            f"the hub did not become ready within {READY_SECONDS:g} s. "
            f"{setup.url}/readyz says what it waits for, and {home.logs_folder()} what it did"
        ) from None
    finally:
        await api.close()
    raise Unavailable(f"the hub did not start. Its log is in {home.logs_folder()}")


async def check_token(hub: Hub) -> None:
    """Raises NotAuthenticated: the hub was set up earlier, with another token."""
    try:
        await hub.me()
    except NotAuthenticated as error:
        raise NotAuthenticated(
            f"the hub in {home.hub_folder()} was set up before, with a token that is not in "
            f"{home.credentials_file()}. Run `arbor hub`, open the link it prints, and sign in "
            f"with `arbor login {hub.url}`; or move that folder away to begin anew"
        ) from error


async def ensure_workspace(hub: Hub, path: Path, name: str | None, hub_key: str) -> str:
    """Return the id of the workspace that `path` is, enrolled now if it was not. Its daemon knows
    the hub by `hub_key` afterwards.

    Raises:
        InvalidInput: it is a workspace of another hub.
        ArborError: the hub's answer.
    """
    from arborlink.daemon import app

    identity = app.find_identity(path)
    if identity is not None:
        is_known = any(each.id == identity.workspace_id for each in await hub.workspaces())
        if is_known:
            # The same hub may be at another address: `arbor up` with another --port.
            if identity.hub != hub.url:
                identity = app.move(identity, hub.url)
            if identity.hub_key != hub_key:
                app.keep_hub_key(identity, hub_key)
            return identity.workspace_id
        if identity.hub != hub.url and identity.hub_key != hub_key:
            raise InvalidInput(
                f"{path} is a workspace of the hub at {identity.hub}, and this one is at "
                f"{hub.url}. Use that hub, or delete {identity.folder} to make it a new "
                "workspace here"
            )
        # The workspace was deleted on the hub: the folder becomes a new one.
    me, workspaces = await hub.me(), await hub.workspaces()
    # Others' names are no obstacle, and must not choose ours.
    taken = {each.name for each in workspaces if is_own(each, me)}
    free = _free_name(name or name_of_folder(path.name or "root"), taken)
    workspace = await hub.create_workspace(free)
    enrollment = await hub.enrollment(workspace.id)
    await asyncio.to_thread(
        app.enroll, hub.url, enrollment.code, path, workspace.name, hub_key=hub_key
    )
    return workspace.id


async def until_connected(hub: Hub, workspace_id: str, daemon_ended: asyncio.Event) -> bool:
    """Return whether the daemon came, within CONNECTED_SECONDS.

    Raises:
        Unavailable: it ended instead.
    """
    try:
        async with asyncio.timeout(CONNECTED_SECONDS):
            while not daemon_ended.is_set():
                if (await hub.workspace(workspace_id)).state == "connected":
                    return True
                await asyncio.sleep(READY_POLL_SECONDS)
    except TimeoutError:
        return False
    raise Unavailable(f"the daemon did not start. Its log is in {home.logs_folder()}")


def _free_name(name: str, taken: set[str]) -> str:
    candidates = [name, *(f"{name}-{number}" for number in range(2, NAME_TRIES))]
    return next(each for each in candidates if each not in taken)


def _hub_key() -> str:
    """Return the public key of the hub's data, made now if it has none: what takes the hub's port
    before the hub does cannot prove it."""
    folder = home.hub_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return keys.ensure(folder).public


def _bound(host: str, port: int) -> socket.socket:
    """A socket that is bound and does not listen.

    As long as it is, the kernel gives the port to no connection to elsewhere, and to no program
    that asks for any port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    place = socket.socket(family, socket.SOCK_STREAM)
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        place.bind((host, port))
    except OSError as error:
        place.close()
        if error.errno != errno.EADDRINUSE:
            raise InvalidInput(f"{host}:{port} cannot be used: {error.strerror}") from error
        raise Conflict(
            f"another program uses port {port} of {host}. Choose another: "
            f"`arbor up --port {port + 1 if port < MAX_PORT else port - 1}`"
        ) from None
    return place
