"""The machine: folders, disks, descriptors, ports."""

from __future__ import annotations

import errno
import os
import resource
import shlex
import socket
import stat
import tempfile
import time
from pathlib import Path
from typing import Final

from arborlink import private_files
from arborlink.cli.checks.finding import Finding, failed, ok, warning
from arborlink.cli.display import size_text
from arborlink.cli.locks import process_state
from arborlink.protocol.limits import GIB, MIB

# The hub's own setting `min_free_disk_bytes` has this default.
LEAST_FREE_BYTES: Final = 64 * MIB
LITTLE_FREE_BYTES: Final = 1 * GIB
LEAST_FREE_INODES: Final = 1_000
# A connection takes one descriptor, a running task four.
FEWEST_DESCRIPTORS: Final = 1_024
FEW_DESCRIPTORS: Final = 4_096
# A process that waits for a disk so long is stuck.
STUCK_SECONDS: Final = 2.0
LOOK_SECONDS: Final = 0.1
MAX_PORT: Final = 65_535
ROOT: Final = 0
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def check_writable(check: str, folder: Path) -> Finding:
    """Whether files can be made in `folder`, or where it would be made; tried for real."""
    place = _nearest(folder)
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"\0")
            file.flush()
    except OSError as error:
        return failed(
            check,
            f"nothing can be written to {folder}",
            why=f"{place}: {error.strerror}",
            do=_make_writable(folder, place, error.errno),
        )
    return ok(check, f"{folder} can be written")


def _make_writable(folder: Path, place: Path, code: int | None) -> str:
    """Return what to do; `place` is where `folder` would be made, or itself."""
    elsewhere = "or set ARBOR_HOME to a folder of this user's"
    if code in (errno.ENOSPC, errno.EDQUOT):
        return f"make room on the disk of {place}, {elsewhere}"
    if code == errno.EROFS:
        return f"the disk of {place} is mounted read-only: mount it for writing, {elsewhere}"
    if code == errno.ENOTDIR:
        return f"{place} is a file, and a folder is needed there: move it away, {elsewhere}"
    is_ours = place.stat().st_uid == os.geteuid() and os.geteuid() != ROOT
    if is_ours:
        return f"`chmod u+rwx {shlex.quote(str(place))}`, {elsewhere}"
    if not os.access(place, os.X_OK):
        return f"{place} cannot be looked into: let its owner allow that, {elsewhere}"
    if place == folder.absolute():
        return f"as root: `chown -R {os.geteuid()} {shlex.quote(str(place))}`, {elsewhere}"
    # Where something is missing is not this user's to be given: it may be the root folder.
    missing = place / folder.absolute().relative_to(place).parts[0]
    return (
        f"{missing} is missing: is it this user's home folder, or a disk that is not mounted? As "
        f"root: `install -d -m 700 -o {os.geteuid()} {shlex.quote(str(missing))}`, {elsewhere}"
    )


def check_process(check: str, what: str, pid: int | None, restart: str) -> Finding | None:
    """Whether a process that is there does something; None: nothing is wrong with it. One that
    waits for a disk is looked at for STUCK_SECONDS. `restart`: what starts it again."""
    if pid is None:
        return None
    # The kernel tells no one of another process's state: it is looked at again and again.
    state, looked = process_state(pid), 0.0
    while state == "D" and looked < STUCK_SECONDS:
        time.sleep(LOOK_SECONDS)
        looked += LOOK_SECONDS
        state = process_state(pid)
    if state in ("T", "t"):
        return failed(
            check,
            f"{what} (process {pid}) runs no more: it is stopped, and does not answer",
            why="a signal (SIGSTOP, Ctrl-Z) or a debugger holds it",
            do=f"`kill -CONT {pid}` lets it go on; if it does not, `kill -9 {pid}` and {restart}",
        )
    if state == "D":
        return failed(
            check,
            f"{what} (process {pid}) has not answered for {STUCK_SECONDS:g} s",
            why="it waits for a disk or a network file system",
            do="look at what the kernel says of that disk (`dmesg`), or mount the file system anew",
        )
    return None


def check_room(check: str, folder: Path) -> Finding:
    """Whether the disk of `folder` is nearly full, in bytes or in files."""
    try:
        disk = os.statvfs(_nearest(folder))
    except OSError as error:
        return failed(
            check,
            f"the disk of {folder} cannot be looked at",
            why=str(error.strerror),
            do="mount it, or name another folder",
        )
    free = disk.f_bavail * disk.f_frsize
    total = disk.f_blocks * disk.f_frsize
    found = f"{size_text(free)} of {size_text(total)} are free for {folder}"
    do = f"delete what is not needed below {folder}, or move it to a larger disk"
    if free < LEAST_FREE_BYTES:
        why = f"output is not taken any more with less than {size_text(LEAST_FREE_BYTES)}"
        return failed(check, found, why=why, do=do)
    if disk.f_files and disk.f_favail < LEAST_FREE_INODES:
        why = f"the disk has room for {disk.f_favail} more files only; a task's output takes two"
        return failed(check, found, why=why, do=do)
    if free < LITTLE_FREE_BYTES:
        why = "a single task may write as much"
        return warning(check, found, why=why, do=do)
    return ok(check, found)


def check_descriptors() -> Finding:
    """Whether there may be enough open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard >= FEW_DESCRIPTORS:
        limit = "without limit" if hard == resource.RLIM_INFINITY else f"up to {hard}"
        return ok("descriptors", f"files may be open {limit} (now {soft})")
    found = f"no more than {hard} files may be open at a time"
    why = "every connection takes one, every running task four"
    do = "raise it: `LimitNOFILE=65536` in a service, /etc/security/limits.conf for a login"
    make = failed if hard < FEWEST_DESCRIPTORS else warning
    return make("descriptors", found, why=why, do=do)


def check_private(check: str, file: Path) -> Finding | None:
    """Whether only its owner can read a file that holds a secret; None if there is no such file."""
    try:
        mode = file.stat().st_mode
    except OSError:
        return None
    if mode & OTHERS:
        return failed(
            check,
            f"others on this machine can read or change {file}",
            why=f"its mode is {stat.S_IMODE(mode):04o}, and it holds a token",
            do=f"chmod 600 {shlex.quote(str(file))}; if others may have read it, replace the token",
        )
    return ok(check, f"{file} is its owner's alone")


def check_folder_private(check: str, folder: Path, holds: str) -> Finding:
    """Whether other users can look into a folder, or replace it; `holds`: what is in it."""
    try:
        problem = private_files.find_problem(folder)
        mode = folder.stat().st_mode
    except OSError as error:
        do = f"give it to this user: `chown -R $(id -un) {shlex.quote(str(folder))}`"
        return failed(check, f"{folder} cannot be looked at", why=str(error.strerror), do=do)
    if problem is not None:
        do = "as that says; a hub or daemon does not start before"
        return failed(check, f"another user could replace {folder}", why=problem, do=do)
    if mode & OTHERS:
        return failed(
            check,
            f"others on this machine can look into {folder}",
            why=f"its mode is {stat.S_IMODE(mode):04o}, and it holds {holds}",
            do=f"chmod 700 {shlex.quote(str(folder))}; a hub or daemon does so when it starts",
        )
    return ok(check, f"{folder} is its owner's alone")


def check_port(host: str, port: int) -> Finding:
    """Whether a hub could listen there."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        found = f"a hub could not listen on {host}:{port}"
        if error.errno == errno.EADDRINUSE:
            return failed(
                "port",
                found,
                why="another program has the port",
                do=f"stop it (`ss -ltnp 'sport = :{port}'` names it), or choose another port: "
                f"`--port {port + 1 if port < MAX_PORT else port - 1}` or ARBOR_PORT",
            )
        do = "give an address of this machine (--host, ARBOR_HOST) and a port from 1024 up"
        return failed("port", found, why=str(error.strerror or error), do=do)
    return ok("port", f"{host}:{port} is free")


def _nearest(folder: Path) -> Path:
    """`folder` itself, or what it would be made in."""
    folder = folder.absolute()
    return next((each for each in (folder, *folder.parents) if os.path.lexists(each)), folder)
