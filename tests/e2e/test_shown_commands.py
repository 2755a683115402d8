"""The shell of the documentation, run by a shell with a real hub and daemon.

`tests/test_shown_commands.py` reads every line of it. Here those are run that need no other
machine, no service manager and no person; READ_ONLY says of the rest why they are not.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.bounds import HANG_SECONDS
from tests.documents import blocks
from tests.e2e.arbor import TOKEN, Arbor, wait_until
from tests.plain_http import HTTP

CHECKOUT: Final = "makes, tests or upgrades a checkout, which `make` and CI do"
SERVER: Final = "needs the name, the certificate and the ports of a server"
PERSON: Final = "needs a person at a browser or terminal"
# A page, or a heading of it, and why a shell does not run it here.
READ_ONLY: Final[dict[str, str]] = {
    "README.md#Two commands": CHECKOUT,
    "CONTRIBUTING.md": CHECKOUT,
    "docs/how-to/upgrade.md": CHECKOUT,
    "docs/how-to/connect-a-machine.md": SERVER,
    "docs/how-to/put-it-behind-a-proxy.md": SERVER,
    "docs/how-to/move-or-back-up-the-data.md": "writes to /mnt and /var; test_backup.py elsewhere",
    "docs/how-to/run-as-a-service.md": "needs a service manager; tests/cli/services have doubles",
    "docs/how-to/local-policy.md": "looks into the home of the one who reads it",
    "docs/how-to/interactive-terminals.md": PERSON,
    "docs/how-to/sign-in-from-a-terminal.md": PERSON,
    "docs/tutorial.md#1. Start it": CHECKOUT,
    "docs/tutorial.md#3. Watch": PERSON,
    "docs/tutorial.md#4. Break it": "kills the hub that all tests here share; test_chaos.py does",
    "docs/tutorial.md#5. A second machine": "needs a daemon that is started between two lines",
    "docs/reference/cli.md": "has the examples of the help texts, of tasks that are made up",
}


class Scene(NamedTuple):
    """What is run as one script: `replaced` has what a reader replaces, and lines that are left out
    (the reason, as a comment). `prints` is part of what it prints, in this order; `fails` are the
    commands that end with another code than 0."""

    replaced: dict[str, str]
    prints: list[str]
    fails: list[str]


LAST: Final = "$(arbor tasks --quiet --limit 1 | tail -c 5)"
SCENES: Final[dict[str, Scene]] = {
    "README.md#Five minutes": Scene(
        {"arbor run --tty -- bash ": f"# {PERSON}", "7h2k": LAST},
        ["made", "7", "epoch 1", "epoch 1", "train.sh"],
        ["arbor run -- sh -c 'exit 7'"],
    ),
    "docs/tutorial.md#2. Run something": Scene(
        {},
        ["Linux", "7", "out", "ABC", "124"],
        ["arbor run -- sh -c 'exit 7'", "arbor run --timeout 1 -- sleep 9"],
    ),
    "docs/how-to/run-long-tasks.md": Scene(
        # It asks at a terminal.
        {"arbor rm": "arbor rm --yes", "7h2k": LAST, "-- …": "-- true"},
        ["tsk_", "epoch 1", "epoch 1", "night run", "published", "epoch 1"],
        [],
    ),
    "docs/how-to/use-from-programs-in-other-languages.md": Scene(
        {
            "http://127.0.0.1:4000": "$ARBOR_URL",
            "ws_…": "$WORKSPACE",
            "tsk_…": "$TASK",
            # It follows until the input that a later line sends has ended.
            'output?follow=1" -H "$auth"': 'output?follow=1" -H "$auth" &',
        },
        [
            '"name":"lab"',
            '"command":"sh"',
            "hello\nbye\n",
            "bye\n",
            '"text":"',
            "hello\nbye\n",
            # What was sent, in between with what that request answers.
            "hello\n",
        ],
        [],
    ),
    "docs/reference/http.md#Following": Scene(
        {"curl -N": "arbor cancel --grace 0 $TASK; curl -N"}, ["hello"], []
    ),
}


# Each command that fails is named, requests that the hub refuses among them.
PRELUDE: Final = """\
set -E
trap 'echo "failed: $BASH_COMMAND" >&2' ERR
curl() { command curl --silent --show-error --fail-with-body "$@"; }
"""
STARTED: Final = {
    "command": "sh",
    "args": ["-c", 'echo hello; echo bye; read -r line; echo "$line"'],
    "timeout": HANG_SECONDS / 4,
}


def started_task(lab: Arbor) -> dict[str, str]:
    """Start a task that waits for a line; its id and that of its workspace, as variables."""
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    listed = HTTP.get(f"{lab.url}/api/workspaces", headers=bearer).json()["items"]
    (workspace,) = (each["id"] for each in listed if each["name"] == "lab")
    path = f"{lab.url}/api/workspaces/{workspace}/tasks"
    task = HTTP.post(path, headers=bearer, json=STARTED).json()["id"]
    output = f"{lab.url}/api/tasks/{task}/output"
    wait_until(lambda: "bye" in HTTP.get(output, headers=bearer).text, "the task to write")
    return {"WORKSPACE": workspace, "TASK": task}


def of(place: str) -> list[str]:
    """The blocks of a page, or below a heading of it."""
    return [
        block.text
        for block in blocks("sh")
        if place in (block.page, f"{block.page}#{block.heading}")
    ]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arbor]:
    """A hub, and a daemon for a folder that has what the documents' commands use."""
    folder = tmp_path_factory.mktemp("shown")
    pair = Arbor(folder / "home", folder / "lab")
    files = {
        "Makefile": "all test:\n\t@echo made\n",
        "model.bin": "parameters",
        "train.sh": "#!/bin/sh\necho epoch 1\necho Traceback\n",
        "publish.sh": "#!/bin/sh\necho published\n",
        ".venv/bin/arbor": f'#!/bin/sh\nexec {sys.executable} -m arborlink.cli "$@"\n',
    }
    for name, text in files.items():
        path = pair.workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    try:
        pair.start_hub()
        arguments = ("daemon", str(pair.workspace), "--hub", pair.url, "--name", "lab")
        pair.daemon = pair._start(*arguments)
        wait_until(lambda: '"connected"' in json.dumps(pair.api("/api/workspaces")), "the daemon")
        assert pair.run("enroll", "laptop").returncode == 0
        yield pair
    finally:
        pair.stop()


def test_every_block_is_run_or_says_why_not() -> None:
    for block in blocks("sh", "console", "bash", "shell"):
        places = {block.page, f"{block.page}#{block.heading}"}
        assert len(places & (READ_ONLY.keys() | SCENES.keys())) == 1, f"{block.page}:{block.line}"
    for place in (*READ_ONLY, *SCENES):
        assert of(place), place


@pytest.mark.parametrize("place", SCENES)
def test_a_shell_does_what_the_document_says(lab: Arbor, tmp_path: Path, place: str) -> None:
    scene = SCENES[place]
    script = "\n".join(of(place))
    for written, meant in scene.replaced.items():
        assert written in script
        script = script.replace(written, meant)
    done = subprocess.run(
        ["bash", "-c", f"{PRELUDE}{script}\nwait\n"],
        cwd=lab.workspace,
        env=lab.environment(
            {
                "PATH": f"{lab.workspace}/.venv/bin:/usr/bin:/bin",
                "HOME": str(tmp_path),
                **started_task(lab),
            }
        ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    print(done.stdout, done.stderr)
    failed = [line for line in done.stderr.splitlines() if line.startswith("failed: ")]
    assert failed == [f"failed: {each}" for each in scene.fails]
    rest = done.stdout
    for each in scene.prints:
        _, found, rest = rest.partition(each)
        assert found, each
