"""Secrets in the environment of processes that live long: read once, and gone from there.

What a process was started with stays readable in `/proc/PID/environ` while it lives, whatever it
does with its variables, and its children inherit it (proc(5)). `execve` replaces that memory. The
secrets go along in a file without a name, which the process closes as soon as it has read it.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from typing import Final

import click

BOOTSTRAP_TOKEN: Final = "ARBOR_BOOTSTRAP_TOKEN"
TOKEN: Final = "ARBOR_TOKEN"
CODE: Final = "ARBOR_CODE"
NAMES: Final = (BOOTSTRAP_TOKEN, TOKEN, CODE)
# Names the descriptor of that file.
DESCRIPTOR: Final = "ARBOR_SECRETS_FD"
MAX_BYTES: Final = 1024 * 1024

_received: dict[str, str] = {}


def get(name: str) -> str | None:
    """Return a secret that this process was given, by its predecessor or in its environment."""
    return _received.get(name) or os.environ.get(name) or None


def take(name: str) -> str | None:
    """Return a secret as `get` does, and forget it."""
    found = get(name)
    _received.pop(name, None)
    os.environ.pop(name, None)
    return found


def receive() -> None:
    """Read what the process before this one has left, if it has.

    Raises:
        ClickException: what `ARBOR_SECRETS_FD` names is not that.
    """
    named = os.environ.pop(DESCRIPTOR, None)
    if named is None:
        return
    try:
        descriptor = int(named)
        if descriptor <= 2:
            raise ValueError(named)
        try:
            # From its beginning, wherever that stands: `arbor up` hands it to every new process.
            left = json.loads(os.pread(descriptor, MAX_BYTES, 0))
        finally:
            os.close(descriptor)
        _received.update({name: str(left[name]) for name in NAMES if name in left})
    except (OSError, ValueError, TypeError) as error:
        raise click.ClickException(
            f"{DESCRIPTOR} is set by Arbor for itself and names no file of secrets here. Unset it"
        ) from error


def leave(secrets: Mapping[str, str]) -> int:
    """Return an inheritable descriptor from which the next process `receive`s the secrets.

    Raises:
        OSError: there are no descriptors left.
    """
    with (
        tempfile.TemporaryFile()
        if sys.platform != "linux"
        else os.fdopen(os.memfd_create("secrets"), "w+b") as file
    ):
        file.write(json.dumps(secrets).encode())
        file.flush()
        descriptor = os.dup(file.fileno())
    os.set_inheritable(descriptor, True)
    return descriptor


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without any of them."""
    return {name: value for name, value in environment.items() if name not in NAMES}


def hide(code: str | None = None, words: Sequence[str] | None = None) -> None:
    """Start this process anew without secrets in its environment, if there are any.

    The process keeps its id. Where it cannot be started anew, its children at least inherit none.

    Args:
        code: a further secret, which was found among the arguments.
        words: the arguments of `arbor` without it.
    """
    secrets = {name: os.environ[name] for name in NAMES if os.environ.get(name)}
    if code is not None:
        secrets[CODE] = code
    if not secrets:
        return
    own = len(sys.orig_argv) - len(sys.argv) + 1
    if sys.executable and sys.orig_argv[own:] == sys.argv[1:]:
        arguments = [*sys.orig_argv[:own], *(sys.argv[1:] if words is None else words)]
        environment = without_secrets(os.environ) | {DESCRIPTOR: str(leave(secrets))}
        os.execve(sys.executable, arguments, environment)
    _received.update(secrets)
    for name in NAMES:
        os.environ.pop(name, None)
