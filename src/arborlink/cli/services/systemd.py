"""Units of a user's systemd. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from arborlink.cli.services.service import Service
from arborlink.protocol.errors import InvalidInput

# What a hub never needs. Nothing that takes a mount namespace (PrivateTmp, ProtectSystem): a
# user's manager has one only where unprivileged user namespaces are allowed, and elsewhere the
# service would not start.
HUB_HARDENING: Final = (
    "NoNewPrivileges=yes",
    "LockPersonality=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "RestrictNamespaces=yes",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK",
    "SystemCallArchitectures=native",
    "LimitNOFILE=65536",
    "UMask=0077",
)
# Commands are to see what they would see in a shell: no sandbox, no fewer privileges (`sudo`), no
# other /tmp, no lower limits, and nobody stopped because one of them ran out of memory.
DAEMON_RULES: Final = (
    # Signals are for the supervisor alone: it ends its tasks, delivers their ends, and then its
    # connector. If it is killed, the connector ends the tasks, and itself. What a task that is over
    # left running on purpose is nothing that a restart may end (systemd.kill(5)).
    "KillMode=process",
    "OOMPolicy=continue",
    "TasksMax=infinity",
    "IgnoreSIGPIPE=no",
)


def render(service: Service) -> str:
    """The unit file."""
    stop = "infinity" if service.stop_seconds is None else str(service.stop_seconds)
    lines = [
        "[Unit]",
        f"Description={_escape(service.description)}",
        # Tried for ever: the disk may have room again, the network may come back.
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        "Type=exec",
        f"ExecStart={command_line(service.command)}",
        *(f"Environment={_quote(f'{k}={v}')}" for k, v in service.environment.items()),
        # "-": it need not be there.
        *([f"EnvironmentFile=-{_escape(str(service.secrets))}"] if service.secrets else []),
        "Restart=always",
        "RestartSec=2",
        f"TimeoutStopSec={stop}",
        *(HUB_HARDENING if service.kind == "hub" else _daemon_rules()),
        "",
        "[Install]",
        "WantedBy=default.target",
    ]
    return "\n".join(lines) + "\n"


def _daemon_rules() -> tuple[str, ...]:
    from arborlink.daemon.app import REFUSED_EXIT_CODE

    # Refused by its hub for good: trying again every few seconds would help nobody.
    return (*DAEMON_RULES, f"RestartPreventExitStatus={REFUSED_EXIT_CODE}")


def command_line(words: Iterable[str]) -> str:
    """As `ExecStart=` reads it (systemd.service(5)): quoted, without specifiers or variables."""
    return " ".join(_quote(word).replace("$", "$$") for word in words)


def _quote(text: str) -> str:
    escaped = _escape(text)
    if escaped and not any(character in "\"'\\ \t;" for character in escaped):
        return escaped
    return '"' + escaped.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _escape(text: str) -> str:
    if any(ord(each) < 0x20 or 0xD800 <= ord(each) < 0xE000 or each == "\x7f" for each in text):
        raise InvalidInput(
            f"{text!r} cannot be written to a unit file: it has control characters, or "
            "is not UTF-8. Rename it"
        )
    return text.replace("%", "%%")
