"""`arbor run` right after something was restarted: it runs, once, and nobody had to say --queue."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.bounds import HANG_SECONDS
from tests.e2e.arbor import Arbor, wait_until
from tests.e2e.shared import mended, one_with

# The most there is. A machine that is busy takes its time to start a process.
GRACE_SECONDS = 30


def connection_ids(arbor: Arbor) -> set[str]:
    """Of the daemon's connection, if there is one."""
    body = arbor.api("/api/connections")
    assert isinstance(body, dict)
    return {str(each["id"]) for each in body["items"] if each["kind"] == "daemon"}


def killed_hub(arbor: Arbor) -> None:
    arbor.kill_hub()
    arbor.start_hub()


def restarted_hub(arbor: Arbor) -> None:
    assert arbor.hub is not None
    arbor.hub.terminate()
    arbor.hub.wait(HANG_SECONDS)
    arbor.start_hub()


def killed_connector(arbor: Arbor) -> None:
    before = connection_ids(arbor)
    arbor.kill_connector()
    # The next one may be there before the hub is asked.
    wait_until(lambda: connection_ids(arbor) != before, "the hub to notice")


def restarted_daemon(arbor: Arbor) -> None:
    assert arbor.daemon is not None
    arbor.daemon.terminate()
    arbor.daemon.wait(HANG_SECONDS)
    arbor.daemon = arbor._start("daemon", str(arbor.workspace))


# A hub that expects daemons back for as long as it may be told to.
one_for_all = one_with(reconnect_grace_seconds=GRACE_SECONDS)
arbor = mended


@pytest.mark.parametrize(
    "restart",
    [killed_hub, restarted_hub, killed_connector, restarted_daemon],
    ids=lambda each: each.__name__,
)
def test_a_command_is_not_refused_for_what_is_back_in_a_moment(
    arbor: Arbor, restart: Callable[[Arbor], None]
) -> None:
    ran_file = f"ran-{restart.__name__}"
    for turn in range(3):
        restart(arbor)
        ran = arbor.run("run", "--shell", "--", f"echo {turn} | tee -a {ran_file}")
        assert (ran.returncode, ran.stdout) == (0, f"{turn}\n".encode()), ran.stderr
        wait_until(lambda: arbor.state() == "connected", "the daemon to be back")
    assert (arbor.workspace / ran_file).read_text() == "0\n1\n2\n"
