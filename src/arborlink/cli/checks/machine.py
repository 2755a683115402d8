"""The machine: folders, disks, descriptors, ports."""

from __future__ import annotations

import errno
import os
import resource
import socket
import stat
import tempfile
from pathlib import Path
from typing import Final

from arborlink import private_files
from arborlink.cli.checks.finding import Finding, failed, ok, warning
from arborlink.cli.display import size_text
from arborlink.protocol.limits import GIB, MIB

# The hub's own setting `min_free_disk_bytes` has this default.
LEAST_FREE_BYTES: Final = 64 * MIB
LITTLE_FREE_BYTES: Final = 1 * GIB
LEAST_FREE_INODES: Final = 1_000
# A connection takes one descriptor, a running task four.
FEWEST_DESCRIPTORS: Final = 1_024
FEW_DESCRIPTORS: Final = 4_096
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
            do=f"give {place} to this user (chown), make room on its disk, or set ARBOR_HOME to "
            "another folder",
        )
    return ok(check, f"{folder} can be written")


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
            do=f"chmod 600 {file}; if others may have read it, replace the token",
        )
    return ok(check, f"{file} is its owner's alone")


def check_folder_private(check: str, folder: Path, holds: str) -> Finding:
    """Whether other users can look into a folder, or replace it; `holds`: what is in it."""
    try:
        problem = private_files.find_problem(folder)
        mode = folder.stat().st_mode
    except OSError as error:
        do = f"give it to this user: chown -R $(id -un) {folder}"
        return failed(check, f"{folder} cannot be looked at", why=str(error.strerror), do=do)
    if problem is not None:
        do = "as that says; a hub or daemon does not start before"
        return failed(check, f"another user could replace {folder}", why=problem, do=do)
    if mode & OTHERS:
        return failed(
            check,
            f"others on this machine can look into {folder}",
            why=f"its mode is {stat.S_IMODE(mode):04o}, and it holds {holds}",
            do=f"chmod 700 {folder}; a hub or daemon that starts does so by itself",
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
                f"`--port {port + 1}` or ARBOR_PORT",
            )
        do = "give an address of this machine (--host, ARBOR_HOST) and a port from 1024 up"
        return failed("port", found, why=str(error.strerror or error), do=do)
    return ok("port", f"{host}:{port} is free")


def _nearest(folder: Path) -> Path:
    """`folder` itself, or what it would be made in."""
    folder = folder.absolute()
    return next((each for each in (folder, *folder.parents) if os.path.lexists(each)), folder)
