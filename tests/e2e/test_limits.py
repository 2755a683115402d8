"""A hub under siege from strangers: those who are known do not notice, and all of it passes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.arbor import TOKEN, Arbor, wait_until
from tests.e2e.descriptors import need_descriptors
from tests.e2e.siege import besiege
from tests.e2e.test_faults import detached
from tests.plain_http import HTTP

SILENT, SLOW, LARGE, GUESSES = 2_000, 200, 150, 1_000
LINE_SECONDS = 0.05
# What strangers may take of the hub's memory, and what may be left of that when they are gone. At
# most two passwords are checked at a time, which takes 64 MiB each.
MAX_GROWTH_MIB = 2 * 64 + 64
MAX_LEFT_MIB = 32
# The defaults, and what the hub has open for itself and for those it knows.
HTTP_PER_ADDRESS, FAILURES_PER_MINUTE, OTHER_DESCRIPTORS = 256, 10, 60
CLOCK = (
    "import itertools, time\nfor number in itertools.count():\n"
    f"    print(number, time.time(), flush=True)\n    time.sleep({LINE_SECONDS})\n"
)


class Lines:
    """The lines of a clock as they arrive: which, when it was written, and how late it was."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.numbers: list[int] = []
        self.written: list[float] = []
        self.late: list[float] = []
        self.complaints = b""
        self._process = process
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            number, written = line.split()
            self.numbers.append(int(number))
            self.written.append(float(written))
            self.late.append(time.time() - float(written))

    def stop(self) -> None:
        """No more of them."""
        self._process.terminate()
        self._thread.join()
        _, self.complaints = self._process.communicate()


class Watch:
    """The most that the hub had open while this was inside."""

    def __init__(self, arbor: Arbor) -> None:
        assert arbor.hub is not None
        self._folder = Path(f"/proc/{arbor.hub.pid}")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.most = 0

    def descriptors(self) -> int:
        """How many files and sockets it has open now."""
        return len(os.listdir(self._folder / "fd"))

    def memory(self, name: str) -> float:
        """A figure of its memory, in MiB."""
        lines = (self._folder / "status").read_text().splitlines()
        (size,) = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
        return int(size) / 1024

    def _look(self) -> None:
        while not self._over.wait(LINE_SECONDS):
            self.most = max(self.most, self.descriptors())

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


@contextmanager
def viewer_of_a_clock(arbor: Arbor) -> Iterator[Lines]:
    """Somebody who is known, and watches a command that says what time it is."""
    task_id = detached(arbor, "--", sys.executable, "-c", CLOCK)
    lines = Lines(arbor.popen("logs", "-f", task_id))
    try:
        wait_until(lambda: len(lines.late) > 5, "the first lines")
        yield lines
    finally:
        lines.stop()
        arbor.run("cancel", task_id)


async def besieged(arbor: Arbor) -> tuple[list[Counter[str]], list[int]]:
    """What strangers of each kind were answered, and a newcomer who is known meanwhile."""
    siege = asyncio.create_task(
        besiege(arbor.port, silent=SILENT, slow=SLOW, large=LARGE, guesses=GUESSES)
    )
    newcomer = []
    while not siege.done():
        newcomer.append(await asyncio.to_thread(_answers, arbor))
        await asyncio.sleep(LINE_SECONDS)
    return list(await siege), newcomer


def test_a_siege_is_not_felt_by_those_who_are_known(arbor: Arbor) -> None:
    need_descriptors(SILENT + SLOW + LARGE + GUESSES)
    watch = Watch(arbor)
    before, open_before = watch.memory("VmRSS"), watch.descriptors()
    with viewer_of_a_clock(arbor) as lines:
        begun, begun_at, seen = time.monotonic(), time.time(), len(lines.late)
        with watch:
            (quiet, dripping, shouting, guessing), newcomer = asyncio.run(besieged(arbor))
        lasted = time.monotonic() - begun
        late, written = sorted(lines.late[seen:]), lines.written[-1]

    # Who says nothing is closed; those who come later take the place of those who came first.
    assert quiet["closed"] >= SILENT - HTTP_PER_ADDRESS
    assert quiet.total() == SILENT and set(quiet) <= {"closed", "408"}
    assert dripping.total() == SLOW and {"408"} <= set(dripping) <= {"408", "reset"}
    assert shouting.total() == LARGE and "101" not in shouting
    assert set(shouting) <= {"close 4400", "close 1013", "429", "reset"}
    assert guessing.total() == GUESSES
    assert 1 <= guessing["401"] <= FAILURES_PER_MINUTE * (1 + lasted / 60)
    assert guessing["429"] == GUESSES - guessing["401"]

    # Who is known is let in while it lasts, and sees every line, also of the siege's own time,
    # before it is over. How late is measured by `make bench ARGS=siege`.
    assert len(newcomer) > 1 and set(newcomer) == {200}
    assert written > begun_at
    assert lines.numbers == list(range(len(lines.numbers)))
    assert lines.complaints == b""
    print(f"{len(late)} lines in {lasted:.1f} s, p90 {late[len(late) * 9 // 10]:.3f} s late")
    assert watch.most <= open_before + 3 * HTTP_PER_ADDRESS + OTHER_DESCRIPTORS
    assert watch.memory("VmHWM") < before + MAX_GROWTH_MIB
    wait_until(lambda: watch.descriptors() <= open_before + OTHER_DESCRIPTORS, "the end of it all")
    wait_until(lambda: watch.memory("VmRSS") < before + MAX_LEFT_MIB, "its memory")
    assert "Traceback" not in arbor.log("hub")


def _answers(arbor: Arbor) -> int:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return HTTP.get(f"{arbor.url}/api/me", headers=headers).status_code
