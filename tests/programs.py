"""Programs that draw a screen of their own, and a real terminal to compare them with."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.bounds import HANG_SECONDS
from tests.e2e.arbor import wait_until

HAS_TERMINAL: Final = shutil.which("tmux") is not None
NO_TERMINAL: Final = "tmux, the terminal of these tests, is not installed"

# What the terminal is left as is looked at after the program's end.
STAYS: Final = '"$@"; exec sleep 1000'
BLANK_END: Final = re.compile(r"(?:\x1b\[[0-9;]*m| )+$")
# Asks for kitty's keys, as far as the terminal has them, and shows each key.
KITTY: Final = r"""
import os, re, tty
tty.setraw(0)
os.write(1, b"\x1b[?1049h\x1b[>31u\x1b[?2004h\x1b[2J\x1b[H")
os.write(1, b"\x1b[7mkitty\x1b[0m \x1b[38;5;208mREADY\x1b[0m")
row = 3
while True:
    # Keys that were pressed shortly after each other arrive together.
    for key in re.findall(rb"\x1b\[[0-9;:?]*.|.", os.read(0, 64), re.DOTALL):
        os.write(1, b"\x1b[%d;4H\x1b[4m%s\x1b[0m" % (row, repr(key).encode()))
        row += 1
"""
# Without a client the inner terminal has no session, and so its server ends with the test.
INNER: Final = """
set -g status-right ''
set -g status-left '[inner]'
set -g destroy-unattached on
"""
# A name, and what runs it in the folder that `install` has filled.
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


def install(folder: Path) -> None:
    """Put an executable for each of the programs into a folder, and what they show."""
    text = "".join(f"{n:4d}\tdef naive_{n}(x): return '日本語' * x  # é\n" for n in range(1, 200))
    (folder / "text").write_text(text)
    (folder / "kitty.py").write_text(KITTY)
    (folder / "inner.conf").write_text(INNER)
    for name, command in PROGRAMS.items():
        file = folder / name
        lines = (
            "#!/bin/sh",
            f"export HOME={folder} TERM=xterm-256color LC_ALL=C.UTF-8",
            f"export TMUX_TMPDIR={folder} LESSHISTFILE=- LESS=",
            "unset TMUX",
            command,
        )
        file.write_text("\n".join([*lines, ""]))
        file.chmod(0o755)


def skip_unless_installed(name: str) -> None:
    """Skip a test of one of the programs where the machine does not have it."""
    if shutil.which("python3" if name == "kitty" else name) is None:
        pytest.skip(f"{name} is not installed")


def compared(name: str, lines: list[str]) -> list[str]:
    """What has to be the same: of what changes by itself the lines that do not."""
    if name != "htop":
        return lines
    return [line for line in lines if "Command" in line or "Help" in line]


class Pane:
    """A program in a terminal of its own, run in `folder`; `home` is for the terminal's files."""

    def __init__(
        self,
        home: Path,
        folder: Path,
        environment: Mapping[str, str],
        size: tuple[int, int],
        *command: str,
    ) -> None:
        self._socket = home / f"tmux{next(_NUMBERS)}"
        conf = home / "tmux.conf"
        conf.write_text(
            "set -g status off\nset -g escape-time 0\nset -g default-terminal tmux-256color\n"
        )
        self._base = ["tmux", "-S", str(self._socket), "-f", str(conf)]
        self._environment = {**environment, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        self._environment.pop("TMUX", None)
        self._tmux("new-session", "-d", "-x", str(size[0]), "-y", str(size[1]), "-c",
                   str(folder), "sh", "-c", STAYS, "sh", *command)  # fmt: skip

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

    def text(self) -> list[str]:
        """The lines of the screen without attributes and the blanks at their ends."""
        lines = self._tmux("capture-pane", "-p").removesuffix("\n").split("\n")
        return [line.rstrip() for line in lines]

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
def pane(
    home: Path,
    folder: Path,
    environment: Mapping[str, str],
    size: tuple[int, int],
    *command: str,
) -> Iterator[Pane]:
    """A terminal with a program in it, for a while; see `Pane`."""
    made = Pane(home, folder, environment, size, *command)
    try:
        yield made
    finally:
        made.end()
