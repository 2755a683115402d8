"""`arbor hub` and `arbor daemon`: what is a process of its own, started from here."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final, NoReturn

import click

from arborlink.cli import secret_variables
from arborlink.cli.daemon_options import daemon_options
from arborlink.cli.enrolment_code import ask_code, read_code
from arborlink.cli.hub_options import hub_options, hub_packages, settings_of
from arborlink.cli.lazy import with_parts

HUB_PARTS: Final = {
    "backup": ("hub_backup", "Copy a hub's data, while it runs."),
    "restore": ("hub_backup", "Restore a hub's data from a backup."),
    "key": ("hub_key", "Print the hub's public key."),
    "install": ("install", "Let this machine's service manager run the hub."),
    "uninstall": ("install", "Take the hub's service away."),
}
DAEMON_PARTS: Final = {
    "install": ("install", "Let this machine's service manager run daemons."),
    "uninstall": ("install", "Take the daemons' services away."),
}


@click.command(
    "hub",
    cls=with_parts(HUB_PARTS),
    epilog="Example: arbor hub --port 4000 --data-dir /var/lib/arbor",
    short_help="Run a hub.",
)
@hub_options
@click.option("--quiet", is_flag=True, help="Do not say where it listens and how to sign in.")
def hub_command(config: Path | None, quiet: bool, **flags: object) -> int:
    """Run a hub until SIGTERM or Ctrl-C.

    It listens on this machine alone, unless it has TLS or a proxy in front of it.
    """
    with hub_packages():
        from arborlink.hub.app import run
    given = settings_of(flags)
    if given["bootstrap_token_file"] is None:
        given["bootstrap_token"] = secret_variables.take(secret_variables.BOOTSTRAP_TOKEN)
    return run(given, config, announce=not quiet)


@click.command(
    "daemon",
    cls=with_parts(DAEMON_PARTS),
    epilog="Example: arbor daemon ~/project --hub https://arbor.example.org",
    short_help="Connect folders of this machine as workspaces.",
)
@daemon_options(first="First time", stop="SIGTERM")
def daemon_command(
    paths: tuple[Path, ...],
    hub_url: str | None,
    code: str | None,
    code_file: Path | None,
    name: str | None,
    ca: str | None,
    hub_key: str | None,
    on_stop: str,
) -> int:
    """Connect PATHS (default: here) to their hub until SIGTERM or Ctrl-C."""
    from arborlink.daemon import app

    folders = [path.resolve() for path in paths] or [Path.cwd()]
    if enrol_new(folders, hub_url, read_code(code, code_file), name, ca, hub_key):
        _begin_anew(folders, on_stop)
    return app.run(folders, on_stop="wait" if on_stop == "wait" else "cancel")


def enrol_new(
    folders: list[Path],
    hub_url: str | None,
    code: str | None,
    name: str | None,
    ca: str | None,
    hub_key: str | None,
) -> bool:
    """Enrol the folders that are no workspaces yet, as far as there is a code or ARBOR_TOKEN;
    whether any was. On a terminal the code of a single folder is asked for. A code replaces the
    identity that its folder has, `ca` that identity's CA, `hub_key` its hub's key.

    Raises:
        ArborError: the hub refused, or cannot be reached.
    """
    from arborlink.daemon import app

    token = secret_variables.get(secret_variables.TOKEN)
    hub_url = hub_url or os.environ.get("ARBOR_URL")
    if code is not None and (hub_url is None or len(folders) != 1):
        raise click.UsageError("a code is for one folder and needs --hub")
    enrolled = False
    if hub_url is not None and not (code or token) and len(folders) == 1:
        code = None if app.find_identity(folders[0]) else ask_code()
    for folder in folders:
        identity = app.find_identity(folder)
        if code is None and identity is not None:
            if ca not in (None, identity.ca):
                identity = app.trust(identity, ca)
            if hub_key not in (None, identity.hub_key):
                app.keep_hub_key(identity, hub_key)
            continue
        if hub_url is not None and (code or token):
            known = hub_key or _known_key(hub_url)
            app.enroll(hub_url, code, folder, name, token=token, ca=ca, hub_key=known)
            enrolled = True
    return enrolled


def _known_key(hub_url: str) -> str | None:
    """Return the hub's key as the command line or another daemon here knows it."""
    from arborlink.addresses import hub_address
    from arborlink.client.credentials import key_of
    from arborlink.daemon import app

    url = hub_address(hub_url)
    daemons = (each.hub_key for each in app.load_all() if each.hub == url)
    return key_of(url) or next(filter(None, daemons), None)


def _begin_anew(folders: list[Path], on_stop: str) -> NoReturn:
    """Become the daemon in a fresh interpreter: it lives as long as the machine, and what enrolling
    needed (HTTP, TLS, somebody's API token) would stay in its memory and environment."""
    paths = [str(folder) for folder in folders]
    arguments = ["-P", "-m", "arborlink.cli", "daemon", "--on-stop", on_stop, "--", *paths]
    environment = secret_variables.without_secrets(os.environ)
    os.execve(sys.executable, [sys.executable, *arguments], environment)
