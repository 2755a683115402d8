"""A hub that runs as another user of this machine, as one with a system user of its own does.

Like `thief`, it imports everything before it becomes that user.
"""

from __future__ import annotations

import codecs
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from arborlink.hub import app
from tests.bounds import HANG_SECONDS
from tests.e2e.arbor import TOKEN, wait_until
from tests.e2e.thief import OTHER_USER
from tests.plain_http import HTTP
from tests.ports import free_port

# Found when they are first used, which is too late then.
ENCODINGS = ("ascii", "latin-1", "idna", "utf-8")


@contextmanager
def hub_of_another_user() -> Iterator[tuple[str, Path]]:
    """Its address and data folder, while it serves."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as home:
        os.chmod(home, 0o755)
        data = Path(home) / "hub"
        data.mkdir(mode=0o700)
        os.chown(data, OTHER_USER, OTHER_USER)
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.hub_of_another_user", str(port), str(data)],
            cwd=Path(__file__).parents[2],
            env={**kept, "ARBOR_BOOTSTRAP_TOKEN": TOKEN, "ARBOR_HOME": home},
        )
        try:
            wait_until(lambda: is_ready(process, url), "the hub to be ready")
            yield url, data
        finally:
            process.terminate()
            process.wait(HANG_SECONDS)


def is_ready(process: subprocess.Popen[bytes], url: str) -> bool:
    assert process.poll() is None, "the hub ended"
    try:
        return HTTP.get(f"{url}/readyz").status_code == 200
    except httpx2.HTTPError:
        return False


def main() -> int:
    """The process."""
    port, data = sys.argv[1:]
    for encoding in ENCODINGS:
        codecs.lookup(encoding)
    os.setgroups([])
    os.setgid(OTHER_USER)
    os.setuid(OTHER_USER)
    return app.run({"port": int(port), "data_dir": data})


if __name__ == "__main__":
    sys.exit(main())
