"""The search of a list of tasks: a plain text, whatever its case, in time linear in what is read.

SQLite's `LIKE` compares the whole pattern at every position: a text of one repeated letter, sought
in others like it, takes the product of the two lengths. Here SQLite's `instr` looks for no more
than the first START_CHARS, at a constant cost a position, and RE2 for the whole text where those
were found.
"""

from __future__ import annotations

from typing import Final

import apsw
import re2

from arborlink.hub.store.base import TaskRow
from arborlink.protocol import octets

# What a search looks through, in characters: beyond it an argument list is not found by its end.
SEARCHED_CHARS: Final = 16_384
START_CHARS: Final = 16
# The name of the SQL function; `tasks.sql` uses it.
MATCHES: Final = "text_matches"


def searched_text(row: TaskRow) -> str:
    r"""Return what a search of the task looks through; `\xe9` for a byte that is not UTF-8."""
    text = " ".join([row.command, *row.args, row.title or ""])
    return octets.shown(text)[:SEARCHED_CHARS].casefold()


def search_bindings(search: str | None) -> dict[str, str | bool | None]:
    """Return what a statement with a search binds: the start, and whether that is all of it."""
    folded = None if search is None else search.casefold()
    return {
        "start": folded and folded[:START_CHARS],
        "is_whole": folded is not None and len(folded) <= START_CHARS,
    }


def add_matcher(connection: apsw.Connection, search: str) -> None:
    """Give the connection's SQL function MATCHES the text that it looks for from now on."""
    options = re2.Options()
    options.literal = True
    options.never_capture = True
    options.log_errors = False
    expression = re2.compile(search.casefold().encode(), options)
    # It keeps the last 128 otherwise.
    re2.purge()

    def matches(*arguments: apsw.SQLiteValue) -> bool:
        return expression.search(arguments[0]) is not None

    connection.create_scalar_function(MATCHES, matches, 1, deterministic=True)
