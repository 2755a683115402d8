"""A real hub and a real daemon as processes, in an empty home, to be killed and cut."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import httpx2

from tests.bounds import HANG_SECONDS
from tests.plain_http import HTTP
from tests.ports import free_port

TOKEN = "end-to-end-owner-token-0123456789abcdefghij"
# Most of what is looked at is asked of the hub, which takes both ends some milliseconds: what is
# not there soon is looked at less and less often.
POLL_SECONDS = 0.02
SLOWEST_POLL_SECONDS = 0.15
POLL_GROWTH = 1.3


class Arbor:
    """One `ARBOR_HOME`, one hub, one daemon. Logs go to files in the home."""

    def __init__(self, home: Path, workspace: Path) -> None:
        self.home = home
        self.workspace = workspace
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.hub: subprocess.Popen[bytes] | None = None
        self.daemon: subprocess.Popen[bytes] | None = None
        self.workspace_id = ""
        self.hub_options: list[str] = []
        home.mkdir(parents=True, exist_ok=True)
        workspace.mkdir(parents=True, exist_ok=True)

    @classmethod
    @contextmanager
    def configured(cls, folder: Path, **settings: float) -> Iterator[Self]:
        """A pair that runs while inside, whose hub has these settings; all of it is in `folder`."""
        pair = cls(folder / "home", folder / "workspace")
        pair.configure(**settings)
        try:
            pair.start_hub()
            pair.start_daemon()
            yield pair
        finally:
            pair.stop()

    def configure(self, **settings: float) -> None:
        """Give the hub these settings, and no others, from its next start on."""
        file = self.home / "settings.toml"
        lines = (f"{name} = {value}\n" for name, value in settings.items())
        file.write_text("".join(["[hub]\n", *lines]))
        self.hub_options = ["--config", str(file)]

    # ── processes ────────────────────────────────────────────────────────────────────────────

    def start_hub(self) -> None:
        """Start the hub, or start it again, and wait until it is ready."""
        self.hub = self._start("hub", "--port", str(self.port), *self.hub_options)
        wait_until(self._is_ready, "the hub to be ready")

    def start_daemon(self, *, through: int | None = None) -> None:
        """Start the daemon; the first time it makes its workspace. `through`: a proxy's port."""
        url = f"http://127.0.0.1:{through}" if through else self.url
        arguments = ["daemon", str(self.workspace)]
        if not self.workspace_id:
            arguments += ["--hub", url, "--name", "test"]
        self.daemon = self._start(*arguments)
        wait_until(lambda: self.state() == "connected", "the daemon to connect")

    def kill_hub(self) -> None:
        """SIGKILL."""
        _kill(self.hub)

    def kill_supervisor(self) -> None:
        """SIGKILL."""
        _kill(self.daemon)

    def connector_pid(self) -> int | None:
        """The connector's process id, if it runs."""
        file = self.home / "daemons" / self.workspace_id / "connector.pid"
        with suppress(OSError, ValueError):
            return int(file.read_text())
        return None

    def kill_connector(self) -> None:
        """SIGKILL."""
        pid = self.connector_pid()
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        """Stop whatever runs."""
        for process in (self.daemon, self.hub):
            if process is not None and process.poll() is None:
                process.terminate()
                try:
                    process.wait(HANG_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def log(self, name: str) -> str:
        """What a process wrote to its log."""
        file = self.home / f"{name}.log"
        return file.read_text() if file.exists() else ""

    # ── looking and doing ────────────────────────────────────────────────────────────────────

    def api(self, path: str) -> object:
        """GET as the owner."""
        response = HTTP.get(self.url + path, headers={"Authorization": f"Bearer {TOKEN}"})
        response.raise_for_status()
        return response.json()

    def state(self) -> str:
        """The workspace's state."""
        body = self.api("/api/workspaces")
        assert isinstance(body, dict)
        for item in body["items"]:
            if not self.workspace_id:
                self.workspace_id = str(item["id"])
            if item["id"] == self.workspace_id:
                return str(item["state"])
        return ""

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """What the command line needs."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {
            **kept,
            "ARBOR_HOME": str(self.home),
            "ARBOR_URL": self.url,
            "ARBOR_TOKEN": TOKEN,
            **(extra or {}),
        }

    def run(
        self, *arguments: str, stdin: bytes | None = None, timeout: float = HANG_SECONDS
    ) -> subprocess.CompletedProcess[bytes]:
        """`arbor …`, to its end. Without `stdin` it is closed."""
        return subprocess.run(
            command(arguments),
            env=self.environment(),
            cwd=self.workspace,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=timeout,
            check=False,
        )

    def popen(self, *arguments: str) -> subprocess.Popen[bytes]:
        """`arbor …`, running."""
        return subprocess.Popen(
            command(arguments),
            env=self.environment(),
            cwd=self.workspace,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        extra = {"ARBOR_BOOTSTRAP_TOKEN": TOKEN} if arguments[0] == "hub" else None
        with (self.home / f"{arguments[0]}.log").open("ab") as log:
            return subprocess.Popen(
                command(arguments),
                env=self.environment(extra),
                cwd=self.workspace,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _is_ready(self) -> bool:
        assert self.hub is not None
        if self.hub.poll() is not None:
            raise AssertionError(f"the hub ended:\n{self.log('hub')[-2000:]}")
        try:
            return HTTP.get(f"{self.url}/readyz").status_code == 200
        except httpx2.HTTPError:
            return False


def command(arguments: Sequence[str]) -> list[str]:
    """The command line of `arbor` as this interpreter runs it."""
    return [sys.executable, "-m", "arborlink.cli", *arguments]


def cells(key: str, count: int, *more: str) -> list[str]:
    """The command line of a child that writes `count` bytes of self-describing cells."""
    module = "arborlink.testing.cells"
    return [sys.executable, "-m", module, "--key", key, "--bytes", str(count), *more]


# A MiB after another of what a command writes, whose complaint at the end of the pipe is left out.
UNTIL_ENOUGH = """
written=$1; shift
"$@" 2> /dev/null | {
  count=0
  while [ ! -e enough ]; do head -c 1048576; count=$((count + 1)); done
  echo $((count * 1048576)) > "$written"
}
"""


class EndlessCells:
    """A child that writes cells until it is told that it is enough: then it ends.

    So a test needs no guess for how much is written while it does something else.
    """

    def __init__(self, arbor: Arbor, key: str, bytes_per_second: int) -> None:
        self.key = key
        self._folder = arbor.workspace
        self._rate = str(bytes_per_second)

    @property
    def command(self) -> list[str]:
        """Its command line."""
        module = "arborlink.testing.cells"
        endless = [sys.executable, "-m", module, "--key", self.key, "--rate", self._rate]
        return ["sh", "-c", UNTIL_ENOUGH, "sh", f"written-{self.key}", *endless]

    def finish(self) -> int:
        """Let it end, as all others of this workspace; how many bytes it wrote."""
        (self._folder / "enough").touch()
        written = self._folder / f"written-{self.key}"
        wait_until(lambda: written.exists() and bool(written.read_text()), "the end of the cells")
        return int(written.read_text())


def wait_until(condition: Callable[[], bool], what: str, seconds: float = HANG_SECONDS) -> None:
    """Look again and again until it is so.

    Raises:
        AssertionError: it did not become so in time.
    """
    deadline = time.monotonic() + seconds
    pause, pause_seconds = threading.Event(), POLL_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s in vain for {what}")
        pause.wait(pause_seconds)
        pause_seconds = min(SLOWEST_POLL_SECONDS, pause_seconds * POLL_GROWTH)


def _kill(process: subprocess.Popen[bytes] | None) -> None:
    assert process is not None
    process.kill()
    process.wait()
