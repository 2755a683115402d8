"""Variables that the account supplies where the environment lacks them, as a login does."""

from __future__ import annotations

import os
import pwd
from collections.abc import MutableMapping
from typing import Final

from arborlink.daemon.environment import DEFAULT_PATH

# Service managers, containers and `env -i` start programs without a PATH; root's commands are in
# the `sbin` folders as well (login.defs(5), ENV_SUPATH).
ROOT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SHELL: Final = "/bin/sh"


def complete(environment: MutableMapping[str, str], uid: int) -> None:
    """Add HOME, USER, LOGNAME, SHELL and PATH where they are missing or empty.

    An account that the user database does not have (containers) supplies PATH alone.
    """
    supplied = {"PATH": DEFAULT_PATH if uid else ROOT_PATH}
    missing = {"HOME", "USER", "LOGNAME", "SHELL"} - {k for k, v in environment.items() if v}
    # Only then: the database may be on another machine, which may not answer.
    if missing:
        supplied |= _of_account(uid)
    for name, value in supplied.items():
        if not environment.get(name):
            environment[name] = value


def _of_account(uid: int) -> dict[str, str]:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return {}
    name = entry.pw_name
    # An empty shell in the database is /bin/sh (passwd(5)).
    shell = entry.pw_shell or _SHELL
    return {"HOME": entry.pw_dir, "USER": name, "LOGNAME": name, "SHELL": shell}


def complete_own() -> None:
    """Complete this process's own environment, which commands get their part of."""
    complete(os.environ, os.getuid())
