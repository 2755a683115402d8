"""The supervisor lives as long as the machine, and has nothing of the network in its memory."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("asyncio", "ssl", "h11", "httpx2", "websockets", "cryptography")
SCRIPT = f"""
import sys
import arborlink.daemon.app
print(*[name for name in {HEAVY!r} if name in sys.modules])
"""


def test_the_supervisor_imports_nothing_of_the_network() -> None:
    loaded = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, check=True)
    assert loaded.stdout.split() == []
