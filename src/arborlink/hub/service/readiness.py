"""Whether the hub can do its work: for machines that send it traffic, and for its owners."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from arborlink.hub.service.recent import Recent
from arborlink.protocol.errors import ArborError

DATABASE_CHECK_SECONDS: Final = 2.0
GOING_DOWN: Final = "The hub is going down; try again in 2 s."
# What those learn who may not manage the hub: no folder, no figure, no text of the system.
TO_STRANGERS: Final = {
    "database": "The hub cannot write to its database.",
    "disk": "The hub's disk has too little room.",
    "draining": GOING_DOWN,
}


class Writable(Protocol):
    """What can say that it stores durably."""

    async def check_writable(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ReadinessChecks:
    """Each check is about something that happens anyway, or is made once in a while.

    `disk` returns why there is no room, as the hub saw it within the last second.
    """

    database: Recent[str | None]
    disk: Callable[[], str | None]
    draining: Callable[[], bool]

    async def reasons(self, *, detailed: bool) -> dict[str, str | None]:
        """Return what is wrong by check, None where nothing is; `detailed`: as the log has it."""
        found = {
            "database": await self.database.get(),
            "disk": self.disk(),
            "draining": GOING_DOWN if self.draining() else None,
        }
        if detailed:
            return found
        return {name: reason and TO_STRANGERS[name] for name, reason in found.items()}


def database_check(store: Writable, max_age: float = DATABASE_CHECK_SECONDS) -> Recent[str | None]:
    """Write something durably, at most once in `max_age` seconds however often it is asked for."""

    async def measure() -> str | None:
        try:
            await store.check_writable()
        except ArborError as error:
            return error.message
        return None

    return Recent(measure, max_age)
