"""Brings a database to the schema of this version: numbered migrations, each in a transaction."""

from __future__ import annotations

import logging
from typing import Final

import apsw

from arborlink.hub.store.queries import sql_folder
from arborlink.protocol.errors import Unavailable

SCHEMA_TOO_NEW: Final = "schema_too_new"

log = logging.getLogger(__name__)


def migrations() -> list[tuple[int, str]]:
    """`(number, SQL)`, in order. The number is the first part of the file's name."""
    files = (sql_folder() / "migrations").iterdir()
    scripts = [file for file in files if file.name.endswith(".sql")]
    return sorted(
        (int(script.name.partition("_")[0]), script.read_text(encoding="utf-8"))
        for script in scripts
    )


def migrate(connection: apsw.Connection) -> int:
    """Apply what is missing; the number of the schema afterwards.

    Raises:
        Unavailable: a newer Arbor wrote this database (code `schema_too_new`).
    """
    known = migrations()
    current = int(connection.pragma("user_version"))
    newest = known[-1][0]
    if current > newest:
        raise Unavailable(
            f"{connection.filename} was written by a newer Arbor (its schema is {current}, this "
            f"one knows up to {newest}). Install that version, or use another data folder.",
            code=SCHEMA_TOO_NEW,
        )
    if 0 < current < newest:
        log.info("the database is brought from schema %d to %d", current, newest)
    for number, script in known:
        if number > current:
            # A database is never left between two schemas, whatever happens here.
            connection.execute(
                f"BEGIN IMMEDIATE; {script}\n; PRAGMA user_version = {number}; COMMIT;"
            )
    return newest
