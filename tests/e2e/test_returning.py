"""`arbor run` right after something was restarted: it runs, once, and nobody had to say --queue."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.e2e.arbor import STOP_SECONDS, Arbor, wait_until


def killed_hub(arbor: Arbor) -> None:
    arbor.kill_hub()
    arbor.start_hub()


def restarted_hub(arbor: Arbor) -> None:
    assert arbor.hub is not None
    arbor.hub.terminate()
    arbor.hub.wait(STOP_SECONDS)
    arbor.start_hub()


def killed_connector(arbor: Arbor) -> None:
    arbor.kill_connector()
    wait_until(lambda: arbor.state() == "unreachable", "the hub to notice")


def restarted_daemon(arbor: Arbor) -> None:
    assert arbor.daemon is not None
    arbor.daemon.terminate()
    arbor.daemon.wait(STOP_SECONDS)
    arbor.daemon = arbor._start("daemon", str(arbor.workspace))


@pytest.mark.parametrize(
    "restart",
    [killed_hub, restarted_hub, killed_connector, restarted_daemon],
    ids=lambda each: each.__name__,
)
def test_a_command_is_not_refused_for_what_is_back_in_a_moment(
    arbor: Arbor, restart: Callable[[Arbor], None]
) -> None:
    for turn in range(3):
        restart(arbor)
        ran = arbor.run("run", "--shell", "--", f"echo {turn} | tee -a ran")
        assert (ran.returncode, ran.stdout) == (0, f"{turn}\n".encode()), ran.stderr
        wait_until(lambda: arbor.state() == "connected", "the daemon to be back")
    assert (arbor.workspace / "ran").read_text() == "0\n1\n2\n"
