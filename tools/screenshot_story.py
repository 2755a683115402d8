"""What the screenshots show: a real hub, machines with real daemons, and what became of tasks.

The commands in `screenshot_commands/` stand for the tools they are named after; all else is Arbor
itself. Where the system allows it each machine has a host name and a file system of its own.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import httpx2

COMMANDS: Final = Path(__file__).with_name("screenshot_commands")
TERMINAL_SIZE: Final = {"cols": 110, "rows": 32}
PATIENCE_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.05
SHOWN_ROUND_TRIPS: Final = 6
_APART: Final = ("unshare", "--uts", "--mount")
_OWN_HOST: Final = """
hostname "$0"
mount -t tmpfs none /srv
mkdir "/srv/${1##*/}"
mount --bind "$1" "/srv/${1##*/}"
shift
exec "$@"
"""

JOURNAL = """import os


class Journal:
    \"\"\"Commands are written here, with fsync, before they are started.\"\"\"

    def __init__(self, path: str) -> None:
        self._file = open(path, "ab")

    def append(self, line: bytes) -> None:
        self._file.write(line + b"\\n")
        self._file.flush()
        os.fsync(self._file.fileno())
"""


class Machine:
    """A machine with a daemon: its own home, its own folder."""

    def __init__(self, story: Story, name: str, folder: str) -> None:
        self.story = story
        self.name = name
        self.home = story.root / name / "home"
        self.folder = story.root / name / folder
        self.workspace_id = ""
        self._daemon: subprocess.Popen[bytes] | None = None
        self.folder.mkdir(parents=True)
        self.home.mkdir()

    def connect(self) -> None:
        """Start its daemon, the first time or again."""
        command: list[str | Path] = [sys.executable, "-m", "arborlink.cli", "daemon"]
        if not self.workspace_id:
            command += ["--hub", self.story.url, "--name", self.name]
        if _can_be_apart():
            own: list[str | Path] = ["sh", "-c", _OWN_HOST, self.name, self.folder]
            command = [*_APART, *own, *command, Path("/srv") / self.folder.name]
        else:
            command.append(self.folder)
        environment = self.story.environment(self.home)
        environment["PATH"] = f"{COMMANDS}:{environment['PATH']}"
        self._daemon = _start(command, environment, self.home / "daemon.log")
        wait_until(lambda: self._state() == "connected", f"{self.name} to connect")

    def run(self, command: str, *args: str, **more: object) -> str:
        """Start a task; its id."""
        body = {"command": command, "args": args, **more}
        task = self.story.post(f"/api/workspaces/{self.workspace_id}/tasks", body)
        return str(task["id"])

    def cut(self) -> None:
        """What runs goes on; nobody hears of it."""
        assert self._daemon is not None
        os.killpg(self._daemon.pid, signal.SIGSTOP)
        file = self.home / "daemons" / self.workspace_id / "connector.pid"
        os.kill(int(file.read_text()), signal.SIGKILL)

    def crash(self) -> None:
        """The daemon ends without a word."""
        assert self._daemon is not None
        os.killpg(self._daemon.pid, signal.SIGKILL)
        self._daemon.wait()

    def stop(self) -> None:
        """Stop the daemon, which ends its tasks."""
        if self._daemon is not None and self._daemon.poll() is None:
            os.killpg(self._daemon.pid, signal.SIGCONT)
            os.killpg(self._daemon.pid, signal.SIGTERM)
            self._daemon.wait()

    def _state(self) -> str:
        for workspace in self.story.get("/api/workspaces")["items"]:
            if workspace["name"] == self.name:
                self.workspace_id = str(workspace["id"])
                return str(workspace["state"])
        return ""


class Story:
    """A hub and its machines; everything is gone after `stop`, but for the files below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.token = secrets.token_urlsafe(32)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.machines: dict[str, Machine] = {}
        self._hub: subprocess.Popen[bytes] | None = None

    def start_hub(self) -> None:
        """Start the hub, the first time or again."""
        home = self.root / "hub"
        home.mkdir(parents=True, exist_ok=True)
        environment = {**self.environment(home), "ARBOR_BOOTSTRAP_TOKEN": self.token}
        command = [sys.executable, "-m", "arborlink.cli", "hub", "--port", str(self.port)]
        self._hub = _start(command, environment, home / "hub.log")
        wait_until(self._is_ready, "the hub to be ready")

    def kill_hub(self) -> None:
        """Whoever looks at it is reconnecting."""
        assert self._hub is not None
        self._hub.kill()
        self._hub.wait()

    def stop(self) -> None:
        """Stop everything."""
        for machine in self.machines.values():
            machine.stop()
        if self._hub is not None and self._hub.poll() is None:
            self._hub.terminate()
            self._hub.wait()

    def machine(self, name: str, folder: str) -> Machine:
        """A new machine, connected."""
        machine = self.machines[name] = Machine(self, name, folder)
        machine.connect()
        return machine

    def sign_in_link(self) -> str:
        """An address that signs a browser in, once."""
        return str(self.post("/api/session/link")["url"])

    def task(self, task_id: str) -> dict[str, Any]:
        """A task as it is now."""
        return self.get(f"/api/tasks/{task_id}")

    def wait_for(self, task_id: str, *statuses: str) -> None:
        """Until the task has one of the statuses."""
        wait_until(
            lambda: self.task(task_id)["status"] in statuses, f"{task_id} to be {statuses[0]}"
        )

    def get(self, path: str) -> dict[str, Any]:
        """Ask the hub."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
        """Have the hub do something."""
        return self._ask("POST", path, body)

    def environment(self, home: Path) -> dict[str, str]:
        """What a process of ours needs."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        own = {"HOME": str(home), "ARBOR_HOME": str(home), "TERM": "xterm-256color"}
        return {**kept, **own, "ARBOR_URL": self.url, "ARBOR_TOKEN": self.token}

    def _ask(self, method: str, path: str, body: Mapping[str, object] | None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = httpx2.request(method, self.url + path, json=body, headers=headers)
        answered: dict[str, Any] = answer.raise_for_status().json()
        return answered

    def _is_ready(self) -> bool:
        with suppress(httpx2.HTTPError):
            return httpx2.get(f"{self.url}/readyz").status_code == 200
        return False


def tell(story: Story) -> dict[str, str]:
    """Everything that the screenshots show, as it happens; the ids of its tasks, by name."""
    gpu_box = story.machine("gpu-box", "resnet")
    build = story.machine("build-07", "libring")
    laptop = story.machine("laptop", "shop")
    nas = story.machine("nas", "backup")
    pi = story.machine("field-pi", "station")
    (gpu_box.folder / "journal.py").write_text(JOURNAL)
    tasks = {
        "gap": gpu_box.run("simulate", "--verbose", onSpoolFull="drop_middle"),
        "lost": nas.run("pg_dump", "--format=custom", "shop"),
        "sensors": pi.run("rtl_433", "-f", "868M", "-F", "json"),
        "completed": build.run("make", "-j8", "test"),
        "failed": build.run("cargo", "clippy", "--", "-D", "warnings"),
        "cancelled": nas.run("rsync", "-a", "photos/", "offsite:photos/"),
        "server": laptop.run("npm", "run", "dev"),
        "editor": gpu_box.run("vim", "-n", "journal.py", tty=TERMINAL_SIZE, title="vim journal.py"),
        "top": gpu_box.run("top", tty=TERMINAL_SIZE),
    }
    for name in ("lost", "sensors", "cancelled", "gap"):
        story.wait_for(tasks[name], "running")
    story.post(f"/api/tasks/{tasks['cancelled']}/cancel")
    story.wait_for(tasks["cancelled"], "cancelled")
    nas.crash()
    nas.connect()
    pi.cut()
    _write_more_than_is_kept(story, gpu_box, tasks["gap"])
    tasks["training"] = gpu_box.run("python", "train.py", "--config", "configs/resnet50.yaml")
    wait_until(lambda: _has_figures(story), "a graph that can be seen")
    return tasks


def _write_more_than_is_kept(story: Story, machine: Machine, task_id: str) -> None:
    story.kill_hub()
    (machine.folder / "simulate.go").touch()
    wait_until((machine.folder / "simulate.done").exists, "the simulation to have written")
    story.start_hub()
    story.wait_for(task_id, "completed")


def _has_figures(story: Story) -> bool:
    known = [item["roundTripMs"] for item in story.get("/api/round-trips")["items"]]
    return any(len(each) - each.count(None) >= SHOWN_ROUND_TRIPS for each in known)


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Look again and again until it is so.

    Raises:
        TimeoutError: it did not become so in time.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    pause = threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {PATIENCE_SECONDS:g} s in vain for {what}")
        pause.wait(POLL_SECONDS)


def _can_be_apart() -> bool:
    with suppress(OSError):
        tried = subprocess.run([*_APART, "true"], check=False, capture_output=True)
        return tried.returncode == 0
    return False


def _start(
    command: Sequence[str | Path], environment: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes]:
    with log.open("ab") as file:
        return subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
