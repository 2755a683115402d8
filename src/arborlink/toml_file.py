"""Reads the TOML files that people write: settings, policies, identities, credentials."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

# Many times what any of them needs.
MAX_BYTES: Final = 1024 * 1024


def read_toml(path: Path) -> dict[str, Any]:
    """Return the table that a file holds.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not TOML, not text, too large or nested too deeply; the text says which.
    """
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES} bytes")
    try:
        return tomllib.loads(data.decode())
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
