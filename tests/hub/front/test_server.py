"""How a hub begins and ends to listen."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import subprocess
import sys
import warnings
from contextlib import ExitStack
from pathlib import Path

import pytest

from arborlink.hub.composition import OUTPUT_FOLDER, application, compose
from arborlink.hub.server import HubServer
from arborlink.hub.settings import load_settings
from arborlink.hub.store.sqlite import DATABASE_FILE
from arborlink.protocol.errors import Unavailable
from tests.bounds import HANG_SECONDS

NEWCOMERS = 5


class LeavesAsTheyCome(HubServer):
    """Is told to stop in the very round of its loop in which it accepted newcomers."""

    def __init__(self, data_dir: Path, stack: ExitStack) -> None:
        self.newcomers: list[socket.socket] = []
        self._data_dir = data_dir
        self._stack = stack

    async def serve_once(self) -> None:
        """From its start to its end."""
        settings = load_settings({"port": 0, "data_dir": str(self._data_dir)}, {})
        hub = await compose(settings)
        super().__init__(
            application(hub),
            settings,
            drain=hub.drain,
            on_listening=self._connect,
            own_signals=False,
        )
        async with hub.running():
            await self.serve()

    def _connect(self, port: int) -> None:
        for _ in range(NEWCOMERS):
            self.newcomers.append(
                self._stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            )

    async def on_tick(self, counter: int) -> bool:
        """The loop looks at its sockets after the first pause, and goes on after the second."""
        del counter
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return True


async def test_nobody_who_was_accepted_is_left_hanging_when_it_stops(tmp_path: Path) -> None:
    with ExitStack() as stack, warnings.catch_warnings(record=True) as leaks:
        warnings.simplefilter("always", ResourceWarning)
        hub = LeavesAsTheyCome(tmp_path, stack)
        await hub.serve_once()
        for newcomer in hub.newcomers:
            newcomer.settimeout(HANG_SECONDS)
            assert newcomer.recv(1) == b""
        gc.collect()
        assert [str(leak.message) for leak in leaks] == []


def test_a_port_that_is_taken_is_named_with_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-m", "arborlink.cli", "hub", "--port", str(port)],
            env={"PATH": os.environ["PATH"], "ARBOR_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
            check=False,
        )

    assert ended.returncode != 0
    assert f"cannot listen on 127.0.0.1 port {port}" in ended.stderr
    assert "--port" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("left", [None, b""])
async def test_outputs_without_a_database_are_not_taken_for_a_new_hub(
    tmp_path: Path, left: bytes | None
) -> None:
    (tmp_path / OUTPUT_FOLDER / "xx").mkdir(parents=True)
    if left is not None:
        (tmp_path / DATABASE_FILE).write_bytes(left)
    with pytest.raises(Unavailable) as refused:
        await compose(load_settings({"data_dir": str(tmp_path)}, {}))
    assert refused.value.code == "database_lost"
