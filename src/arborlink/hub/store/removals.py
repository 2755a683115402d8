"""Which rows a transaction deletes that somebody may be listening to, however it deletes them.

Triggers of the connection that writes name them: they fire for every DELETE and for every cascade
of one, so no statement has to know what else goes with its rows.
"""

from __future__ import annotations

from typing import Any, Final

import apsw

from arborlink.hub.store.base import Removed
from arborlink.hub.store.queries import load

# By the table whose rows they name.
TRIGGERS: Final = load("removals")


class Removals:
    """Collects on the writer's thread what its transactions delete."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._noted: list[Removed] = []
        connection.create_scalar_function("note_removed", self._note, 3)
        for trigger in TRIGGERS.values():
            connection.execute(trigger)

    def drain(self) -> list[Removed]:
        """Return what was deleted since the last call, in the order of its deletion."""
        noted, self._noted = self._noted, []
        return noted

    def _note(self, *columns: Any) -> None:
        self._noted.append(Removed(*columns))
