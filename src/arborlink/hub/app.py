"""`arbor hub`: one process that serves until it is told to stop."""

from __future__ import annotations

import fcntl
import os
import resource
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import uvloop

from arborlink.hub.composition import application, compose
from arborlink.hub.logs import configure_logging
from arborlink.hub.server import HubServer, uvicorn_config
from arborlink.hub.settings import HubSettings, load_settings
from arborlink.protocol.errors import Conflict

PID_FILE = "hub.pid"
# Each running task holds four files open and each connection one.
WANTED_DESCRIPTORS = 65_536


def run(flags: Mapping[str, object], config: Path | None = None, *, announce: bool = True) -> int:
    """Serve until SIGTERM or SIGINT; the process's exit code. `flags` that are None do not count.

    `announce`: say where the hub listens and, on a terminal, how to sign in.

    Raises:
        ArborError: the settings or the data cannot be used; the text says what to do.
    """
    settings = load_settings(flags, os.environ, config)
    configure_logging(settings.log_level, settings.log_format)
    _raise_descriptor_limit()
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _only_one(settings.data_dir / PID_FILE):
        return uvloop.run(_serve(settings, announce))


async def _serve(settings: HubSettings, announce: bool) -> int:
    hub = await compose(settings)
    owner = await hub.access.bootstrap(settings.bootstrap_token)
    async with hub.running():
        shown = announce and sys.stderr.isatty()
        link = await hub.access.create_sign_in_link(owner.id) if shown else None

        def on_listening(port: int) -> None:
            if not announce:
                return
            address = settings.public_url or f"{hub.scheme}://{settings.host}:{port}"
            _say(f"Arbor's hub listens on {address}")
            if link is not None:
                _say(f"Sign in, once, within ten minutes: {address}/#link={link.secret}")

        server = HubServer(
            uvicorn_config(application(hub), settings), drain=hub.drain, on_listening=on_listening
        )
        await server.serve()
        return 0 if server.started else 1


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def _only_one(pid_file: Path) -> Iterator[None]:
    """Hold the data folder: two hubs on one would each believe they own it.

    Raises:
        Conflict: another hub holds it.
    """
    with pid_file.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise Conflict(
                f"A hub (process {file.read().strip() or 'unknown'}) already uses "
                f"{pid_file.parent}. Stop it, or give this one another --data-dir.",
                code="hub_running",
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def _raise_descriptor_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, WANTED_DESCRIPTORS)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
