"""What a login would have set is there, however the daemon was started."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from arborlink.daemon import account
from arborlink.daemon.environment import DEFAULT_PATH

from .conftest import make_arena


def entry(name: str, shell: str) -> pwd.struct_passwd:
    """A line of the user database."""
    return pwd.struct_passwd((name, "x", 1000, 1000, "", f"/home/{name}", shell))


def test_what_is_missing_is_supplied(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there stays; what is empty counts as missing."""
    monkeypatch.setattr(pwd, "getpwuid", lambda _uid: entry("mia", ""))
    environment = {"HOME": "", "LOGNAME": "other", "TZ": ""}
    account.complete(environment, 1000)
    assert environment == {
        "HOME": "/home/mia",
        "LOGNAME": "other",
        "PATH": DEFAULT_PATH,
        "SHELL": "/bin/sh",
        "TZ": "",
        "USER": "mia",
    }


def test_an_unknown_account_supplies_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in containers with a user id of their own."""

    def unknown(_uid: int) -> pwd.struct_passwd:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    environment: dict[str, str] = {}
    account.complete(environment, 0)
    assert environment == {"PATH": account.ROOT_PATH}


async def test_commands_of_a_daemon_without_any_have_them(tmp_path: Path) -> None:
    """`env -i arbor daemon`, as some service managers start it."""
    names = ("HOME", "USER", "LOGNAME", "SHELL", "PATH")
    async with make_arena(tmp_path, env=dict.fromkeys(names, "")) as arena:
        task = await arena.run("/usr/bin/env")
    found = dict(line.split("=", 1) for line in task.stdout.decode().splitlines())
    of_account = pwd.getpwuid(os.getuid())
    assert (found["HOME"], found["USER"]) == (of_account.pw_dir, of_account.pw_name)
    assert found["LOGNAME"] == found["USER"]
    assert found["SHELL"] and found["PATH"]
