"""Real programs, left and attached again in a real terminal: each looks as it would there."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.bounds import HANG_SECONDS
from tests.e2e.arbor import wait_until

from .conftest import Up

pytestmark = pytest.mark.skipif(
    shutil.which("tmux") is None, reason="tmux, the terminal of these tests, is not installed"
)

# What the terminal is left as is looked at after the program's end.
STAYS: Final = '"$@"; exec sleep 1000'
BLANK_END: Final = re.compile(r"(?:\x1b\[[0-9;]*m| )+$")
SIZE: Final = (80, 24)
OTHER_SIZE: Final = (101, 31)
# Asks for kitty's keys, as far as the terminal has them, and shows each key.
KITTY: Final = r"""
import os, sys, termios, tty
tty.setraw(0)
os.write(1, b"\x1b[?1049h\x1b[>31u\x1b[?2004h\x1b[2J\x1b[H")
os.write(1, b"\x1b[7mkitty\x1b[0m \x1b[38;5;208mREADY\x1b[0m")
row = 3
while True:
    key = os.read(0, 1)
    while key[:1] == b"\x1b" and not key[-1:].isalpha():
        key += os.read(0, 1)
    os.write(1, b"\x1b[%d;4H\x1b[4m%s\x1b[0m" % (row, repr(key).encode()))
    row += 1
"""
# A name, and what runs it in the workspace's folder.
PROGRAMS: Final = {
    "vim": "exec vim -u NONE -n --not-a-term text",
    "less": "exec less -N -S text",
    "htop": "exec htop -d 100",
    "tmux": "exec tmux -L inner$$ -f inner.conf new-session 'PS1=\"$ \" exec sh'",
    "fish": "exec fish --no-config -C 'function fish_prompt; echo \"fish> \"; end'",
    "kitty": "exec python3 kitty.py",
}


class Session(NamedTuple):
    """What is on the screen first, what is typed then, as tmux calls the keys, and what is there
    after that."""

    ready: str
    keys: tuple[str, ...]
    shown: str


SESSIONS: Final = {
    "vim": Session("199", (":set number hlsearch", "Enter", "/naive", "Enter", ":split",
                   "Enter", "ddp", ":echo 'MA' .. 'RK'", "Enter"), "MARK"),
    "less": Session("text", ("/naive_50", "Enter", "jj"), "naive_70"),
    "htop": Session("F10", (), "F10"),
    "tmux": Session("$", ("C-b", "%", "cat text; echo MA''RK", "Enter"), "MARK"),
    "fish": Session("fish>", ("echo MA''RK", "Enter"), "MARK"),
    "kitty": Session("READY", ("x", "Up"), "b'\\x1b"),
}  # fmt: skip
_NUMBERS: Final = itertools.count()


class Pane:
    """A program in a terminal of its own."""

    def __init__(self, up: Up, size: tuple[int, int], *command: str) -> None:
        self._socket = up.home / f"tmux{next(_NUMBERS)}"
        conf = up.home / "tmux.conf"
        conf.write_text(
            "set -g status off\nset -g escape-time 0\nset -g default-terminal tmux-256color\n"
        )
        self._base = ["tmux", "-S", str(self._socket), "-f", str(conf)]
        self._environment = {**up.environment, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        self._environment.pop("TMUX", None)
        self._tmux("new-session", "-d", "-x", str(size[0]), "-y", str(size[1]), "-c",
                   str(up.folder), "sh", "-c", STAYS, "sh", *command)  # fmt: skip

    def type(self, keys: tuple[str, ...]) -> None:
        """Press keys, by name or as text."""
        for key in keys:
            self._tmux("send-keys", key)

    def shown(self) -> list[str]:
        """The lines of the screen with their attributes.

        Without the blanks at their ends: whether those were written or erased cannot be seen.
        """
        lines = self._tmux("capture-pane", "-p", "-e", "-N").split("\n")
        return [BLANK_END.sub("", line) for line in lines]

    def until(self, text: str) -> None:
        """Wait until a text is on the screen."""
        try:
            wait_until(lambda: text in self._tmux("capture-pane", "-p"), f"{text} on the screen")
        except AssertionError as error:
            raise AssertionError(f"{error}: {self._tmux('capture-pane', '-p')}") from None

    def flag(self, name: str) -> str:
        """A format of tmux for the pane."""
        return self._tmux("display", "-p", f"#{{{name}}}").strip()

    def cursor(self) -> tuple[str, ...]:
        """Whether the screen is the alternate one, and where the cursor is, if it is shown."""
        seen = self.flag("cursor_flag"), self.flag("alternate_on")
        return seen if seen[0] == "0" else (*seen, self.flag("cursor_x"), self.flag("cursor_y"))

    def resize(self, size: tuple[int, int]) -> None:
        """Make the terminal another size."""
        self._tmux("resize-window", "-x", str(size[0]), "-y", str(size[1]))

    def end(self) -> None:
        """End it and what runs in it."""
        self._tmux("kill-server")

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            [*self._base, *words],
            env=self._environment,
            capture_output=True,
            timeout=HANG_SECONDS,
            check=True,
        )
        return done.stdout.decode(errors="replace")


@contextmanager
def pane(up: Up, size: tuple[int, int], *command: str) -> Iterator[Pane]:
    made = Pane(up, size, *command)
    try:
        yield made
    finally:
        made.end()


@pytest.fixture(scope="module", name="folder")
def _folder(up: Up) -> Path:
    """The workspace's folder, with what the programs are and show."""
    text = "".join(f"{n:4d}\tdef naive_{n}(x): return '日本語' * x  # é\n" for n in range(1, 200))
    (up.folder / "text").write_text(text)
    (up.folder / "kitty.py").write_text(KITTY)
    (up.folder / "inner.conf").write_text("set -g status-right ''\nset -g status-left '[inner]'\n")
    for name, command in PROGRAMS.items():
        file = up.folder / name
        lines = (
            "#!/bin/sh",
            f"export HOME={up.folder} TERM=xterm-256color LC_ALL=C.UTF-8",
            f"export TMUX_TMPDIR={up.folder} LESSHISTFILE=- LESS=",
            "unset TMUX",
            command,
        )
        file.write_text("\n".join([*lines, ""]))  # fmt: skip
        file.chmod(0o755)
    return up.folder


def compared(name: str, lines: list[str]) -> list[str]:
    """What has to be the same: of what changes by itself the lines that do not."""
    if name != "htop":
        return lines
    return [line for line in lines if "Command" in line or "Help" in line]


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
    if shutil.which("python3" if name == "kitty" else name) is None:
        pytest.skip(f"{name} is not installed")
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
    assert os.path.exists(folder / "text")
