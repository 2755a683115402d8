"""Opens a browser with a link that signs in, without the link among its arguments.

Every user of a machine can read the arguments of every process, and a link signs in whoever opens
it first. The browser is given a file that its owner alone can read, and that redirects.
"""

from __future__ import annotations

import html
import os
import subprocess
import sys
import tempfile
import webbrowser
from pathlib import Path
from typing import Final

from arborlink import home

# For a browser that has to start first.
OPENED_SECONDS: Final = 60.0
_PREFIX: Final = "sign-in-"
_REMOVE: Final = (
    "import os, sys, time; time.sleep(float(sys.argv[2])); "
    "os.path.exists(sys.argv[1]) and os.unlink(sys.argv[1])"
)


def has_display() -> bool:
    """Return whether a browser could show anything here."""
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def show(page: Path) -> bool:
    """Return whether a browser could be opened with a page."""
    return webbrowser.open(page.as_uri())


def open_link_and_leave(url: str) -> bool:
    """Return whether a browser was opened with `url`; a process stays to remove the file."""
    page = write_page(url)
    if not show(page):
        page.unlink(missing_ok=True)
        return False
    subprocess.Popen(
        [sys.executable, "-P", "-c", _REMOVE, str(page), str(OPENED_SECONDS)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    return True


def write_page(url: str) -> Path:
    """Write a page that leads to `url`, for its user alone; the caller removes it."""
    folder = home.pages_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Of one that was killed before it removed its own.
    for stale in folder.glob(f"{_PREFIX}*"):
        stale.unlink(missing_ok=True)
    # Mode 0600 from the start, and a name that nothing else has (`mkstemp`).
    descriptor, name = tempfile.mkstemp(".html", _PREFIX, folder)
    with os.fdopen(descriptor, "w") as file:
        target = html.escape(url, quote=True)
        file.write(
            '<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
            f'<meta http-equiv="refresh" content="0; url={target}"><title>Arbor</title>\n'
        )
    return Path(name)
