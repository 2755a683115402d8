"""Makes this process a daemon's supervisor. Imports stay light: it lives as long as the machine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

from arborlink.addresses import hub_address
from arborlink.daemon import account
from arborlink.daemon.console import say
from arborlink.daemon.control import CONTROL_SOCKET
from arborlink.daemon.control import ask as ask_supervisor
from arborlink.daemon.enrolment import enroll
from arborlink.daemon.identity import (
    Identity,
    StateLock,
    find_identity,
    keep_hub_key,
    load_all,
    move,
    trust,
)
from arborlink.daemon.loopholes import find_loopholes
from arborlink.daemon.policy import POLICY_FILE, PolicyError
from arborlink.daemon.policy import load as load_policy
from arborlink.daemon.processes_file import PROCESSES_FILE
from arborlink.daemon.processes_file import read as read_processes
from arborlink.daemon.stopping import REFUSED_EXIT_CODE
from arborlink.daemon.supervisor import OnStop, Supervisor
from arborlink.log_file import LOG_FILE
from arborlink.private_files import ensure_private
from arborlink.protocol.errors import InvalidInput

__all__ = [
    "REFUSED_EXIT_CODE",
    "Identity",
    "OnStop",
    "ask_supervisor",
    "enroll",
    "find_identity",
    "keep_hub_key",
    "load_all",
    "move",
    "policy_loopholes",
    "policy_problem",
    "read_processes",
    "run",
    "trust",
]


def run(
    paths: Sequence[Path],
    *,
    on_stop: OnStop = "cancel",
) -> int:
    """Serve the workspaces of these folders until told to stop; the process's exit code.

    `on_stop`: whether SIGTERM ends the tasks or waits for them.

    Raises:
        InvalidInput: a folder was never enrolled, or is named twice; or another user could change
            the state of its daemon.
        Conflict: another process serves one of them.
    """
    identities = [_identity(path) for path in paths]
    if len({identity.workspace_id for identity in identities}) != len(identities):
        raise InvalidInput("the same folder is named twice")
    _ensure_standard_descriptors()
    _leave_current_folder()
    account.complete_own()
    with ExitStack() as held:
        for identity in identities:
            ensure_private(identity.folder, partial(_warn, identity.workspace_id))
            held.callback(StateLock(identity.folder).release)
            pid_file = identity.folder / "supervisor.pid"
            pid_file.write_text(f"{os.getpid()}\n")
            files = [
                pid_file,
                *(
                    identity.folder / each
                    for each in ("connector.pid", PROCESSES_FILE, CONTROL_SOCKET)
                ),
            ]
            held.callback(_remove, files)
        try:
            supervisor = Supervisor(identities, on_stop=on_stop)
        except PolicyError as error:
            raise InvalidInput(str(error)) from error
        for identity in identities:
            say(
                f"{identity.workspace_id}: serving {identity.path}",
                workspace=identity.workspace_id,
            )
        return supervisor.run()


def policy_problem(identity: Identity) -> str | None:
    """Why the local policy of this daemon cannot be used, if it cannot."""
    try:
        load_policy(identity.folder / POLICY_FILE)
    except PolicyError as error:
        return str(error)
    return None


def policy_loopholes(identity: Identity) -> dict[str, str]:
    """Return programs that run others and are allowed without bounds, with the rule's path."""
    try:
        return find_loopholes(load_policy(identity.folder / POLICY_FILE), identity.path)
    except PolicyError:
        return {}


def _identity(path: Path) -> Identity:
    identity = find_identity(path)
    if identity is None:
        raise InvalidInput(
            f"{path} is not connected to a hub yet: "
            "run `ARBOR_CODE=CODE arbor daemon PATH --hub URL` once"
        )
    hub_address(identity.hub)
    return identity


def _warn(workspace_id: str, text: str) -> None:
    say(f"{workspace_id}: {text}", level="warning", workspace=workspace_id)


def _remove(files: list[Path]) -> None:
    for file in files:
        with suppress(OSError):
            file.unlink()


def _leave_current_folder() -> None:
    """Commands are started by changing into their folder and back to the root."""
    for name in ("ARBOR_HOME", LOG_FILE):
        if named := os.environ.get(name):
            os.environ[name] = os.path.abspath(os.path.expanduser(named))
    os.chdir("/")


def _ensure_standard_descriptors() -> None:
    """Started with one of them closed, the next pipe would become somebody's standard output."""
    while (fd := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(fd, True)
    os.close(fd)
