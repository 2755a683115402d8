"""SQL lives in `sql/*.sql`; here it is only found, by the name above each statement.

What several statements of a file have in common stands there once, as a fragment, and is put in the
place of each line that includes it. Nothing else is ever put into a statement.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Final

_HEAD: Final = re.compile(r"^-- (name|fragment): (\w+)\n", re.MULTILINE)
_INCLUDE: Final = re.compile(r"^ *-- include: (\w+)$", re.MULTILINE)


def sql_folder() -> Traversable:
    """Where the statements are, installed or not."""
    return resources.files("arborlink.hub.store") / "sql"


def load(name: str) -> Mapping[str, str]:
    """Return the statements of `sql/queries/<name>.sql` by their names.

    Raises:
        KeyError: one includes a fragment that is not in the file.
    """
    text = (sql_folder() / "queries" / f"{name}.sql").read_text(encoding="utf-8")
    parts = _HEAD.split(text)[1:]
    found: dict[str, dict[str, str]] = {"name": {}, "fragment": {}}
    for kind, title, body in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        found[kind][title] = body.strip()
    fragments = found["fragment"]
    statements = {
        title: _INCLUDE.sub(lambda include: fragments[include[1]], body)
        for title, body in found["name"].items()
    }
    return MappingProxyType(statements)
