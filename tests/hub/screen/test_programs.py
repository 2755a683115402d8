"""Real programs on a terminal: the model shows what tmux shows, and so does its snapshot."""

from __future__ import annotations

import os
import pty
import select
import shutil
import struct
import sys
import termios
from fcntl import ioctl
from pathlib import Path
from typing import NamedTuple

import pytest

from arborlink.hub.screen.model import ScreenModel
from arborlink.hub.screen.parser import Parser
from arborlink.hub.screen.snapshot import snapshot
from arborlink.protocol import limits
from tests.bounds import HANG_SECONDS

from .reference import FLAGS, Shown, in_model, in_tmux, needs_tmux

pytestmark = needs_tmux

TEXT = "".join(
    f"{number:4d} \tdef naïve_{number}(x): return '日本語' * x  # {'─' * (number % 50)}\n"
    for number in range(1, 200)
)


class Session(NamedTuple):
    """A command, and of what was typed each time until which text came."""

    command: list[str]
    steps: list[tuple[bytes, bytes]]


SESSIONS = {
    "vim": Session(
        ["vim", "-u", "NONE", "-n", "--not-a-term", "text"],
        [
            (b":set number hlsearch ruler\r:syntax on\r", b"syntax"),
            (b"/return\rzz:split\r", b"return"),
            (b"ddpyyP:echo 'MARK' 1+1\r", b"MARK 2"),
        ],
    ),
    "vim, inserting": Session(
        ["vim", "-u", "NONE", "-n", "--not-a-term", "text"],
        [(b"Gonew line\twith text\x1bggxxx50%:echo 'MARK' 1+1\r", b"MARK 2")],
    ),
    "less": Session(
        ["less", "-N", "-S", "text"], [(b"/naive|return\r", b"return"), (b"jjG", b"END")]
    ),
    "htop": Session(["htop", "-d", "100"], [(b"", b"Help")]),
    "fish": Session(["fish", "--no-config"], [(b"echo MA''RK; ls /\r", b"MARK")]),
    "tmux": Session(
        ["tmux", "-L", "inner", "-f", "/dev/null", "new-session", "sh"],
        [(b"cat text; echo MA''RK\r", b"MARK"), (b'\x02%echo SEC""OND\r', b"SECOND")],
    ),
    "shell": Session(
        ["sh", "-c", "cat text; tput setaf 2; tput rev; echo MARK; cat"], [(b"", b"MARK")]
    ),
}


def recorded(session: Session, folder: Path, cols: int, rows: int) -> bytes:
    """What the program writes to a terminal of this size."""
    (folder / "text").write_text(TEXT)
    variables = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "xterm-256color",
        "LC_ALL": "C.UTF-8", "TMUX_TMPDIR": str(folder), "LESSHISTFILE": "-",
    }  # fmt: skip
    pid, master = pty.fork()
    if pid == 0:
        try:
            os.chdir(folder)
            ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
            os.execvpe(session.command[0], session.command, variables)
        finally:
            os._exit(127)
    output = bytearray()
    try:
        for keys, text in session.steps:
            before = len(output)
            os.write(master, keys)
            while text not in output[before:]:
                assert select.select([master], [], [], HANG_SECONDS)[0], bytes(output[-500:])
                output += os.read(master, 65_536)
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(master)
    return bytes(output)


def differences(one: Shown, other: Shown) -> list[object]:
    found: list[object] = []
    for y, (row, wanted) in enumerate(zip(one.cells, other.cells, strict=True)):
        cells = enumerate(zip(row, wanted, strict=True))
        found += [(y, x, cell, right) for x, (cell, right) in cells if cell != right][:1]
    return found + [
        (name, one.flags[name], other.flags[name])
        for name in FLAGS
        if one.flags[name] != other.flags[name]
    ]


def compare(data: bytes, cols: int, rows: int, folder: Path) -> None:
    """The same cells and modes in tmux, in the model, and in tmux after the model's snapshot."""
    model = ScreenModel(cols, rows)
    Parser(model).feed(data)
    wanted = in_tmux(data, cols, rows, folder)
    assert not differences(in_model(model), wanted)
    again = snapshot(model, limits.SCREEN_BYTES)
    assert again is not None
    assert not differences(in_tmux(again, cols, rows, folder), wanted)


@pytest.mark.parametrize(("cols", "rows"), [(80, 24), (61, 17)])
@pytest.mark.parametrize("name", SESSIONS)
def test_a_program_shows_what_it_shows_in_tmux(
    name: str, cols: int, rows: int, tmp_path: Path
) -> None:
    session = SESSIONS[name]
    if shutil.which(session.command[0]) is None:
        pytest.skip(f"{session.command[0]} is not installed")
    data = recorded(session, tmp_path, cols, rows)
    print(f"{name}: {len(data)} bytes", file=sys.stderr)
    compare(data, cols, rows, tmp_path)


# Of each kind of sequence one that a program uses, where terminals agree.
PIECES = {
    "colours": b"\x1b[31;44mA\x1b[38;5;208mB\x1b[48;2;1;2;3mC\x1b[0;1;2;3;4;5;7;9mD\x1b[m",
    "wide": "日本語 한국어 e\u0301 naïve\r\n".encode() * 5 + "x日".encode() * 30,
    "wide over the edge": ("x" * 79 + "日\x1b[1;80H本").encode(),
    "drawing": b"\x1b(0lqqqk\x1b(B text \x1b)0\x0eqqq\x0f",
    "margins": b"\x1b[5;10r\x1b[10;1H" + b"line\r\n" * 9 + b"\x1b[5H\x1bM\x1bM\x1b[7;3H",
    "insert and delete": b"abcdefgh\x1b[3G\x1b[2@XY\x1b[2P\x1b[1;1H\x1b[2L\x1b[M\x1b[3X",
    "insert mode": b"abc\x1b[1G\x1b[4hXY\x1b[4l",
    "tabs": b"\ta\tb\r\x1b[3g\x1b[5G\x1bH\r\tc\x1b[Zd",
    "alternate": b"main\x1b[?1049h\x1b[2;2Halternate\x1b[?1h\x1b=\x1b[?1002;1006h\x1b[?25l",
    "back again": b"main\x1b[?1049halternate\x1b[?1049l after",
    "saved cursor": b"\x1b[3;3H\x1b[31m\x1b7\x1b[9;9H\x1b[m*\x1b8+",
    "past the end": b"x" * 80,
    "no autowrap": b"\x1b[?7l" + b"abcdefghij" * 9,
    "origin": b"\x1b[5;9r\x1b[?6h\x1b[2;2HX",
    "scrolling": b"".join(b"%d\r\n" % number for number in range(100)) + b"\x1b[3A\x1b[J",
    "strings": b"\x1b]0;title\x07\x1bP+q544e\x1b\\\x1b_hidden\x1b\\\x1b[>4;2m\x1b[=1u\x1b[>1utext",
    "erasing": b"x" * 400 + b"\x1b[3;10H\x1b[1K\x1b[2;5H\x1b[K\x1b[4;2H\x1b[1J\x1b[5;40H\x1b[J",
    "repeating": b"ab\x1b[10b\x1b[2;1H-\x1b[20b",
}  # fmt: skip


@pytest.mark.parametrize("name", PIECES)
def test_a_sequence_does_what_it_does_in_tmux(name: str, tmp_path: Path) -> None:
    data = PIECES[name]
    compare(data, 80, 24, tmp_path)
