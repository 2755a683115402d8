"""Start a command exactly as given, with three descriptors and nothing else of ours (rule 9)."""

from __future__ import annotations

import errno
import os
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from arborlink.daemon import processes, signals, terminal
from arborlink.daemon.folder import FolderRefused, open_folder
from arborlink.protocol.lifecycle import Reason
from arborlink.protocol.messages import Command

NOT_FOUND_CODE: Final = 127
NOT_EXECUTABLE_CODE: Final = 126
SHELL: Final = "/bin/sh"

_F_SETPIPE_SZ: Final = 1031
PIPE_BYTES: Final = 1024 * 1024
_NOT_EXECUTABLE: Final = frozenset({errno.EACCES, errno.ENOEXEC, errno.EISDIR, errno.EPERM})


class StartFailed(Exception):
    """The command could not be started. `exit_code` is the one a shell would give, or None."""

    def __init__(self, reason: Reason, message: str, exit_code: int | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class Child:
    """A started command and our ends of its descriptors, all of which do not block.

    `outputs` are (descriptor, whether it is stderr). A terminal's output and input are two
    descriptors for the same master.
    """

    tree: processes.Tree
    outputs: tuple[tuple[int, bool], ...]
    stdin: int | None
    is_terminal: bool


def start(command: Command, workspace: str, environment: dict[bytes, bytes]) -> Child:
    """Start `command` in its folder below `workspace`.

    For a process that lives in the root folder and nobody of which uses relative paths: the
    current folder is changed, and changed back.

    Raises:
        StartFailed: it was not started; nothing is left open.
    """
    argv = _argv(command)
    try:
        folder_fd = open_folder(workspace, command.cwd)
    except FolderRefused as error:
        raise StartFailed(Reason.WORKING_DIRECTORY, str(error)) from error
    try:
        os.fchdir(folder_fd)
        return _start_here(command, argv, environment)
    except OSError as error:
        raise StartFailed(Reason.START_FAILED, f"cannot start: {error.strerror}") from error
    finally:
        os.chdir("/")
        os.close(folder_fd)


def _argv(command: Command) -> list[bytes]:
    if not command.command:
        raise StartFailed(Reason.START_FAILED, "the command is empty")
    words = [command.command, *command.args]
    if command.shell:
        words = [SHELL, "-c", *words]
    values = command.env.items()
    if any("\0" in word for word in words) or any("\0" in k or "\0" in v for k, v in values):
        raise StartFailed(Reason.START_FAILED, "an argument or variable contains a NUL character")
    return [word.encode("utf-8", "surrogatepass") for word in words]


def _start_here(command: Command, argv: list[bytes], environment: dict[bytes, bytes]) -> Child:
    path = _executable(argv[0], environment.get(b"PATH", b""))
    with ExitStack() as ours, ExitStack() as childs:
        if command.tty is not None:
            outputs, stdin, actions = _terminal(command, ours, childs)
        else:
            outputs, stdin, actions = _pipes(command, ours, childs)
        pid, mark = _spawn(path, argv, environment, actions)
        ours.pop_all()
    processes.offer_to_oom_killer(pid)
    tree = processes.Tree(pid, processes.start_ticks(pid), mark)
    return Child(tree, outputs, stdin, command.tty is not None)


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
    command: Command, ours: ExitStack, childs: ExitStack
) -> tuple[tuple[tuple[int, bool], ...], int | None, _Actions]:
    assert command.tty is not None
    master, slave, path = terminal.open_terminal(command.tty)
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
    return ((master, False),), writer, actions


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
        text = f"{_text(argv[0])!r} does not exist, or the interpreter that its first line names"
        raise StartFailed(Reason.COMMAND_NOT_FOUND, text, NOT_FOUND_CODE) from error
    except OSError as error:
        if error.errno in _NOT_EXECUTABLE:
            raise _not_executable(argv[0], str(error.strerror)) from error
        raise StartFailed(Reason.START_FAILED, f"cannot start: {error.strerror}") from error
    return pid, marked.mark


def _executable(name: bytes, path: bytes) -> bytes:
    """Where the command is: as given if it has a slash, else in the child's PATH.

    Entries of PATH that are not absolute would make it depend on the working folder: skipped.
    """
    if b"/" in name:
        if os.path.isdir(name):
            raise _not_executable(name, "it is a folder")
        return name
    seen = False
    for entry in path.split(b":"):
        candidate = os.path.join(entry, name)
        if entry.startswith(b"/") and os.path.isfile(candidate):
            if os.access(candidate, os.X_OK):
                return candidate
            seen = True
    if seen:
        raise _not_executable(name, "no permission")
    raise StartFailed(
        Reason.COMMAND_NOT_FOUND, f"{_text(name)!r} is not in the PATH", NOT_FOUND_CODE
    )


def _not_executable(name: bytes, why: str) -> StartFailed:
    return StartFailed(
        Reason.COMMAND_NOT_EXECUTABLE,
        f"{_text(name)!r} cannot be executed: {why}",
        NOT_EXECUTABLE_CODE,
    )


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")
