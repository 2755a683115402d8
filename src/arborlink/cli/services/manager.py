"""Where a manager's files lie, and the commands that make it act on them."""

from __future__ import annotations

import os
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Final, Literal

from arborlink.cli.services import launchd, systemd
from arborlink.cli.services.service import Service

ManagerName = Literal["systemd", "launchd"]
# A proxy's address may hold a password.
OWNER_ONLY: Final = 0o600
PRIVATE_FOLDER: Final = 0o700


class Manager(ABC):
    """Of the services of one user. Nothing here starts or stops anything."""

    @abstractmethod
    def file(self, name: str) -> Path:
        """Where the service called so is described."""

    @abstractmethod
    def render(self, service: Service) -> str:
        """The description."""

    @abstractmethod
    def start_commands(self, name: str, *, changed: bool) -> list[tuple[str, str]]:
        """What starts it, and what else is good to know: a few words and a command each."""

    @abstractmethod
    def stop_command(self, name: str) -> str:
        """What stops it."""

    def installed(self, prefix: str) -> list[str]:
        """The names of the services here that begin so."""
        pattern = self.file(f"{prefix}*")
        return sorted(
            each.name.removeprefix(_before(pattern.name)).removesuffix(pattern.suffix)
            for each in pattern.parent.glob(pattern.name)
        )

    def install(self, service: Service) -> bool:
        """Write the description; whether it says anything new."""
        file, text = self.file(service.name), self.render(service)
        if _read(file) == text:
            return False
        file.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
        write_private(file, text)
        return True

    def uninstall(self, name: str) -> bool:
        """Delete the description; whether there was one."""
        file = self.file(name)
        found = file.exists()
        file.unlink(missing_ok=True)
        return found


class Systemd(Manager):
    """Units in the user's own folder."""

    def file(self, name: str) -> Path:
        """As systemd.unit(5) has it."""
        home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
        return Path(home) / "systemd" / "user" / f"{name}.service"

    def render(self, service: Service) -> str:
        """A unit."""
        return systemd.render(service)

    def start_commands(self, name: str, *, changed: bool) -> list[tuple[str, str]]:
        """Also after a change, `enable --now` starts what does not run."""
        restart = [("to let the change count", f"systemctl --user restart {name}")]
        return [
            (
                "to start it, now and always",
                f"systemctl --user daemon-reload && systemctl --user enable --now {name}",
            ),
            *(restart if changed else []),
            ("to keep it while you are away", "loginctl enable-linger"),
            ("to see what it says", f"journalctl --user -u {name} -f"),
        ]

    def stop_command(self, name: str) -> str:
        """The unit is gone by then, which does not stop what runs."""
        return f"systemctl --user stop {name}; systemctl --user daemon-reload"

    def uninstall(self, name: str) -> bool:
        """Its link, too, by which it is started at login."""
        file = self.file(name)
        (file.parent / "default.target.wants" / file.name).unlink(missing_ok=True)
        return super().uninstall(name)


class Launchd(Manager):
    """Agents, which run while their user is logged in."""

    def file(self, name: str) -> Path:
        """As launchd.plist(5) has it."""
        return Path.home() / "Library" / "LaunchAgents" / f"{launchd.label(name)}.plist"

    def render(self, service: Service) -> str:
        """A property list."""
        return launchd.render(service, self._log(service.name))

    def start_commands(self, name: str, *, changed: bool) -> list[tuple[str, str]]:
        """A changed description is read when it is loaded anew."""
        file = self.file(name)
        again = [("to let the change count, first", self.stop_command(name))]
        return [
            *(again if changed else []),
            ("to start it, now and at every login", f"launchctl bootstrap gui/$(id -u) {file}"),
            ("to see what it says", f"tail -f {self._log(name)}"),
        ]

    def stop_command(self, name: str) -> str:
        """By its label: the file may be gone."""
        return f"launchctl bootout gui/$(id -u)/{launchd.label(name)}"

    def _log(self, name: str) -> Path:
        return Path.home() / "Library" / "Logs" / f"{name}.log"


def manager(name: ManagerName | None = None) -> Manager:
    """The one of this system, unless another is named."""
    name = name or ("launchd" if sys.platform == "darwin" else "systemd")
    return Launchd() if name == "launchd" else Systemd()


def write_private(file: Path, text: str) -> None:
    """In one step, readable by its owner alone."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, OWNER_ONLY)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    draft.replace(file)


def _read(file: Path) -> str | None:
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        return None


def _before(pattern: str) -> str:
    """What the manager puts in front of a service's name."""
    return pattern.partition("arbor-")[0]
