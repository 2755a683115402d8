"""Start a command exactly as given, with three descriptors and nothing else of ours (rule 9)."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

import msgspec

from arborlink.daemon import processes, restricted, signals, terminal
from arborlink.daemon.executable import (
    NOT_EXECUTABLE,
    StartFailed,
    absolute_folders,
    find_in_path,
    not_executable,
    not_found,
)
from arborlink.daemon.folder import FolderRefused, open_folder
from arborlink.daemon.restricted import Place
from arborlink.daemon.rules import Restriction
from arborlink.protocol import octets
from arborlink.protocol.lifecycle import Reason
from arborlink.protocol.messages import Command
from arborlink.protocol.resources import Terminal

SHELL: Final = "/bin/sh"

_F_SETPIPE_SZ: Final = 1031
PIPE_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Child:
    """A started command and our ends of its descriptors, all of which do not block.

    `outputs` are (descriptor, whether it is stderr). A terminal's output and input are two
    descriptors for the same master, and `terminal` is its path.
    """

    tree: processes.Tree
    outputs: tuple[tuple[int, bool], ...]
    stdin: int | None
    terminal: str | None


def start(
    command: Command,
    argv: list[bytes],
    workspace: str,
    environment: dict[bytes, bytes],
    restriction: Restriction | None = None,
) -> Child:
    """Start `command`, whose words are `argv`, in its folder below `workspace`, if it is allowed.

    For a process that lives in the root folder and uses no relative paths: the current folder is
    changed, and changed back.

    Raises:
        StartFailed: it was not started; nothing is left open.
    """
    try:
        folder_fd = open_folder(workspace, octets.to_system(command.cwd))
    except (FolderRefused, ValueError) as error:
        raise StartFailed(Reason.WORKING_DIRECTORY, str(error)) from error
    try:
        os.fchdir(folder_fd)
        if restriction is None:
            path = _executable(argv[0], environment.get(b"PATH", b""))
            return _start_here(command, path, argv, environment)
        place = Place(workspace, folder_fd, environment[b"PATH"])
        with restricted.opened(command, argv, place, restriction) as allowed:
            if not allowed.input:
                command = msgspec.structs.replace(command, stdin="empty")
            return _start_here(command, allowed.path, allowed.argv, environment)
    except OSError as error:
        raise StartFailed(Reason.START_FAILED, f"cannot start: {error.strerror}") from error
    finally:
        os.chdir("/")
        os.close(folder_fd)


def argv_of(command: Command) -> list[bytes]:
    """Return the words to execute, of a command all of whose texts a program can receive.

    Raises:
        StartFailed: it is empty, or a text of it contains NUL.
    """
    if not command.command:
        raise StartFailed(Reason.START_FAILED, "the command is empty")
    words = [command.command, *command.args]
    if command.shell:
        words = [SHELL, "-c", *words]
    if not all(map(octets.is_valid, (*words, *command.env, *command.env.values()))):
        raise StartFailed(Reason.START_FAILED, "an argument or variable contains a NUL character")
    return list(map(octets.to_bytes, words))


def _start_here(
    command: Command, path: bytes, argv: list[bytes], environment: dict[bytes, bytes]
) -> Child:
    terminal_path: str | None = None
    with ExitStack() as ours, ExitStack() as childs:
        if command.tty is not None:
            outputs, stdin, actions, terminal_path = _terminal(command.tty, ours, childs)
        else:
            outputs, stdin, actions = _pipes(command, ours, childs)
        pid, mark = _spawn(path, argv, environment, actions)
        ours.pop_all()
    processes.offer_to_oom_killer(pid)
    tree = processes.Tree(pid, processes.start_ticks(pid), mark)
    return Child(tree, outputs, stdin, terminal_path)


_Actions = list[tuple[int, int, int] | tuple[int, int, str, int, int]]


def _pipes(
    command: Command, ours: ExitStack, childs: ExitStack
) -> tuple[tuple[tuple[int, bool], ...], int | None, _Actions]:
    def pipe(*, we_read: bool) -> tuple[int, int]:
        read, write = os.pipe2(os.O_CLOEXEC)
        (ours if we_read else childs).callback(os.close, read)
        (childs if we_read else ours).callback(os.close, write)
        _widen(read)
        mine, its = (read, write) if we_read else (write, read)
        os.set_blocking(mine, False)
        return mine, its

    actions: _Actions = []
    stdin = None
    if command.stdin == "empty":
        actions.append((os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0))
    else:
        stdin, its_stdin = pipe(we_read=False)
        actions.append((os.POSIX_SPAWN_DUP2, its_stdin, 0))
    out, its_out = pipe(we_read=True)
    if command.merge_stderr:
        actions += [(os.POSIX_SPAWN_DUP2, its_out, 1), (os.POSIX_SPAWN_DUP2, its_out, 2)]
        return ((out, False),), stdin, actions
    err, its_err = pipe(we_read=True)
    actions += [(os.POSIX_SPAWN_DUP2, its_out, 1), (os.POSIX_SPAWN_DUP2, its_err, 2)]
    return ((out, False), (err, True)), stdin, actions


def _widen(fd: int) -> None:
    """A wider pipe means fewer turns for a flood; the user's quota may not allow it."""
    import fcntl

    try:
        fcntl.fcntl(fd, _F_SETPIPE_SZ, PIPE_BYTES)
    except OSError:
        return


def _terminal(
    wanted: Terminal, ours: ExitStack, childs: ExitStack
) -> tuple[tuple[tuple[int, bool], ...], int | None, _Actions, str]:
    master, slave, path = terminal.open_terminal(wanted)
    ours.callback(os.close, master)
    childs.callback(os.close, slave)
    writer = os.dup(master)
    ours.callback(os.close, writer)
    # The session leader's first open of a terminal makes it the controlling one.
    actions: _Actions = [
        (os.POSIX_SPAWN_OPEN, 0, path, os.O_RDWR, 0),
        (os.POSIX_SPAWN_DUP2, 0, 1),
        (os.POSIX_SPAWN_DUP2, 0, 2),
    ]
    return ((master, False),), writer, actions, path


def _spawn(
    path: bytes, argv: list[bytes], environment: dict[bytes, bytes], actions: _Actions
) -> tuple[int, int | None]:
    try:
        with processes.Marked() as marked:
            pid = os.posix_spawn(
                path,
                argv,
                environment,
                file_actions=actions,
                setsid=True,
                setsigmask=[],
                setsigdef=signals.RESET,
            )
    except FileNotFoundError as error:
        raise not_found(argv[0]) from error
    except OSError as error:
        if error.errno in NOT_EXECUTABLE:
            raise not_executable(argv[0], str(error.strerror)) from error
        raise StartFailed(Reason.START_FAILED, f"cannot start: {error.strerror}") from error
    return pid, marked.mark


def _executable(name: bytes, path: bytes) -> bytes:
    """Find the command: as given if it has a slash, else in the child's PATH."""
    if b"/" not in name:
        return find_in_path(name, absolute_folders(path))
    if os.path.isdir(name):
        raise not_executable(name, "it is a folder")
    return name
