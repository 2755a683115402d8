"""A daemon of this machine: its folders, its processes, and what the hub knows of it."""

from __future__ import annotations

import os
import shlex
import socket
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from arborlink import __version__, home
from arborlink.cli.checks.finding import Finding, failed, ok, warning
from arborlink.cli.checks.machine import (
    check_folder_private,
    check_private,
    check_process,
    check_room,
    check_writable,
)
from arborlink.cli.checks.websocket import check_daemon_token
from arborlink.cli.locks import is_alive, is_locked, read_pid
from arborlink.client import credentials
from arborlink.proof.known_hub import KnownHub
from arborlink.protocol import octets
from arborlink.protocol.errors import ArborError

if TYPE_CHECKING:
    from arborlink.client import Workspace
    from arborlink.daemon.app import Identity


# It answers between two rounds of its loop, each a few milliseconds; a disk may hold one up.
ANSWER_SECONDS: Final = 5.0


def check_daemon(
    identity: Identity,
    workspace: Workspace | None,
    *,
    reachable: bool,
    answer_seconds: float = ANSWER_SECONDS,
) -> Iterator[Finding]:
    """`workspace`: what the hub says of it, if it could be asked. `answer_seconds`: how long its
    supervisor may take to answer."""
    yield check_folder(Path(identity.path))
    yield check_writable("state", identity.folder)
    yield check_room("spool", identity.folder)
    yield check_folder_private("privacy", identity.folder, "its token and the output of tasks")
    private = check_private("identity", identity.folder / "identity.toml")
    if private is not None:
        yield private
    yield check_policy(identity)
    running = check_supervisor(identity, answer_seconds)
    yield running
    if reachable:
        known = KnownHub(identity.hub, identity.hub_key)
        yield check_daemon_token(known, identity.daemon_id, identity.auth_token, identity.ca)
    if running.verdict == "ok":
        yield check_connector(identity.folder)
        releases = check_releases(identity)
        if releases is not None:
            yield releases
        if workspace is not None:
            yield check_connected(workspace)
            yield check_same(identity, workspace, compare_versions=releases is None)


def check_unreadable(known: Collection[str]) -> Iterator[Finding]:
    """State folders whose identity cannot be used; `known` are the ones that can."""
    for file in sorted(home.daemons_folder().glob("*/identity.toml")):
        if file.parent.name in known:
            continue
        mine = os.access(file, os.R_OK)
        yield failed(
            "identity",
            f"{file} cannot be {'understood' if mine else 'read'}",
            why="it is damaged, or from another state folder"
            if mine
            else "it belongs to another user: perhaps the daemon was once started with sudo",
            do=f"enrol the folder again, and delete {file.parent}"
            if mine
            else f"as root: `chown -R {os.geteuid()} {shlex.quote(str(file.parent))}`",
        )


def check_folder(folder: Path) -> Finding:
    """Whether the workspace is there."""
    if folder.is_dir():
        return ok("folder", f"{folder} is there")
    return failed(
        "folder",
        f"{folder} is not there",
        why="every task fails whose folder cannot be opened",
        do="bring it back or mount it; if it was moved, enrol the new folder with `arbor enroll`",
    )


def check_policy(identity: Identity) -> Finding:
    """Return whether `arbor.toml` is understood, and allows what it seems to."""
    from arborlink.daemon import app

    problem = app.policy_problem(identity)
    if problem is None:
        loopholes = app.policy_loopholes(identity)
        if not loopholes:
            return ok("policy", "it can be read, or there is none")
        names = ", ".join(f"{name} (`{path}`)" for name, path in loopholes.items())
        return warning(
            "policy",
            f"it allows {names}",
            why="these run other programs: a task that may start them can run anything",
            do="name the files that may run, and their `arguments`",
        )
    why = f"{problem}. A policy that cannot be read forbids everything"
    return failed("policy", "nothing may run", why=why, do="correct the file, or delete it")


def check_supervisor(identity: Identity, answer_seconds: float = ANSWER_SECONDS) -> Finding:
    """Whether a daemon serves the folder: it holds the lock of the state folder, and answers."""
    if is_locked(identity.folder / "lock"):
        pid = read_pid(identity.folder / "supervisor.pid")
        stuck = check_process("daemon", "the daemon", pid, f"start it again: {_start(identity)}")
        return stuck or _check_answer(identity, pid, answer_seconds)
    return failed(
        "daemon",
        f"no daemon serves {identity.path}",
        why="its process does not run",
        do=f"{_start(identity)}; if it is not wanted any more, delete {identity.folder}",
    )


def _check_answer(identity: Identity, pid: int | None, seconds: float) -> Finding:
    from arborlink.daemon import app

    try:
        answer = app.ask_supervisor(identity.folder, seconds)
    except TimeoutError:
        process = "its process" if pid is None else f"process {pid}"
        return failed(
            "daemon",
            f"the daemon hangs: {process} did not answer within {seconds:g} s",
            why="it waits for a disk or a folder that does not answer, such as one on a network, "
            "or something is wrong in it. No task starts, and no output moves",
            do=f"look at the disk that {identity.folder} and {identity.path} are on; if that "
            f"is well, `kill -9 {pid or 'PROCESS'}`, which ends its tasks (they become lost), and "
            f"start it again: {_start(identity)}",
        )
    if answer is None:
        return ok("daemon", f"it runs (process {pid or '?'})")
    return ok("daemon", f"it runs and answers (process {answer.pid})")


def check_releases(identity: Identity) -> Finding | None:
    """Return whether the daemon's two processes are of the release that is installed; None if the
    daemon does not say."""
    from arborlink.daemon import app

    processes = app.read_processes(identity.folder)
    if processes is None or processes.supervisor.pid != read_pid(
        identity.folder / "supervisor.pid"
    ):
        return None  # it was left by a daemon that was killed
    daemon, connector = processes.supervisor, processes.connector
    # A connector says its release once it has been told that of the supervisor.
    versions = {daemon.version, connector.version if connector is not None else None} - {None}
    if versions <= {__version__}:
        return ok("releases", f"the daemon and its connector are {__version__}")
    its = "" if connector is None else f", its connector {connector.version or 'an earlier one'}"
    return warning(
        "releases",
        f"the daemon that runs is {daemon.version}{its}, installed is {__version__}",
        why="it was started before the upgrade; a connector that is started anew is of the release "
        "that is installed",
        do="restart it when none of its tasks runs, or with `--on-stop wait`",
    )


def _start(identity: Identity) -> str:
    """Return the command lines that start a daemon for its folder."""
    path = shlex.quote(identity.path)
    with suppress(ArborError):
        stored = credentials.load()
        if stored is not None and stored.data_folder and stored.url == identity.hub:
            return f"`arbor up {path}`"
    return f"`arbor daemon {path}`, or for good `arbor daemon install {path}`"


def check_connector(folder: Path) -> Finding:
    """Whether its network process lives."""
    pid = read_pid(folder / "connector.pid")
    if pid is not None and is_alive(pid):
        stuck = check_process(
            "connector", "the daemon's connector", pid, "the daemon starts another"
        )
        return stuck or ok("connector", f"it runs (process {pid})")
    return failed(
        "connector",
        "the daemon has no connector",
        why="the process that speaks to the hub ends as soon as it is started",
        do="look at what the daemon says (`journalctl --user -u 'arbor-daemon-*'`, its terminal, "
        f"or {home.logs_folder()} if `arbor up` runs it); after an upgrade restart it",
    )


def check_connected(workspace: Workspace) -> Finding:
    """Whether the hub sees it."""
    if workspace.state == "connected":
        return ok("connected", f"the hub has it connected as {workspace.name}")
    return failed(
        "connected",
        f"the hub does not see the daemon of {workspace.name}",
        why=f"the workspace is {workspace.state.replace('_', ' ')}",
        do="it tries again at least every 30 s: look at what it says, and at the findings on its "
        "hub",
    )


def check_same(
    identity: Identity, workspace: Workspace, *, compare_versions: bool = True
) -> Finding:
    """Whether the daemon that the hub knows is this one, and as new as what is installed."""
    place = f"{workspace.host}:{workspace.path}"
    ours = f"{socket.gethostname()}:{octets.from_system(identity.path)}"
    replaced = workspace.daemon_id not in (None, identity.daemon_id)
    if replaced or (workspace.state == "connected" and place != ours):
        return failed(
            "double",
            f"{workspace.name} is served by another daemon: {place}",
            why="it was enrolled anew" if replaced else "its state folder was copied there",
            do=f"stop one of the two; if it is this one, delete {identity.folder}",
        )
    is_older = workspace.state == "connected" and workspace.version != __version__
    if is_older and compare_versions:
        return warning(
            "running",
            f"the daemon that runs is {workspace.version}, installed is {__version__}",
            why="it was started before the upgrade",
            do="restart it when none of its tasks runs, or with `--on-stop wait`",
        )
    return ok("double", "it is the one that the hub knows")
