"""Real programs, left and attached again in a real terminal: each looks as it would there."""

from __future__ import annotations

import itertools
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import pytest

from tests import programs
from tests.e2e.arbor import wait_until
from tests.programs import PROGRAMS, SESSIONS, Pane, compared, skip_unless_installed

from .conftest import Up

pytestmark = pytest.mark.skipif(not programs.HAS_TERMINAL, reason=programs.NO_TERMINAL)

SIZE: Final = (80, 24)
OTHER_SIZE: Final = (101, 31)


def pane(up: Up, size: tuple[int, int], *command: str) -> AbstractContextManager[Pane]:
    """A terminal in the workspace's folder."""
    return programs.pane(up.home, up.folder, up.environment, size, *command)


@pytest.fixture(scope="module", name="folder")
def _folder(up: Up) -> Path:
    """The workspace's folder, with what the programs are and show."""
    programs.install(up.folder)
    return up.folder


def same(name: str, pane: Pane, wanted: Pane) -> None:
    """Wait until two terminals show the same, and say where they differ if they never do."""

    def differing() -> list[tuple[str | None, ...]]:
        looks = [(*compared(name, each.shown()), *each.cursor()) for each in (pane, wanted)]
        return [pair for pair in itertools.zip_longest(*looks) if pair[0] != pair[1]]

    try:
        wait_until(lambda: not differing(), "the screen to be as in a terminal")
    except AssertionError as error:
        raise AssertionError(f"{error}: {differing()}") from None


@pytest.mark.parametrize("size", [SIZE, OTHER_SIZE], ids=["same size", "another size"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_that_is_left_looks_the_same_when_one_comes_back(
    up: Up, folder: Path, name: str, size: tuple[int, int]
) -> None:
    skip_unless_installed(name)
    program = str(folder / name)
    run = up.command("run", "--tty", "--", program)
    with pane(up, SIZE, program) as wanted, pane(up, SIZE, *run) as first:
        for each in (wanted, first):
            each.until(SESSIONS[name].ready)
            each.type(SESSIONS[name].keys)
            each.until(SESSIONS[name].shown)
        same(name, first, wanted)
        first.type(("C-]",))
        first.until("detached; the task goes on")
        assert (first.flag("alternate_on"), first.flag("cursor_flag")) == ("0", "1")
        wanted.resize(size)
        with pane(up, size, *up.command("attach", "last")) as back:
            same(name, back, wanted)
    assert up.arbor("cancel", "--grace", "0", "last").returncode == 0


def test_the_terminal_of_these_tests_shows_differences(up: Up, folder: Path) -> None:
    """Two programs that do not show the same are told apart."""
    with pane(up, SIZE, str(folder / "less")) as one, pane(up, SIZE, str(folder / "vim")) as other:
        for each in (one, other):
            each.until("naive_9")
        assert one.shown() != other.shown()
    assert (folder / "text").exists()
