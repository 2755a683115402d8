"""SQL lives in `sql/*.sql`; here it is only found, by the name above each statement."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Final

_NAME: Final = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


def sql_folder() -> Traversable:
    """Where the statements are, installed or not."""
    return resources.files("arborlink.hub.store") / "sql"


def load(name: str) -> Mapping[str, str]:
    """The statements of `sql/queries/<name>.sql` by their names."""
    text = (sql_folder() / "queries" / f"{name}.sql").read_text(encoding="utf-8")
    parts = _NAME.split(text)[1:]
    return MappingProxyType(dict(zip(parts[::2], map(str.strip, parts[1::2]), strict=True)))
