"""Writes a database anew, once, so that nothing is left in it of what was deleted long ago.

Versions before schema 8 did not overwrite what they deleted: values of variables, commands and
arguments stayed in parts of the file that were free, and went into every copy of it.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

import apsw

from arborlink.hub.store.queries import load

# Below it nothing is said: it takes less than a second.
QUICK_BYTES: Final = 64 * 1024 * 1024

_SQL: Final = load("meta")

log = logging.getLogger(__name__)


def rewrite_once(connection: apsw.Connection) -> None:
    """Write the database anew if it needs that; what cannot be done now is tried at the next start.

    Takes as much room on the disk again as the database has, twice, until it is done.
    """
    if connection.execute(_SQL["rewrite_needed"]).get is None:
        return
    path = Path(connection.filename)
    size = path.stat().st_size
    if size > QUICK_BYTES:
        log.warning(
            "the database is written anew, once, so that nothing of what was deleted is left in "
            "it: %d MiB, half a minute for every 1,024; the hub starts afterwards",
            size >> 20,
        )
    try:
        # Beside the database: /tmp may be smaller, and others' to read.
        connection.pragma("temp_store_directory", str(path.parent))
        connection.execute("VACUUM")
        connection.execute(_SQL["is_rewritten"])
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except apsw.Error as error:
        log.warning(
            "the database could not be written anew (%s): what was deleted before is still in it; "
            "the next start tries again",
            error,
        )
        return
    if size > QUICK_BYTES:
        log.warning("the database is written anew: %d MiB now", path.stat().st_size >> 20)
