"""`arbor run --tty` and `arbor attach` on a terminal: how it is left, and what a replay does."""

from __future__ import annotations

import json
import signal

import pytest

from .conftest import Up
from .terminals import Terminal

# Everything a full-screen program sets, and a word when it is there.
FULL_SCREEN = (
    r"printf '\033[?1049h\033[>31u\033[?1000;1002;1006;2004;1004h\033[?25l\033[?1h\033='; "
    r"printf '\033]0;title\007\033]11;#101010\007\033[2 q\033[3;9r\033(0\033[>4;2mREA'; "
    r"printf 'DY'; "
)


def task_of(terminal: Terminal) -> str:
    return terminal.seen.split(b"arbor attach ")[-1].split(b"`")[0].decode()


@pytest.mark.parametrize(
    "press",
    [b"\x1d", b"\x1b[93;5u", b"\x1b[93;5:1u\x1b[93;5:3u", b"\x1b[27;5;93~"],
    ids=["control", "kitty", "kitty events", "modifyOtherKeys"],
)
def test_a_terminal_is_left_by_its_key_and_is_as_before(up: Up, press: bytes) -> None:
    with Terminal(up, "run", "--tty", "--shell", "--", FULL_SCREEN + "exec cat") as terminal:
        terminal.until(b"READY")
        terminal.type(press)
        assert terminal.end() == 0
        left = terminal.seen.index(b"\x1b[?1049l")
        assert left < terminal.seen.index(b"detached; the task goes on")
        assert terminal.is_as_before()
    assert up.arbor("cancel", "--grace", "0", task_of(terminal)).returncode == 0


@pytest.mark.parametrize("ending", ["exit 3", "kill -9 $$"])
def test_a_program_that_dies_leaves_the_terminal_as_before(up: Up, ending: str) -> None:
    with Terminal(up, "run", "--tty", "--shell", "--", FULL_SCREEN + ending) as terminal:
        assert terminal.end() in (3, 137)
        assert b"READY" in terminal.seen
        assert terminal.is_as_before()


def test_a_signal_leaves_the_terminal_as_before(up: Up) -> None:
    with Terminal(up, "run", "--tty", "--shell", "--", FULL_SCREEN + "exec cat") as terminal:
        terminal.until(b"READY")
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.end() != 0
        assert terminal.is_as_before()


def test_the_key_is_sent_by_pressing_it_twice_or_by_choosing_another(up: Up) -> None:
    script = "stty raw -echo; echo READY; head -c 1 | od -An -tx1"
    with Terminal(up, "run", "--tty", "--shell", "--", script) as terminal:
        terminal.until(b"READY")
        terminal.type(b"\x1d\x1d")
        assert terminal.end() == 0
        assert b"1d" in terminal.seen
    chosen = {"ARBOR_DETACH_KEY": "ctrl-p,ctrl-q"}
    with Terminal(up, "run", "--tty", "--shell", "--", script, env=chosen) as terminal:
        terminal.until(b"READY")
        terminal.type(b"\x1d")
        assert terminal.end() == 0
        assert b"1d" in terminal.seen
    with Terminal(up, "run", "--tty", "--", "cat", env=chosen) as terminal:
        terminal.type(b"x\r")
        terminal.until(b"x\r\nx")
        terminal.type(b"\x10\x11")
        assert terminal.end() == 0
        assert b"detached" in terminal.seen
    assert up.arbor("cancel", "--grace", "0", task_of(terminal)).returncode == 0


def test_a_key_that_cannot_be_told_is_refused_by_name(up: Up) -> None:
    result = up.arbor("attach", "--detach-key", "ctrl-m", "last")
    assert result.returncode == 1 and b"ctrl-m cannot be told from other keys" in result.stderr


def test_a_question_is_answered_once_however_often_it_is_shown(up: Up) -> None:
    script = r"stty raw -echo; printf 'ask\033[6n\033[c\007'; echo ED; exec cat"
    with Terminal(up, "run", "--tty", "--shell", "--", script) as terminal:
        seen = terminal.until(b"ED")
        assert seen.count(b"\x1b[6n") == seen.count(b"\x1b[c") == 1
        terminal.type(b"\x1d")
        assert terminal.end() == 0
    task = task_of(terminal)
    for options in ([], ["--read-only"]):
        with Terminal(up, "attach", *options, task) as terminal:
            terminal.until(b"ED")
            terminal.type(b"\x1d")
            assert terminal.end() == 0
            assert b"ask" in terminal.seen
            assert not any(each in terminal.seen for each in (b"\x1b[6n", b"\x1b[c", b"\x07"))
    assert up.arbor("cancel", "--grace", "0", task).returncode == 0


def test_a_watcher_types_nothing(up: Up) -> None:
    with Terminal(up, "run", "--tty", "--", "cat") as terminal:
        terminal.type(b"one\r")
        terminal.until(b"one\r\none")
        terminal.type(b"\x1d")
        assert terminal.end() == 0
    task = task_of(terminal)
    with Terminal(up, "attach", "--read-only", task, cols=100) as terminal:
        terminal.until(b"one\r\none")
        terminal.type(b"two\r\x1d")
        assert terminal.end() == 0
    assert up.arbor("cancel", "--grace", "0", task).returncode == 0
    assert b"two" not in up.arbor("logs", task).stdout
    told = json.loads(up.arbor("tasks", "--json").stdout)
    assert next(each for each in told if each["id"] == task)["tty"]["cols"] == 80
