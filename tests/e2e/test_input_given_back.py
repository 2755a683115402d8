"""What a command did not read of a file is exact, though every connection is cut meanwhile."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import IO

from arborlink.testing.chaos_proxy import ChaosProxy
from tests.bounds import HANG_SECONDS
from tests.e2e.arbor import Arbor, command, wait_until

READ_BYTES = 3_000_001
CUT_AT_BYTES = (100_000, 700_000, 1_500_000)
# Reads exactly so many bytes, of which the last ones only when it is told to.
READER = f"""
import os, pathlib
left = {READ_BYTES}
while left:
    if left < 1_000_000 and not pathlib.Path("begun").exists():
        pathlib.Path("begun").touch()
        open("enough").close()  # a FIFO: until the test opens it, too
    left -= len(os.read(0, min(left, 10_000)))
"""


async def test_the_next_reader_goes_on_where_the_command_stopped(tmp_path: Path) -> None:
    arbor = Arbor(tmp_path / "home", tmp_path / "workspace")
    data = random.Random(3).randbytes(8_000_000)
    (tmp_path / "data").write_bytes(data)
    os.mkfifo(arbor.workspace / "enough")
    async with (
        ChaosProxy("127.0.0.1", arbor.port, 1) as daemon_side,
        ChaosProxy("127.0.0.1", arbor.port, 2) as viewer_side,
    ):
        try:
            await asyncio.to_thread(arbor.start_hub)
            await asyncio.to_thread(arbor.start_daemon, through=daemon_side.port)
            with (tmp_path / "data").open("rb") as file:
                process = await asyncio.to_thread(reading, arbor, viewer_side.port, file)
                for passed in CUT_AT_BYTES:
                    await asyncio.to_thread(
                        wait_until, partial(has_passed, viewer_side, passed), "more input"
                    )
                    daemon_side.cut()
                    viewer_side.cut()
                await asyncio.to_thread(
                    wait_until, (arbor.workspace / "begun").exists, "the last of the input"
                )
                await asyncio.to_thread(lambda: (arbor.workspace / "enough").open("w").close())
                _, said = await asyncio.to_thread(process.communicate, None, HANG_SECONDS)
                assert (process.returncode, said) == (0, b"")
                # The position belongs to all who share the open file.
                assert file.read() == data[READ_BYTES:]
        finally:
            await asyncio.to_thread(arbor.stop)


def has_passed(proxy: ChaosProxy, count: int) -> bool:
    """Whether so many bytes have gone up, repeated ones with them."""
    return proxy.bytes_up >= count


def reading(arbor: Arbor, port: int, file: IO[bytes]) -> subprocess.Popen[bytes]:
    """`arbor run`, through a proxy, with a file as its input."""
    return subprocess.Popen(
        command(["run", "--", sys.executable, "-c", READER]),
        env=arbor.environment({"ARBOR_URL": f"http://127.0.0.1:{port}"}),
        cwd=arbor.workspace,
        stdin=file,
        stderr=subprocess.PIPE,
    )
