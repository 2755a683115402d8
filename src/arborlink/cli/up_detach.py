"""`arbor up --detach`: the same command in a session of its own, until it is up.

What it writes to stderr is passed on until it closes that: then it is up, and has written to the
descriptor that ARBOR_UP_FD names, or it has ended.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Final

from arborlink.cli import exits
from arborlink.cli.console import say

VARIABLE: Final = "ARBOR_UP_FD"
IS_UP: Final = b"up"


def take_report() -> int | None:
    """Return the descriptor to write IS_UP to; None: this is not the detached process."""
    named = os.environ.pop(VARIABLE, "")
    if not named.isdecimal():
        return None
    os.set_inheritable(int(named), False)
    return int(named)


def report_up(descriptor: int) -> None:
    """Tell the command that waits that it is up."""
    with os.fdopen(descriptor, "wb") as waiting:
        waiting.write(IS_UP)


def start() -> int:
    """Start this command once more, wait until it is up, and return the exit code.

    An interrupt meanwhile ends what was started.
    """
    read, write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "arborlink.cli", *sys.argv[1:]],
        env={**os.environ, VARIABLE: str(write)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pass_fds=(write,),
        start_new_session=True,
        text=True,
        errors="replace",
    )
    os.close(write)
    assert process.stderr is not None
    try:
        for line in process.stderr:
            say(line.rstrip("\n"))
        with os.fdopen(read, "rb") as reports:
            is_up = reports.read() == IS_UP
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise
    return exits.DONE if is_up else process.wait()
