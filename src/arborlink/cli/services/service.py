"""What a service runs, whichever manager runs it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

# What the way to the hub depends on. Credentials are not among them: a daemon has its own.
KEPT_VARIABLES: Final = (
    "ARBOR_HOME",
    "ARBOR_WEBSOCKET_PATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
)
# The hub's settings that may come from the environment; its first token does not.
HUB_VARIABLES: Final = (
    "ARBOR_HOST",
    "ARBOR_PORT",
    "ARBOR_PUBLIC_URL",
    "ARBOR_LOG_LEVEL",
    "ARBOR_LOG_FORMAT",
)
ABSOLUTE: Final = frozenset({"ARBOR_HOME", "SSL_CERT_FILE", "SSL_CERT_DIR"})
HUB: Final = "arbor-hub"
DAEMON: Final = "arbor-daemon"

Kind = Literal["hub", "daemon"]


@dataclass(frozen=True, slots=True)
class Service:
    """`arguments` are those of `arbor`; `stop_seconds` None: it takes as long as its tasks do."""

    kind: Kind
    name: str
    description: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Path | None = None
    stop_seconds: int | None = None

    @property
    def command(self) -> list[str]:
        """The whole command line, by absolute paths."""
        # -P: a module of the same name in some folder must not be imported instead.
        return [sys.executable, "-P", "-m", "arborlink.cli", *self.arguments]


# Its drain takes 5 s, its open requests another 5 s at most.
HUB_STOP_SECONDS: Final = 30
# Grace for the tasks (5 s), delivery of their ends (10 s), the connector's own end (3 s).
DAEMON_STOP_SECONDS: Final = 30


def hub_service(arguments: Sequence[str], secrets: Path) -> Service:
    """The hub of this user. `secrets`: a file of variables that is read when it is there."""
    return Service(
        kind="hub",
        name=HUB,
        description="Arbor's hub",
        arguments=("hub", *arguments),
        environment=kept_environment(*HUB_VARIABLES),
        secrets=secrets,
        stop_seconds=HUB_STOP_SECONDS,
    )


def daemon_service(path: str, workspace_id: str, on_stop: str) -> Service:
    """The daemon of one folder. One service each, so that restarting one leaves the others'
    tasks alone."""
    # Commands get the daemon's PATH: let it be the one of the shell that this was set up in.
    search = {"PATH": os.environ["PATH"]} if os.environ.get("PATH") else {}
    return Service(
        kind="daemon",
        name=daemon_name(path, workspace_id),
        description=f"Arbor's daemon of {path}",
        arguments=("daemon", "--on-stop", on_stop, "--", path),
        environment=search | kept_environment(),
        stop_seconds=None if on_stop == "wait" else DAEMON_STOP_SECONDS,
    )


def daemon_name(path: str, workspace_id: str) -> str:
    """Readable, and no other folder's."""
    folder = re.sub(r"[^A-Za-z0-9]+", "-", os.path.basename(path)).strip("-").lower()
    return "-".join(part for part in (DAEMON, folder[:32], workspace_id[-4:].lower()) if part)


def kept_environment(*more: str) -> dict[str, str]:
    """What of our environment the service needs as well."""
    names = (*KEPT_VARIABLES, *more)
    kept = {name: os.environ[name] for name in names if os.environ.get(name)}
    return {
        name: os.path.abspath(os.path.expanduser(value)) if name in ABSOLUTE else value
        for name, value in kept.items()
    }
