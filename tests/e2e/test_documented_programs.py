"""Each Python program of the documentation, taken out of it and run as a reader would run it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import httpx2
import pytest

from tests.bounds import HANG_SECONDS
from tests.documents import blocks
from tests.e2e.arbor import TOKEN, Arbor, wait_until
from tests.plain_http import HTTP

# What is generated in the reference are signatures.
SHOWN: Final = [block for block in blocks("python") if block.page != "docs/reference/sdk.md"]
PROGRAMS: Final = {f"{block.page}#{block.heading}": block for block in SHOWN}
TRAIN: Final = "#!/bin/sh\necho epoch 1\n"
EXPECTED: Final[dict[str, list[str]]] = {
    "README.md#Five minutes": ["b'epoch 1\\n'", "0"],
    "docs/tutorial.md#6. From Python": [
        "stdout 0 b'hello\\n'",
        "stderr 6 b'oops\\n'",
        "failed 3",
    ],
    "docs/how-to/use-from-python.md#Run and print": [
        "stdout b'out\\n'",
        "stderr b'err\\n'",
        "failed 3",
    ],
    "docs/how-to/use-from-python.md#Follow several tasks": [
        "one b'one\\n'",
        "two b'two\\n'",
        "three b'three\\n'",
        "one completed",
        "two completed",
        "three completed",
    ],
    "docs/how-to/use-from-python.md#Send a file, and fetch one": ["True"],
    "docs/how-to/use-from-python.md#React to how it ended": [
        "failed",
        "no exit code: timeout",
        "took at least a second: True",
    ],
    "docs/how-to/use-from-python.md#Run on several machines": [
        "build: Linux, exit code 0",
        "lab: Linux, exit code 0",
    ],
    "docs/how-to/use-from-python.md#In notebooks and threads": [
        "[b'one\\n', b'two\\n', b'three\\n']"
    ],
    "docs/how-to/use-from-python.md#Know how large a terminal was": ["from byte 0 on: 100 by 30"],
    "docs/how-to/use-from-python.md#In your tests": ["['make']"],
    "docs/how-to/use-from-python.md#Come back to a task": ["b'999\\n1000\\n'", "3893 []"],
}
SIGN_IN: Final = "docs/how-to/sign-in-from-a-terminal.md#From a program"
# How far a task has come when it is first asked about differs, and so does the order of what two
# pipes or several tasks write.
PASSING: Final = frozenset({"pending", "dispatched", "starting", "running", "cancelling"})


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arbor]:
    """A hub, and two machines, `lab` and `build`."""
    folder = tmp_path_factory.mktemp("documented")
    pair = Arbor(folder / "home", folder / "lab")
    other = Arbor(folder / "other", folder / "build")
    other.port, other.url = pair.port, pair.url
    train = pair.workspace / "train.sh"
    train.write_text(TRAIN)
    train.chmod(0o755)
    try:
        pair.start_hub()
        for machine, name in ((pair, "lab"), (other, "build")):
            arguments = ("daemon", str(machine.workspace), "--hub", pair.url, "--name", name)
            machine.daemon = machine._start(*arguments)
        wait_until(lambda: _connected(pair) == {"lab", "build"}, "both machines to connect")
        yield pair
    finally:
        other.stop()
        pair.stop()


def _connected(pair: Arbor) -> set[str]:
    body = pair.api("/api/workspaces")
    assert isinstance(body, dict)
    return {each["name"] for each in body["items"] if each["state"] == "connected"}


@pytest.fixture
def program(machines: Arbor, tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Starts a program in a folder of its own, with the machine's credentials."""
    started = []

    def start(source: str) -> subprocess.Popen[str]:
        (tmp_path / "program.py").write_text(source)
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "program.py"],
            cwd=tmp_path,
            env=machines.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_every_program_of_the_documents_is_run() -> None:
    assert PROGRAMS.keys() == EXPECTED.keys() | {SIGN_IN}
    assert len(PROGRAMS) == len(SHOWN), "two programs below one heading"


@pytest.mark.parametrize("name", EXPECTED)
def test_a_program_does_what_it_says(
    program: Callable[[str], subprocess.Popen[str]], name: str
) -> None:
    running = program(PROGRAMS[name].text)
    output, errors = running.communicate(timeout=HANG_SECONDS)
    assert (running.returncode, errors) == (0, "")
    lines = [line for line in output.splitlines() if line not in PASSING]
    assert sorted(lines) == sorted(EXPECTED[name])


def test_a_program_signs_in(
    machines: Arbor, program: Callable[[str], subprocess.Popen[str]]
) -> None:
    source = PROGRAMS[SIGN_IN].text.replace("https://arbor.example.org", machines.url)
    assert source != PROGRAMS[SIGN_IN].text
    running = program(source)
    assert running.stdout is not None
    address, code = running.stdout.readline().split()
    assert address.startswith(machines.url)
    _approve(machines, code)
    output, errors = running.communicate(timeout=HANG_SECONDS)
    assert (running.returncode, errors, output) == (0, "", "signed in as owner\n")


def _approve(machines: Arbor, code: str) -> None:
    """As the page does."""
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    made = HTTP.post(f"{machines.url}/api/session/link", headers=bearer, json={})
    # A client of its own: it keeps the session's cookie.
    with httpx2.Client(
        base_url=machines.url,
        headers={"Origin": machines.url},
        verify=False,
        trust_env=False,
        timeout=HANG_SECONDS,
    ) as page:
        page.post("/api/session", json={"link": made.json()["link"]}).raise_for_status()
        answer = page.post("/api/device/approve", json={"userCode": code, "approve": True})
        answer.raise_for_status()


def test_the_tutorial_shows_what_its_program_prints() -> None:
    name = "docs/tutorial.md#6. From Python"
    (shown,) = (each for each in blocks("") if f"{each.page}#{each.heading}" == name)
    assert shown.text.splitlines() == EXPECTED[name]
