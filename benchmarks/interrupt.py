"""Ctrl-C in a flood: from the key until the shell's prompt is on the screen.

`ARBOR_BENCH_PRESSES`: how often in each of the floods, by each of the ways to a terminal (100).
"""

from __future__ import annotations

import os
import pty
import random
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Final, Protocol

from playwright.sync_api import Browser, Page, sync_playwright
from tests.e2e.web.browser import CHROMIUM, FLAGS
from tests.e2e.web.output import ROWS

from benchmarks.bench import READ_BYTES, Bench, Faulty, Scenario
from benchmarks.figures import Measure, Round, Row, Target, spread
from benchmarks.page import signed_in

PRESSES: Final = int(os.environ.get("ARBOR_BENCH_PRESSES", "100"))
# What one shell stores has to stay below the limit of a task's output.
PRESSES_A_SHELL: Final = 10
PROMPT: Final = b"ready> "
SHELL: Final = ("env", "PS1=ready> ", "bash", "--norc", "--noprofile", "-i")
COLUMNS: Final = 120
ROWS_SHOWN: Final = 32
# From the first output until the key: long enough for every buffer on the way to fill.
FLOOD_SECONDS: Final = (0.2, 0.5)
GIVE_UP_SECONDS: Final = 60.0
CTRL_C: Final = b"\x03"
FILE_BYTES: Final = 512 * 1024 * 1024
STUBBORN_SECONDS: Final = 0.3

COLOURS: Final = f"""
import os, random
storm = "".join(
    f"\\x1b[{{random.randint(1, {ROWS_SHOWN})}};{{random.randint(1, {COLUMNS})}}H"
    f"\\x1b[38;2;{{random.randint(0, 255)}};{{random.randint(0, 255)}};0m*"
    for _ in range(20_000)
).encode()
while True:
    os.write(1, storm)
"""
STUBBORN: Final = f"""
import os, signal, threading
def stop(*_):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Timer({STUBBORN_SECONDS}, os._exit, [1]).start()
signal.signal(signal.SIGINT, stop)
while True:
    os.write(1, b"I have not finished yet\\n" * 100)
"""
# What is typed to start it, and for how many seconds it goes on after the key by itself.
FLOODS: Final = {
    "yes": ("yes", 0.0),
    "cat": ("cat flood.txt", 0.0),
    "colours": (f"{sys.executable} colours.py", 0.0),
    "stubborn": (f"{sys.executable} stubborn.py", STUBBORN_SECONDS),
}


class Screen(Protocol):
    """A terminal with a shell in it, as a person has it."""

    def enter(self, line: str) -> None:
        """Type a line, and wait until it writes."""

    def watch(self, seconds: float) -> None:
        """Show what comes for so long."""

    def interrupt(self) -> float:
        """Press Ctrl-C; seconds until the prompt is on the screen."""


Opening = Callable[[], AbstractContextManager[Screen]]


def run(bench: Bench) -> Round:
    """One round: each flood, by each way to a terminal."""
    if CHROMIUM is None:
        raise Faulty("Debian's chromium-headless-shell (or chromium) is not installed")
    prepare(bench.arbor.workspace)
    found: dict[str, Measure] = {}
    with sync_playwright() as playwright, ExitStack() as stack:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        stack.callback(browser.close)
        for name, opening in openings(bench, browser).items():
            for flood in FLOODS:
                took = list(presses(opening, flood, PRESSES))
                found[f"{name} {flood}"] = Measure(spread(took))
    return found


def openings(bench: Bench, browser: Browser) -> dict[str, Opening]:
    """The ways to a terminal."""
    ways: dict[str, Opening] = {
        "page": lambda: in_page(bench, browser),
        "run": lambda: by_command(bench, bench.cli("run", "--tty", "--", *SHELL)),
        "attach": lambda: by_command(bench, bench.cli("attach", start_shell(bench))),
    }
    if bench.ssh is not None:
        words = bench.ssh.terminal(bench.arbor.workspace, SHELL)
        ways["ssh"] = lambda: by_command(bench, words)
    return ways


def prepare(workspace: Path) -> None:
    """Write what the floods are made of."""
    (workspace / "colours.py").write_text(COLOURS)
    (workspace / "stubborn.py").write_text(STUBBORN)
    lines = "".join(f"{number:08d} the quick brown fox\n" for number in range(32_768)).encode()
    with (workspace / "flood.txt").open("wb") as file:
        for _ in range(FILE_BYTES // len(lines)):
            file.write(lines)


def presses(opening: Opening, flood: str, count: int) -> Iterator[float]:
    """Milliseconds from each key to the prompt, without those for which the program goes on."""
    line, goes_on = FLOODS[flood]
    for first in range(0, count, PRESSES_A_SHELL):
        with opening() as screen:
            for _ in range(min(PRESSES_A_SHELL, count - first)):
                screen.enter(line)
                screen.watch(random.uniform(*FLOOD_SECONDS))
                yield (screen.interrupt() - goes_on) * 1000


def start_shell(bench: Bench) -> str:
    """A task's id."""
    started = bench.arbor.run("run", "--detach", "--tty", "--", *SHELL)
    if started.returncode != 0:
        raise Faulty(started.stderr.decode())
    return started.stdout.decode().strip()


class CommandScreen:
    """The terminal of a command, all of which is read as soon as it comes."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._end = b""
        self._await_prompt()

    def enter(self, line: str) -> None:
        """Type a line, and wait until it writes."""
        os.write(self._terminal, line.encode() + b"\r")
        seen = 0
        while seen < READ_BYTES:
            seen += self._read(GIVE_UP_SECONDS)

    def watch(self, seconds: float) -> None:
        """Show what comes for so long."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._read(left)

    def interrupt(self) -> float:
        """Press Ctrl-C; seconds until the prompt is on the screen."""
        began = time.monotonic()
        os.write(self._terminal, CTRL_C)
        self._await_prompt()
        return time.monotonic() - began

    def _await_prompt(self) -> None:
        while not self._end.endswith(PROMPT):
            if not self._read(GIVE_UP_SECONDS):
                raise Faulty(f"no prompt within {GIVE_UP_SECONDS:g} s, but {self._end!r}")

    def _read(self, seconds: float) -> int:
        """Read once, for up to `seconds`; how many bytes."""
        if not select.select([self._terminal], [], [], seconds)[0]:
            return 0
        data = os.read(self._terminal, READ_BYTES)
        self._end = (self._end + data)[-len(PROMPT) :]
        return len(data)


@contextmanager
def by_command(bench: Bench, words: Sequence[str]) -> Iterator[CommandScreen]:
    """A shell's terminal behind a command line."""
    ours, its = pty.openpty()
    termios.tcsetwinsize(its, (ROWS_SHOWN, COLUMNS))
    process = subprocess.Popen(
        words, env=bench.environment, stdin=its, stdout=its, stderr=its, start_new_session=True
    )
    os.close(its)
    try:
        yield CommandScreen(ours)
        os.write(ours, b"exit\r")
    finally:
        os.close(ours)
        process.terminate()
        process.wait()


class PageScreen:
    """The page of a task, where what counts is what the browser has drawn."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def enter(self, line: str) -> None:
        """Type a line, and wait until it writes."""
        keyboard = self._page.keyboard
        keyboard.type(line)
        size = int(self._page.locator("[data-output]").get_attribute("data-offset-end") or 0)
        keyboard.press("Enter")
        self._page.wait_for_function(
            "size => document.querySelector('[data-output]').dataset.offsetEnd - size > 1 << 18",
            arg=size,
        )

    def watch(self, seconds: float) -> None:
        """Show what comes for so long."""
        self._page.wait_for_timeout(seconds * 1000)

    def interrupt(self) -> float:
        """Press Ctrl-C; seconds until the prompt is on the screen."""
        self._page.evaluate(f"void (window.arborEnd = arborAtCursor({PROMPT.decode().strip()!r}))")
        self._page.keyboard.press("Control+c")
        return float(self._page.evaluate("arborEnd")) / 1000


@contextmanager
def in_page(bench: Bench, browser: Browser) -> Iterator[PageScreen]:
    """A shell's terminal in the page."""
    task = start_shell(bench)
    with signed_in(bench, browser) as page:
        page.goto(f"{bench.arbor.url}/tasks/{task}")
        page.locator(ROWS, has_text=PROMPT.decode().strip()).wait_for()
        page.locator(".xterm-helper-textarea").focus()
        page.locator("[data-output][data-attached=true]").wait_for()
        yield PageScreen(page)
    bench.arbor.run("cancel", task)


SOON = Target("≤ 500 ms", limit=500.0)
NEVER_LATER = Target("≤ 1 s", limit=1000.0)
WAYS: Final = {"page": "page", "run": "arbor run --tty", "attach": "arbor attach"}

SCENARIO = Scenario(
    "interrupt",
    f"Ctrl-C in a flood, {PRESSES} presses each: until the prompt is on the screen",
    tuple(
        Row(f"{title}, {flood}: {figure}", f"{way} {flood}", figure, "ms", f"ssh {flood}", target)
        for way, title in WAYS.items()
        for flood in FLOODS
        for figure, target in (("p50", None), ("p95", SOON), ("max", NEVER_LATER))
    ),
    run,
)
