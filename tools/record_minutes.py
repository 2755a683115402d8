"""Records the first minutes of a new user, with Arbor itself: `python tools/record_minutes.py`.

A hub and a daemon of their own run a shell in a terminal; in it another Arbor is started in an
empty home and used as README.md shows. The recording (asciicast, version 2) of that shell is
written to `docs/first-minutes.cast`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from arborlink.client import Chunk, Hub, TaskHandle

ROOT: Final = Path(__file__).parent.parent
RECORDING: Final = ROOT / "docs" / "first-minutes.cast"
ARBOR: Final = (sys.executable, "-m", "arborlink.cli")
SIZE: Final = (100, 30)
PROMPT: Final = b"\x1b[32m~/project\x1b[0m $ "
HOME: Final = b"/home/mia"
KEY_SECONDS: Final = 0.03
READ_SECONDS: Final = 1.2
LINES: Final = (
    "# A hub and a daemon for this folder, in one go:",
    "arbor up --detach --no-browser --port 0",
    "arbor run -- sh -c 'for i in 1 2 3; do echo line $i; sleep 0.4; done'",
    "arbor run -- sh -c 'exit 7'; echo $?",
    "echo 'standard input travels, too' | arbor run -- wc -c",
    "arbor run --detach -- sh -c 'echo training; sleep 2; echo done'",
    "arbor logs -f last",
    "arbor tasks",
    "arbor run --detach -- sh -c 'while :; do :; done'",
    "sleep 6; arbor top --once",
    "arbor cancel last",
    "arbor search training",
    "arbor doctor | tail -n 3",
    "arbor down",
    "# Tasks and their output are kept. Start again with `arbor up`.",
)


async def main() -> None:
    """Record, and write the recording."""
    with tempfile.TemporaryDirectory(prefix="arbor-") as base:
        folder = Path(base)
        # The path that is seen: as short as a person's would be.
        (folder / "project").mkdir()
        async with _arbor(folder) as hub:
            task = await hub.run(
                "bash",
                "--norc",
                "--noprofile",
                cwd="project",
                env=_variables(folder),
                tty=SIZE,
                title="Arbor: the first minutes",
                stdin="open",
            )
            await _type(task)
            await task.wait()
            async with hub.formatted_output(task.id, form="asciicast") as response:
                RECORDING.write_bytes(_anonymous(await response.aread(), folder))
    print(f"wrote {RECORDING.relative_to(ROOT)}", file=sys.stderr)


def _anonymous(recording: bytes, folder: Path) -> bytes:
    """Return the recording without this machine's folder, and without the used-up sign-in link."""
    named = recording.replace(str(folder).encode(), HOME)
    return re.sub(rb"#link=\w+", b"#link=" + b"x" * 24, named)


def _variables(folder: Path) -> dict[str, str]:
    shim = folder / "bin"
    shim.mkdir()
    (shim / "arbor").symlink_to(Path(sys.executable).parent / "arbor")
    return {
        "HOME": str(folder),
        "PATH": f"{shim}:/usr/bin:/bin",
        "PS1": "\\[\\e[32m\\]\\w\\[\\e[0m\\] $ ",
        "LC_ALL": "C.UTF-8",
        "HISTFILE": "",
    }


async def _type(task: TaskHandle) -> None:
    """Type each line when the prompt of the one before is there."""
    seen = bytearray()
    prompted = asyncio.Event()

    async def watch() -> None:
        async for item in task.output():
            if isinstance(item, Chunk):
                seen.extend(item.data)
                if seen.endswith(PROMPT):
                    prompted.set()

    watching = asyncio.ensure_future(watch())
    for line in (*LINES, "exit"):
        await prompted.wait()
        await asyncio.sleep(READ_SECONDS)
        for key in line:
            await task.write(key.encode())
            await asyncio.sleep(KEY_SECONDS)
        prompted.clear()
        await task.write(b"\r")
    await watching


@contextlib.asynccontextmanager
async def _arbor(folder: Path) -> AsyncIterator[Hub]:
    """The hub that records, and its daemon, in a home that is not the one seen."""
    home = folder / ".recorder"
    environment = {**os.environ, "ARBOR_HOME": str(home)}
    await _run("up", "--detach", "--no-browser", "--port", "0", str(folder), env=environment)
    os.environ["ARBOR_HOME"] = str(home)
    try:
        async with Hub() as hub:
            yield hub
    finally:
        await _run("down", env=environment)


async def _run(*words: str, env: dict[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(*ARBOR, *words, env=env)
    if await process.wait() != 0:
        raise SystemExit(f"`arbor {' '.join(words)}` failed")


if __name__ == "__main__":
    asyncio.run(main())
