"""Folders and files that are for one user alone: made and kept so, or refused.

A mode of 0700 is worth nothing where another user may replace the folder: by owning one that it is
in, or by being allowed to write to that. What `sshd` requires of a home folder is required here.
"""

from __future__ import annotations

import grp
import logging
import os
import pwd
import stat
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

from arborlink.protocol.errors import InvalidInput

UNSAFE: Final = "unsafe_folder"
PRIVATE_FOLDER: Final = 0o700
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
ROOT: Final = 0
_WHOLE_MACHINE: Final = ["0", "0", "4294967295"]

Say = Callable[[str], None]

logger = logging.getLogger(__name__)


def ensure_private(folder: Path, say: Say = logger.warning) -> None:
    """Make a folder, or see that the one that is there is this user's alone, with what is in it.

    `say` is told of what was open to others and is not any more.

    Raises:
        InvalidInput: another user can replace it (code `unsafe_folder`); the text says what to do.
        OSError: it cannot be made or looked at.
    """
    make_folder(folder)
    problem = find_problem(folder)
    if problem is not None:
        raise InvalidInput(problem, code=UNSAFE)
    real = folder.resolve()
    for path in (real, *real.parents):
        if (who := _why_writable(path)) is not None and _is_volume(path):
            say(f"{path} can be changed by {who}: see to it if others use this machine")
    _tighten(folder, say)
    for path in folder.iterdir():
        _tighten(path)  # one line for all of it


def make_folder(folder: Path) -> None:
    """Make a folder and those that it is in, for this user alone, whatever the umask allows.

    Raises:
        OSError: it cannot be made.
    """
    for each in reversed([folder, *folder.parents]):
        if not each.exists():
            each.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)


def ensure_private_file(file: Path, say: Say = logger.warning) -> None:
    """See that a file that is there is this user's alone. Root may read that of another user.

    Raises:
        InvalidInput: it is another user's (code `unsafe_folder`).
        OSError: it cannot be looked at.
    """
    state = file.stat()
    if os.geteuid() != ROOT and not _is_trusted(state.st_uid):
        raise InvalidInput(_of_another(file, state.st_uid), code=UNSAFE)
    _tighten(file, say)


def find_problem(folder: Path) -> str | None:
    """Return why another user could read or replace a folder whatever its mode; None: they cannot.

    Raises:
        OSError: it, or what it is in, cannot be looked at.
    """
    for path in _way_to(folder):
        state = path.lstat()
        if not _is_trusted(state.st_uid):
            return _of_another(path, state.st_uid)
    real = folder.resolve()
    for path in real.parents:
        if (why := _why_writable(path)) is not None and not _is_volume(path):
            return (
                f"{path} can be changed by {why}, who could replace {real} in it. Run "
                f"`chmod go-w {path}`, or keep Arbor's files elsewhere (ARBOR_HOME, --data-dir)."
            )
    state = real.stat()
    is_open = state.st_uid != os.geteuid() and state.st_mode & stat.S_IWOTH
    if is_open and not _is_volume(real):
        return f"every user can write to {real}, which is not this user's. Run chown and chmod 700."
    for path in real.iterdir():
        owner = path.lstat().st_uid
        if not _is_trusted(owner):
            return _of_another(path, owner)
    return None


def _way_to(folder: Path) -> Iterator[Path]:
    """What is looked up on the way to a folder, links and what they lead to."""
    absolute = folder.absolute()
    real = folder.resolve()
    seen = dict.fromkeys([absolute, *absolute.parents, real, *real.parents])
    return iter(reversed(seen))


def _why_writable(folder: Path) -> str | None:
    state = folder.stat()
    if state.st_mode & stat.S_ISVTX:
        return None  # entries can be replaced by their owners alone, as in /tmp
    if state.st_mode & stat.S_IWOTH:
        return "every user"
    if state.st_mode & stat.S_IWGRP and not _is_own_group(state.st_gid):
        return f"group {_group_name(state.st_gid)}"
    return None


def _is_volume(folder: Path) -> bool:
    """Whether this is the root of a disk that an administrator has mounted here for this use.

    Those of containers are often open to every user, of whom there is one there.
    """
    return folder.parent != folder and folder.is_mount() and folder.stat().st_uid != os.geteuid()


def _is_trusted(uid: int) -> bool:
    return uid in (ROOT, os.geteuid()) or uid == _unmapped_uid()


@cache
def _unmapped_uid() -> int | None:
    """What owners look like that this user namespace has no number for; None outside of one.

    The root folder of an unprivileged container is often such: its owner is the machine's root.
    """
    try:
        with open("/proc/self/uid_map") as file:
            mapping = file.read().split()
        if mapping == _WHOLE_MACHINE:
            return None
        with open("/proc/sys/fs/overflowuid") as file:
            return int(file.read())
    except (OSError, ValueError):
        return None


def _is_own_group(gid: int) -> bool:
    """Whether a group has this user and root alone in it, as many systems give one to each."""
    if gid == ROOT:
        return True
    try:
        members = set(grp.getgrgid(gid).gr_mem)
    except KeyError:
        # No user of the system's database is in it: a number that a container was given.
        return gid in (os.getegid(), *os.getgroups())
    users = pwd.getpwall()
    members |= {user.pw_name for user in users if user.pw_gid == gid}
    return members <= {user.pw_name for user in users if user.pw_uid in (ROOT, os.geteuid())}


def _of_another(path: Path, uid: int) -> str:
    return (
        f"{path} belongs to another user ({_user_name(uid)}), who could read or replace what Arbor "
        f"keeps there. If it is yours to give away, run `chown {_user_name(os.geteuid())} {path}`; "
        "else keep Arbor's files elsewhere (ARBOR_HOME, --data-dir)."
    )


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _tighten(path: Path, say: Say | None = None) -> None:
    """Take from a file or folder what others may do with it, and say so."""
    say = say or _say_nothing
    try:
        state = path.stat()
    except FileNotFoundError:
        return  # a link that leads nowhere, or gone by now
    mode = stat.S_IMODE(state.st_mode)
    if not mode & OTHERS:
        return
    if state.st_uid != os.geteuid():
        if stat.S_ISDIR(state.st_mode):
            say(f"others on this machine can look into {path} (its mode is {mode:04o})")
        return
    path.chmod(mode & ~OTHERS)
    open_ = f"others on this machine could read {path} (its mode was {mode:04o})"
    if stat.S_IMODE(path.stat().st_mode) & OTHERS:
        say(f"{open_}, and still can: its file system does not keep modes")
    else:
        say(f"{open_}; now it is private")


def _say_nothing(_text: str) -> None:
    """Where what it is in was spoken of."""
