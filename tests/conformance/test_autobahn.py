"""Both of our ends speak RFC 6455, as the Autobahn Testsuite judges it (`make autobahn`)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from websockets.exceptions import ConnectionClosed

from arborlink.daemon.dialing import dial
from arborlink.proof.known_hub import KnownHub
from tests.conformance import suite
from tests.e2e.arbor import wait_until
from tests.ports import free_port

pytestmark = [pytest.mark.autobahn, pytest.mark.timeout(900)]

SECONDS: Final = 300
AGENT: Final = "arbor"
# Case to reason.
DEVIATIONS: Final = {
    "7.1.5": "websockets takes a close frame amid a fragmented message for a broken message and "
    "answers 1002; the connection ends either way, and nothing of the message is delivered",
}


@pytest.fixture(scope="module")
def python() -> str:
    """The interpreter of the suite, with the suite."""
    found = suite.find_python()
    if found is None:
        pytest.skip(
            "The Autobahn Testsuite needs Python 2.7 with pip, and none is here: put python2.7 on "
            "the PATH, or `pyenv install 2.7.18`."
        )
    suite.install(found)
    return found


@contextmanager
def echo_hub() -> Iterator[int]:
    """The hub's server as a process; its port."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.conformance.echo_hub"], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()
            assert process.wait(suite.STOP_SECONDS) == 0


def test_the_hubs_server(python: str, tmp_path: Path) -> None:
    with echo_hub() as port:
        target = {"agent": AGENT, "url": f"ws://127.0.0.1:{port}"}
        with suite.running(python, "fuzzingclient", tmp_path, {"servers": [target]}) as process:
            process.wait(SECONDS)
    judge(tmp_path)


async def test_the_daemons_client(python: str, tmp_path: Path) -> None:
    url = f"ws://127.0.0.1:{free_port()}"
    with suite.running(python, "fuzzingserver", tmp_path, {"url": url}):
        log = tmp_path / "suite.log"
        wait_until(lambda: "Ok, will run" in log.read_text(), "the suite to listen")
        # The suite is no hub, and is not asked whether it is.
        known = KnownHub(url.replace("ws", "http", 1))
        known.asks = False
        connection = await dial(f"{url}/getCaseCount", known)
        count = int(await connection.recv())
        for case in range(1, count + 1):
            await echo(f"{url}/runCase?case={case}&agent={AGENT}", known)
        await echo(f"{url}/updateReports?agent={AGENT}", known)
    judge(tmp_path)


async def echo(url: str, known: KnownHub) -> None:
    """Send back what comes, to the end of the connection."""
    connection = await dial(url, known)
    try:
        async for message in connection:
            await connection.send(message)
    except ConnectionClosed:
        pass


def judge(folder: Path) -> None:
    """Nothing fails but what is named, and what is named still fails."""
    failed = suite.failures(folder)
    print(f"{suite.CASE_COUNT - len(failed)} of {suite.CASE_COUNT} cases pass; not: {failed}")
    assert failed == set(DEVIATIONS)
