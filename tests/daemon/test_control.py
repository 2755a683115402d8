"""A supervisor answers as long as it works: from its loop, in every state folder, to its user."""

from __future__ import annotations

import os
import signal
import socket
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from arborlink import __version__
from arborlink.daemon.control import BACKLOG, CONTROL_SOCKET, Answer, Control, ask
from arborlink.daemon.loop import Loop
from tests.bounds import HANG_SECONDS

from .conftest import Arena

# One that hangs is asked for so long.
SOON: float = 0.05


@pytest.fixture(name="loop")
def _loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.close()


def listening(loop: Loop, *folders: Path) -> Control:
    failures: list[OSError] = []
    control = Control(loop, folders, "1.2.3", lambda _, error: failures.append(error))
    assert not failures
    return control


def answers(loop: Loop, folder: Path, count: int = 1) -> list[Answer | None]:
    """What is answered to as many questions at once, while the loop turns."""
    with ThreadPoolExecutor(count) as threads:
        asked = [threads.submit(ask, folder, HANG_SECONDS) for _ in range(count)]
        while not all(each.done() for each in asked):
            loop.call_later(SOON, lambda: None)
            loop.turn()
        return [each.result() for each in asked]


@pytest.mark.parametrize("name", ["short", "l" * 200])
def test_every_folder_has_an_answer_however_long_its_path_is(
    tmp_path: Path, loop: Loop, name: str
) -> None:
    folders = [tmp_path / name / each for each in "ab"]
    for each in folders:
        each.mkdir(parents=True)
    control = listening(loop, *folders)
    for each in folders:
        assert answers(loop, each) == [Answer(os.getpid(), "1.2.3")]
        assert stat.S_IMODE((each / CONTROL_SOCKET).stat().st_mode) == 0o600
    control.close()
    assert ask(folders[0], SOON) is None


def test_one_that_does_not_turn_does_not_answer(tmp_path: Path, loop: Loop) -> None:
    control = listening(loop, tmp_path)
    with pytest.raises(TimeoutError):
        ask(tmp_path, SOON)
    # Nor when no further question may wait.
    waiting = []
    try:
        with pytest.raises(BlockingIOError):
            for _ in range(BACKLOG + 2):
                waiting.append(socket.socket(socket.AF_UNIX))
                waiting[-1].setblocking(False)
                waiting[-1].connect(bytes(tmp_path / CONTROL_SOCKET))
        with pytest.raises(TimeoutError):
            ask(tmp_path, SOON)
    finally:
        for each in waiting:
            each.close()
    # And then it does.
    assert answers(loop, tmp_path, 2 * BACKLOG) == [Answer(os.getpid(), "1.2.3")] * (2 * BACKLOG)
    control.close()


def test_what_a_killed_one_left_is_no_obstacle(tmp_path: Path, loop: Loop) -> None:
    control = listening(loop, tmp_path)
    control.close()
    assert (tmp_path / CONTROL_SOCKET).exists()
    again = listening(loop, tmp_path)
    assert answers(loop, tmp_path) == [Answer(os.getpid(), "1.2.3")]
    again.close()


def test_a_folder_that_takes_no_socket_is_told_of(tmp_path: Path, loop: Loop) -> None:
    (tmp_path / CONTROL_SOCKET).mkdir()
    failures: list[tuple[Path, OSError]] = []
    control = Control(loop, [tmp_path], "1", lambda *failure: failures.append(failure))
    ((folder, error),) = failures
    assert folder == tmp_path and isinstance(error, OSError)
    assert ask(tmp_path, SOON) is None
    control.close()


def test_what_was_never_served_cannot_be_asked(tmp_path: Path) -> None:
    assert ask(tmp_path, SOON) is None
    assert ask(tmp_path / "nowhere" / ("l" * 200), SOON) is None


async def test_a_daemon_answers_until_it_stands_still(arena: Arena) -> None:
    state, process = arena.daemon.state, arena.daemon.process
    assert process is not None
    answer = ask(state, HANG_SECONDS)
    assert answer == Answer(process.pid, __version__)
    os.kill(process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(TimeoutError):
            ask(state, SOON)
    finally:
        os.kill(process.pid, signal.SIGCONT)
    assert ask(state, HANG_SECONDS) == answer
