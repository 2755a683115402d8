"""`arbor hub`: one process that serves until it is told to stop."""

from __future__ import annotations

import logging
import os
import resource
import sys
from collections.abc import Mapping
from pathlib import Path

import uvloop

from arborlink import visible
from arborlink.hub.backup import Layout, Manifest, back_up, restore
from arborlink.hub.composition import OUTPUT_FOLDER, application, compose
from arborlink.hub.lock import only_one
from arborlink.hub.logs import configure_logging
from arborlink.hub.server import HubServer
from arborlink.hub.settings import HubSettings, load_settings, read_bootstrap_token
from arborlink.hub.store.sqlite import DATABASE_FILE
from arborlink.private_files import ensure_private
from arborlink.proof.keys import KEY_FILE
from arborlink.protocol.errors import Unavailable

# Each running task holds four files open and each connection one.
WANTED_DESCRIPTORS = 65_536
logger = logging.getLogger(__name__)

LAYOUT = Layout(database=DATABASE_FILE, output=OUTPUT_FOLDER, key=KEY_FILE)


def run(flags: Mapping[str, object], config: Path | None = None, *, announce: bool = True) -> int:
    """Serve until SIGTERM or SIGINT; the process's exit code. `flags` that are None do not count.

    `announce`: say where the hub listens and, on a terminal, how to sign in.

    Raises:
        ArborError: the settings or the data cannot be used; the text says what to do.
    """
    settings = load_settings(flags, os.environ, config)
    configure_logging(settings.log_level, settings.log_format, settings.log_file)
    _raise_descriptor_limit()
    ensure_private(settings.data_dir, logger.warning)
    with only_one(settings.data_dir):
        return uvloop.run(_serve(settings, announce))


def check(flags: Mapping[str, object], config: Path | None = None) -> HubSettings:
    """The settings that `run` would serve with.

    Raises:
        InvalidInput: they cannot be used; the text says what to do.
    """
    return load_settings(flags, os.environ, config)


def save(flags: Mapping[str, object], config: Path | None, destination: Path) -> Manifest:
    """Take a backup of the hub's data, which may be in use. Raises as `backup.back_up`."""
    return back_up(check(flags, config).data_dir, LAYOUT, destination)


def load(flags: Mapping[str, object], config: Path | None, backup: Path) -> Manifest:
    """Make the hub's data of a backup. Raises as `backup.restore`."""
    return restore(backup, check(flags, config).data_dir, LAYOUT)


async def _serve(settings: HubSettings, announce: bool) -> int:
    is_set_up = (settings.data_dir / DATABASE_FILE).exists()
    token = read_bootstrap_token(settings, is_set_up=is_set_up)
    hub = await compose(settings)
    owner = await hub.access.bootstrap(token)
    failure: Unavailable | None = None
    async with hub.running():
        is_text = settings.log_format == "text"
        shown = announce and is_text and sys.stderr.isatty()
        link = await hub.access.create_sign_in_link(owner.id) if shown else None

        def on_listening(port: int) -> None:
            if not announce:
                return
            address = settings.public_url or f"{hub.scheme}://{settings.host}:{port}"
            if not is_text:
                # Whatever reads it takes every line for an object.
                logger.info("Arbor's hub listens on %s", address, extra={"key": hub.key.public})
                return
            _say(f"Arbor's hub listens on {address}")
            _say(f"Its key is {hub.key.public}")
            if link is not None:
                _say(f"Sign in, once, within ten minutes: {address}/#link={link.secret}")

        server = HubServer(application(hub), settings, drain=hub.drain, on_listening=on_listening)
        try:
            await server.serve()
        except Unavailable as error:
            # Raised where no task group wraps it.
            failure = error
    if failure is not None:
        raise failure
    return 0


def _say(line: str) -> None:
    stream = visible.unguarded(sys.stderr)
    stream.write(f"{visible.line(line)}\n")
    stream.flush()


def _raise_descriptor_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, WANTED_DESCRIPTORS)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
