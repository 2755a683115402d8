"""Mount points that are to have a disk, and have none at the moment.

What is written below one lands on the disk that the empty folder is on, fills that, and is hidden
as soon as the right one is mounted.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

FSTAB: Final = Path("/etc/fstab")
MAX_BYTES: Final = 1024 * 1024
# fstab(5): a space, tab or backslash of a name is written in octal.
_ESCAPE: Final = re.compile(r"\\([0-7]{3})")


def unmounted_above(path: Path, fstab: Path | None = None) -> Path | None:
    """Return the mount point that `path` is in or below, if nothing is mounted there."""
    real = path.absolute().resolve()
    points = _points(fstab or FSTAB)
    for each in (real, *real.parents):
        if each in points and not os.path.ismount(each):
            return each
    return None


def _points(fstab: Path) -> set[Path]:
    try:
        with fstab.open("rb") as file:
            text = os.fsdecode(file.read(MAX_BYTES))
    except OSError:
        return set()
    fields = [line.split() for line in text.splitlines() if not line.lstrip().startswith("#")]
    names = [each[1] for each in fields if len(each) > 1 and each[1].startswith("/")]
    return {Path(_ESCAPE.sub(lambda found: chr(int(found[1], 8)), name)) for name in names}
