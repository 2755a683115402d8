"""Which credentials a transaction ended, those that a foreign key deleted included."""

from __future__ import annotations

from typing import Final

import apsw

from arborlink.hub.store.database import fetch
from arborlink.hub.store.queries import load

_SQL: Final = load("access")


def take_ended(connection: apsw.Connection) -> list[str]:
    """Return the ids of tokens, sessions and daemons that ended, in order, and forget them.

    A trigger of each table notes its deleted rows. One that a foreign key deletes is in no
    statement's RETURNING, so that no statement could name it.
    """
    return sorted(ended_id for (ended_id,) in fetch(connection, _SQL["ended"]))
