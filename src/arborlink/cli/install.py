"""`arbor hub install`, `arbor daemon install`, and the ways back."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from arborlink.cli import exits
from arborlink.cli.console import say, show, show_document
from arborlink.cli.daemon_options import daemon_options
from arborlink.cli.hub_options import hub_options, hub_packages, settings_of, words_of

if TYPE_CHECKING:
    from arborlink.cli.services.manager import Manager, ManagerName
    from arborlink.cli.services.service import Service
    from arborlink.hub.settings import HubSettings

TOKEN_BYTES: Final = 32

F = TypeVar("F", bound=Callable[..., Any])


def manager_option(command: F) -> F:
    """For whom the service is described."""
    return click.option(
        "--manager",
        "manager_name",
        type=click.Choice(["systemd", "launchd"]),
        help="Of services.  [default: this system's]",
    )(command)


# ── the hub ──────────────────────────────────────────────────────────────────────────────────


@click.command(
    "install",
    epilog="Example: arbor hub install --public-url https://arbor.example.org "
    "--behind-proxy 127.0.0.1",
    short_help="Let this machine's service manager run the hub.",
)
@hub_options
@click.option("--print", "print_only", is_flag=True, help="Show it, and write nothing.")
@manager_option
def hub_install_command(
    config: Path | None, print_only: bool, manager_name: ManagerName | None, **flags: object
) -> None:
    """Let this user's service manager run the hub, with these flags.

    Nothing is started: it says what starts it. Once more with other flags changes them.
    """
    from arborlink import home
    from arborlink.cli.services.manager import manager
    from arborlink.cli.services.service import hub_service

    settings = _hub_settings(flags, config)
    first_token = home.first_token_file()
    service = hub_service(words_of({"config": config, **flags}), first_token)
    chosen = manager(manager_name)
    if print_only:
        show_document(chosen.render(service))
        return
    fresh = _ensure_first_token(first_token, settings)
    _install(chosen, service)
    if fresh:
        say("")
        say("the first time, when it runs, sign in with the token that was made for it:")
        scheme = "http" if settings.tls_cert is None else "https"
        url = settings.public_url or f"{scheme}://{settings.host}:{settings.port}"
        show(f"  cut -d= -f2 {first_token} | arbor login {url} --token")


@click.command(
    "uninstall",
    epilog="Example: arbor hub uninstall",
    short_help="Take the hub's service away.",
)
@manager_option
def hub_uninstall_command(manager_name: ManagerName | None) -> int:
    """Take the hub's service away. Its data stays."""
    from arborlink.cli.services.manager import manager
    from arborlink.cli.services.service import HUB

    return _uninstall(manager(manager_name), [HUB], "the hub has no service here")


def _hub_settings(flags: dict[str, object], config: Path | None) -> HubSettings:
    with hub_packages():
        from arborlink.hub.app import check
    return check(settings_of(flags), config)


def _ensure_first_token(file: Path, settings: HubSettings) -> bool:
    """A service has no terminal to print a sign-in link to: whether a token was made instead."""
    from arborlink.cli.checks.local_hub import has_hub
    from arborlink.cli.services.manager import PRIVATE_FOLDER, write_private

    if file.exists() or has_hub(settings.data_dir):
        return False
    file.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
    write_private(file, f"ARBOR_BOOTSTRAP_TOKEN={secrets.token_urlsafe(TOKEN_BYTES)}\n")
    return True


# ── daemons ──────────────────────────────────────────────────────────────────────────────────


@click.command(
    "install",
    epilog="Example: arbor daemon install ~/project --on-stop wait",
    short_help="Let this machine's service manager run daemons.",
)
@daemon_options(first="If it is no workspace yet", stop="stopping the service")
@click.option("--print", "print_only", is_flag=True, help="Show them, and write nothing.")
@manager_option
def daemon_install_command(
    paths: tuple[Path, ...],
    hub_url: str | None,
    code: str | None,
    code_file: Path | None,
    name: str | None,
    ca: str | None,
    hub_key: str | None,
    on_stop: str,
    print_only: bool,
    manager_name: ManagerName | None,
) -> None:
    """Let this user's service manager run a daemon for each of PATHS (default: here).

    Nothing is started: it says what starts them. Each is a service of its own, so that restarting
    one leaves the tasks of the others alone.
    """
    from arborlink.cli.enrolment_code import read_code
    from arborlink.cli.serve import enrol_new
    from arborlink.cli.services.manager import manager

    folders = [path.resolve() for path in paths] or [Path.cwd()]
    if not print_only:
        enrol_new(folders, hub_url, read_code(code, code_file), name, ca, hub_key)
    # All of them before any is written.
    services = [_daemon_service(folder, on_stop) for folder in folders]
    chosen = manager(manager_name)
    for service in services:
        if print_only:
            show_document(chosen.render(service))
        else:
            _install(chosen, service)
    if not print_only:
        _say_what_a_restart_does(on_stop)


def _say_what_a_restart_does(on_stop: str) -> None:
    say("")
    if on_stop == "wait":
        say("stopping or restarting it takes no new tasks, and waits for those that run")
    else:
        say("stopping or restarting it cancels the tasks that run; `--on-stop wait` waits for them")
    say("what tasks that are over left running goes on")


@click.command(
    "uninstall",
    epilog="Example: arbor daemon uninstall ~/project",
    short_help="Take the daemons' services away.",
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, file_okay=False))
@click.option("--all", "everything", is_flag=True, help="Those of all folders.")
@manager_option
def daemon_uninstall_command(
    paths: tuple[Path, ...], everything: bool, manager_name: ManagerName | None
) -> int:
    """Take the services of the daemons of PATHS (default: here) away.

    Their identities and spools stay, and the folders of course.
    """
    from arborlink.cli.services.manager import manager
    from arborlink.cli.services.service import DAEMON

    chosen = manager(manager_name)
    if everything:
        return _uninstall(chosen, chosen.installed(DAEMON), "no daemon has a service here")
    folders = [path.resolve() for path in paths] or [Path.cwd()]
    names = [_daemon_service(folder, "cancel").name for folder in folders]
    return _uninstall(chosen, names, "it has no service here; `--all` takes every one away")


def _daemon_service(folder: Path, on_stop: str) -> Service:
    from arborlink.cli.services.service import daemon_service
    from arborlink.daemon import app

    identity = app.find_identity(folder)
    if identity is None:
        raise click.ClickException(
            f"{folder} is not connected to a hub yet. `arbor enroll NAME` where you are signed in "
            "prints an address and a code: give them here as well, as ARBOR_CODE=CODE before the "
            "command, and --hub URL"
        )
    return daemon_service(identity.path, identity.workspace_id, on_stop)


# ── both ─────────────────────────────────────────────────────────────────────────────────────


def _install(manager: Manager, service: Service) -> None:
    file = manager.file(service.name)
    existed = file.exists()
    changed = manager.install(service)
    say(f"{'wrote' if changed else 'nothing to change in'} {file}")
    for words, command in manager.start_commands(service.name, changed=existed and changed):
        say(f"  {words}:")
        show(f"    {command}")


def _uninstall(manager: Manager, names: list[str], otherwise: str) -> int:
    removed = [name for name in names if manager.uninstall(name)]
    for name in removed:
        say(f"removed {manager.file(name)}")
        say("  to stop what still runs:")
        show(f"    {manager.stop_command(name)}")
    if not removed:
        raise click.ClickException(otherwise)
    return exits.DONE
