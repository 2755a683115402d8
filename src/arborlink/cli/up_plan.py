"""What `arbor up` has to do for a folder: which processes run already, and who looks after them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from arborlink import home
from arborlink.cli import up_records
from arborlink.cli.locks import is_locked
from arborlink.cli.up_children import AdoptedChild
from arborlink.cli.up_records import FoundRecord

HUB_LOCK: Final = "hub.pid"
DAEMON_LOCK: Final = "lock"
DAEMON_PID: Final = "supervisor.pid"

# "start": it does not run. "adopt": an `arbor up` that was killed has left it. "leave": it runs,
# and something else looks after it: another `arbor up`, a service, a terminal.
Part = Literal["start", "adopt", "leave"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do with the hub and with the folder's daemon. `keeper`: who has that daemon now."""

    hub: Part
    daemon: Part
    keeper: FoundRecord | None

    @property
    def is_up(self) -> bool:
        """Whether nothing is left to do."""
        return self.hub == self.daemon == "leave"


def plan(path: Path) -> Plan:
    """Find out what there is to do for `path`."""
    records = up_records.load_all()
    keeper = next((each for each in records if each.record.path == str(path)), None)
    if keeper is not None and keeper.is_alive:
        return Plan("leave", "leave", keeper)
    if not is_locked(home.hub_folder() / HUB_LOCK):
        hub: Part = "start"
    elif _has_left_a_hub(records):
        hub = "adopt"
    else:
        hub = "leave"
    daemon: Part = "start"
    if find_daemon(path) is not None:
        daemon = "leave" if keeper is None else "adopt"
    return Plan(hub, daemon, keeper)


def _has_left_a_hub(records: list[FoundRecord]) -> bool:
    """Whether the hub that runs is one that an `arbor up` started, and none looks after it."""
    keeping = [each for each in records if each.record.keeps_hub]
    return bool(keeping) and not any(each.is_alive for each in keeping)


def find_hub() -> AdoptedChild | None:
    """Return the hub that runs on this machine's data; None if none does."""
    lock = home.hub_folder() / HUB_LOCK
    return AdoptedChild.find(lock, lock)


def find_daemon(path: Path) -> AdoptedChild | None:
    """Return the daemon that serves a folder; None if none does."""
    from arborlink.daemon import app

    identity = app.find_identity(path)
    if identity is None:
        return None
    return AdoptedChild.find(identity.folder / DAEMON_LOCK, identity.folder / DAEMON_PID)
