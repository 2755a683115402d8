"""Agents of a user's launchd. Pure."""

from __future__ import annotations

import plistlib
from pathlib import Path
from typing import Any, Final

from arborlink.cli.services.service import Service

# launchd tries again for ever, but not sooner than after this.
THROTTLE_SECONDS: Final = 10
# It knows no "as long as it takes".
LONGEST_STOP_SECONDS: Final = 86_400
HUB_DESCRIPTORS: Final = 65_536
HUB_UMASK: Final = 0o077
WITH_VARIABLES: Final = 'set -a; [ -r "$0" ] && . "$0"; exec "$@"'


def render(service: Service, log: Path) -> str:
    """The property list. What the service says goes to `log`."""
    agent: dict[str, Any] = {
        "Label": label(service.name),
        "ProgramArguments": _program(service),
        "EnvironmentVariables": dict(service.environment),
        "RunAtLoad": True,
        "KeepAlive": True,
        "ThrottleInterval": THROTTLE_SECONDS,
        "ExitTimeOut": service.stop_seconds or LONGEST_STOP_SECONDS,
        "StandardOutPath": str(log),
        "StandardErrorPath": str(log),
    }
    if service.kind == "hub":
        agent["Umask"] = HUB_UMASK
        agent["SoftResourceLimits"] = {"NumberOfFiles": HUB_DESCRIPTORS}
        agent["HardResourceLimits"] = {"NumberOfFiles": HUB_DESCRIPTORS}
    else:
        # Else launchd would slow commands down as if nobody waited for them.
        agent["ProcessType"] = "Interactive"
        # What a task that is over left running goes on (launchd.plist(5)).
        agent["AbandonProcessGroup"] = True
    return plistlib.dumps(agent, sort_keys=False).decode()


def _program(service: Service) -> list[str]:
    # launchd has nothing that reads variables from a file.
    if service.secrets is None:
        return service.command
    return ["/bin/sh", "-c", WITH_VARIABLES, str(service.secrets), *service.command]


def label(name: str) -> str:
    """How launchd calls it."""
    return f"org.arborlink.{name}"
