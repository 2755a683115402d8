"""One real hub and daemon for all tests of the command line, and a way to run `arbor`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bounds import HANG_SECONDS

ARBOR = (sys.executable, "-P", "-m", "arborlink.cli")


@dataclass
class Up:
    """A running `arbor up` for `folder`, with its files below `home`."""

    home: Path
    folder: Path
    process: subprocess.Popen[str]
    summary: str

    @property
    def port(self) -> str:
        """Where its hub listens."""
        return self.summary.split("/#link=")[0].rsplit(":", 1)[1]

    def command(self, *words: str) -> list[str]:
        """How `arbor WORDS` is started."""
        return [*ARBOR, *words]

    @property
    def environment(self) -> dict[str, str]:
        """For `arbor` and for nothing else."""
        return clean_environment(self.home)

    def arbor(
        self, *words: str, stdin: bytes | None = None, timeout: float = HANG_SECONDS
    ) -> subprocess.CompletedProcess[bytes]:
        """Run `arbor WORDS` in the workspace's folder until it ends."""
        return subprocess.run(
            self.command(*words),
            env=self.environment,
            cwd=self.folder,
            input=b"" if stdin is None else stdin,
            capture_output=True,
            timeout=timeout,
        )


def clean_environment(home: Path) -> dict[str, str]:
    """Without what speaks of another hub."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ARBOR_")}
    return {**kept, "ARBOR_HOME": str(home)}


def start_up(home: Path, folder: Path, *options: str, through: Sequence[str] = ()) -> Up:
    """Start `arbor up`, as the arguments of the command `through`, and wait for its summary."""
    process = subprocess.Popen(
        [*through, *ARBOR, "up", str(folder), "--no-browser", "--port", "0", *options],
        env=clean_environment(home),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    lines: list[str] = []
    for line in process.stderr:
        lines.append(line)
        if "Stop " in line:
            return Up(home, folder, process, "".join(lines))
    process.stderr.close()
    process.wait()
    raise AssertionError("".join(lines))


def stop_up(up: Up) -> str:
    """Ctrl-C; returns what it still said."""
    up.process.send_signal(signal.SIGINT)
    _, rest = up.process.communicate(timeout=HANG_SECONDS)
    assert up.process.wait(HANG_SECONDS) == 0, rest
    return rest


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One for all tests."""
    base = tmp_path_factory.mktemp("up")
    folder = base / "project"
    folder.mkdir()
    running = start_up(base / "home", folder)
    yield running
    stop_up(running)
