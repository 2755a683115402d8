"""What a browser fetches before the overview can be used, and how much of it there may be."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from web_build import WebBuildError

FIRST_LOAD_BYTES: Final = 250 * 1024
"""Scripts, styles and fonts of the first view, as small as every browser can have them (gzip)."""

_LINKED = re.compile(r'(?:src|href)="/([^"]+)"')
_NOT_WAITED_FOR = frozenset({"manifest.webmanifest", "icons/apple-touch-180.png"})


def first_load(static: Path) -> dict[str, int]:
    """The files that the page's index names, itself included, with their sizes in transit."""
    index = static / "index.html"
    linked = [name for name in _LINKED.findall(index.read_text()) if name not in _NOT_WAITED_FOR]
    return {name: _transferred(static / name) for name in ("index.html", *linked)}


def check(static: Path) -> None:
    """Print what the first load is made of.

    Raises:
        WebBuildError: it is more than `FIRST_LOAD_BYTES`.
    """
    sizes = first_load(static)
    total = sum(sizes.values())
    for name, size in sorted(sizes.items(), key=lambda item: -item[1]):
        print(f"{size:9,}  {name}")
    print(f"{total:9,}  the first load; {FIRST_LOAD_BYTES:,} bytes are allowed")
    if total > FIRST_LOAD_BYTES:
        raise WebBuildError(
            f"the page's first load is {total - FIRST_LOAD_BYTES:,} bytes too big. Load what the "
            "overview does not show at once later: see web/src/components/Later.tsx"
        )


def _transferred(file: Path) -> int:
    packed = file.with_name(f"{file.name}.gz")
    return (packed if packed.exists() else file).stat().st_size
