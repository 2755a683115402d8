"""A command on a machine that restricts commands: opened, judged as what it is, held open.

What is judged is what is executed. The sentence that the hub gets names the command as the hub
asked for it; where its path leads is in the daemon's own log, so that a hub cannot use refusals to
look around on the machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from arborlink.daemon import executable
from arborlink.daemon.console import say
from arborlink.daemon.executable import OpenFile, StartFailed
from arborlink.daemon.rules import Machine, NotAllowed, Request, Restriction, Rule
from arborlink.protocol import octets
from arborlink.protocol.lifecycle import Reason
from arborlink.protocol.messages import Command


@dataclass(frozen=True, slots=True)
class Place:
    """Describe where a command runs: workspace, working folder (open), and its PATH."""

    workspace: str
    folder_fd: int
    path: bytes


@dataclass(frozen=True, slots=True)
class Allowed:
    """Hold what to hand to `posix_spawn`, and whether the command may have input."""

    path: bytes
    argv: list[bytes]
    input: bool


@contextmanager
def opened(
    command: Command, argv: list[bytes], place: Place, restriction: Restriction
) -> Iterator[Allowed]:
    """Open the command in the current folder, and keep it open until it was started.

    Raises:
        StartFailed: no rule allows it, or it cannot be executed.
    """
    word = argv[0]
    folders = tuple(map(os.fsdecode, executable.absolute_folders(place.path)))
    machine = Machine(os.path.realpath(place.workspace), folders)
    file = _open(word, machine, restriction)
    try:
        rule = _find_rule(command, argv, file, place, machine, restriction)
    except BaseException:
        os.close(file.fd)
        raise
    # A program finds its libraries by its first argument, too (Python's `pyvenv.cfg`): a task must
    # not choose the way to it. A bare name is safe, because PATH is the daemon's.
    name = os.fsencode(file.named) if b"/" in word else word
    program, argv = executable.through_interpreters(file, [name, *argv[1:]])
    try:
        yield Allowed(program.path, argv, rule.input)
    finally:
        os.close(program.fd)


def _open(word: bytes, machine: Machine, restriction: Restriction) -> OpenFile:
    try:
        path = word
        if b"/" not in word:
            path = executable.find_in_path(word, map(os.fsencode, machine.folders))
        return executable.open_file(path)
    except StartFailed as error:
        # What is missing is only said of what a rule names: a hub learns nothing of other paths.
        if error.reason is Reason.START_FAILED or restriction.names(os.fsdecode(word)):
            raise
        raise _refused(word, None) from error


def _find_rule(
    command: Command,
    argv: list[bytes],
    file: OpenFile,
    place: Place,
    machine: Machine,
    restriction: Restriction,
) -> Rule:
    request = Request(
        named=file.named,
        real=file.real,
        arguments=[os.fsdecode(each) for each in argv[1:]],
        cwd=os.path.relpath(executable.real_path(place.folder_fd), machine.workspace),
        environment={name: octets.to_system(value) for name, value in command.env.items()},
        terminal=command.tty is not None,
    )
    try:
        return restriction.find_rule(request, machine)
    except NotAllowed as error:
        say(
            f"its policy refused {octets.quoted_bytes(argv[0][:256])}, which is "
            f"{file.named!r} and leads to {file.real!r}",
            level="warning",
            task=command.task_id,
        )
        raise _refused(argv[0], error.problem) from error


def _refused(word: bytes, problem: str | None) -> StartFailed:
    name = octets.quoted_bytes(word[:256])
    text = f"its policy does not allow the command {name}"
    if problem is None:
        text += " (`allowed_commands` and `[[command]]` in arbor.toml)"
    else:
        text = f"its policy allows the command {name}, but not {problem}"
    return StartFailed(Reason.POLICY, f"the daemon refused: {text}")
