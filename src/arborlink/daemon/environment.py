"""The environment of a command: an allow-list of the daemon's, plus the task's.

Where the owner restricts commands, an allow-list holds for the task's variables, too: programs obey
so many of them that a list of the dangerous ones is never complete. Where commands are not
restricted, a task could start `env NAME=VALUE …`, so that refusing a name would stop no attack.

Nothing of Arbor's own gets in. SSH_AUTH_SOCK is passed on: it is how people's `git push` works in
every shell they know, and a task runs as the same user, who could find the socket anyway.
VIRTUAL_ENV and the like are not: they describe how the daemon was started, not the workspace.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Final

from arborlink.protocol import octets

PASSED_ON: Final = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "TZ",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "SSH_AUTH_SOCK",
)
DEFAULT_PATH: Final = "/usr/local/bin:/usr/bin:/bin"
TERMINAL_TYPE: Final = "xterm-256color"

# What tasks may set where commands are restricted: how output looks, and nothing that names a file
# or a program. LANGUAGE is not here: gettext takes it for a path when it has a slash in it.
LISTED: Final = ("LANG", "LC_*", "TZ", "TERM", "COLUMNS", "LINES", "NO_COLOR")
# Programs take some values for paths: TZ=:/file and TZ=/file (tzset(3)), LANG=../x (older C
# libraries). Those are left to `allow_environment`.
_LISTED_VALUE: Final = re.compile(r"(?!.*\.\.)[A-Za-z0-9<][A-Za-z0-9<>_+.,:@/=-]*|")
# Never, whatever a policy says: these are ours.
RESERVED: Final = "ARBOR_*"


def forbidden_name(
    names: Iterable[str], *, forbidden: Iterable[str] = (), restricted: bool = False
) -> str | None:
    """Find the first variable that no task may set here; None if there is none.

    Args:
        names: the names of a task's variables.
        forbidden: further names or globs.
        restricted: commands are restricted. PATH would decide what their names mean.
    """
    forbidden = tuple(forbidden)
    for name in names:
        if not name or "=" in name or "\0" in name or is_reserved(name):
            return name
        if is_named(name, forbidden) or (restricted and name == "PATH"):
            return name
    return None


def is_reserved(name: str) -> bool:
    """Whether a variable is one of Arbor's own, which no task sets, whatever a policy says."""
    return fnmatchcase(name.upper(), RESERVED)


def unlisted_name(variables: Mapping[str, str], *, allowed: Iterable[str] = ()) -> str | None:
    """Find the first variable that is not on the allow-list; None if there is none.

    Args:
        variables: a task's, by name.
        allowed: names or globs besides `LISTED`, whatever their values.
    """
    allowed = tuple(allowed)
    for name, value in variables.items():
        listed = is_named(name, LISTED) and _LISTED_VALUE.fullmatch(value)
        if not listed and not is_named(name, allowed):
            return name
    return None


def build(
    daemon: Mapping[str, str],
    task: Mapping[str, str],
    *,
    terminal: bool,
    workspace: str | None = None,
) -> dict[bytes, bytes]:
    """Make the command's environment, as `execve` takes it.

    Args:
        daemon: the daemon's own environment.
        task: the task's variables, which were checked before; values as `octets` has them.
        terminal: the command gets a terminal.
        workspace: where commands are restricted, the workspace's path. PATH loses what is below it
            or depends on the working folder: the `/usr/bin/env python3` of an allowed script would
            run what a task has put there.
    """
    chosen = {name: value for name, value in daemon.items() if is_named(name, PASSED_ON)}
    chosen.setdefault("PATH", DEFAULT_PATH)
    if workspace is not None:
        chosen["PATH"] = _outside(os.path.realpath(workspace), chosen["PATH"])
    if terminal:
        chosen["TERM"] = TERMINAL_TYPE
        # Of the terminals that may be looked at through Arbor, none is without it.
        chosen["COLORTERM"] = "truecolor"
    made = {os.fsencode(name): os.fsencode(value) for name, value in chosen.items()}
    return made | {name.encode(): octets.to_bytes(value) for name, value in task.items()}


def _outside(workspace: str, path: str) -> str:
    entries = [entry for entry in path.split(":") if entry.startswith("/")]
    real = {entry: os.path.realpath(entry) for entry in entries}
    kept = [each for each in entries if os.path.commonpath([workspace, real[each]]) != workspace]
    return ":".join(kept) or DEFAULT_PATH


def is_named(name: str, patterns: Iterable[str]) -> bool:
    """Whether a variable is among names or globs."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)
