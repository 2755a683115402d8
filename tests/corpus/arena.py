"""Where bad inputs are sent to: a real hub, a real daemon, and a neighbour who must not notice.

Both halves of the corpus use it, over HTTP and over WebSocket. What it is asked for:

- `roles`: who may send something, by name, as `Credential`;
- `headers(role)` for an HTTP request, `secret(role)` for a WebSocket's `auth`;
- `unchanged()`: inside, nothing may change that the owner can see.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2

from tests.bounds import HANG_SECONDS
from tests.corpus import neighbour
from tests.corpus.neighbour import Neighbour
from tests.e2e.arbor import TOKEN, Arbor, cells, wait_until

# All inputs come from one address, and most of them are answered with a refusal: with the defaults
# the rates would answer instead of what is tested. Everything else is as it is delivered.
RATES: Final = {
    "requests_per_second": 5_000.0,
    "requests_burst": 50_000,
    "user_requests_per_second": 5_000.0,
    "user_requests_burst": 50_000,
    "address_requests_per_second": 5_000.0,
    "address_requests_burst": 50_000,
    "failed_authentications_per_minute": 100_000.0,
}
# For a head, and to say who one is, before a connection is given up. Three times what it is by
# default: a busy machine must not give up those who are to be answered something else.
LATE_SECONDS: Final = 15.0
TIMES: Final = {"request_head_seconds": LATE_SECONDS, "authentication_seconds": LATE_SECONDS}

# What all inputs together may leave behind in the hub. A password that is checked takes 64 MiB for
# a moment, and two are checked at a time.
MAX_GROWTH_MIB: Final = 2 * 64 + 32
# The log of an output stays open for a while after its last viewer.
SPARE_DESCRIPTORS: Final = 40
# None of these may be in a log, whatever was sent.
SIGNS_OF_A_MISTAKE: Final = ("Traceback", "Internal", "internal_error", "because of a mistake")


@dataclass(frozen=True, slots=True)
class Credential:
    """A role's: an API token or a daemon's (`token`), a browser's `cookie`, or none at all."""

    token: str | None = None
    cookie: str | None = None


@dataclass(frozen=True, slots=True)
class DaemonIdentity:
    """What enrolment gave a daemon that exists only in these tests."""

    workspace_id: str
    daemon_id: str
    auth_token: str


class Arena:
    """One hub, one daemon, one neighbour, and everybody who is known to the hub."""

    def __init__(self, folder: Path) -> None:
        self.arbor = Arbor(folder / "home", folder / "workspace")
        config = folder / "arbor.toml"
        lines = [f"{name} = {value}" for name, value in {**RATES, **TIMES}.items()]
        config.write_text("\n".join(["[hub]", *lines]) + "\n")
        self.arbor.hub_options = ["--config", str(config)]
        self.roles: dict[str, Credential] = {}
        # Whose tasks and connections come and go with the cases of the role `daemon`.
        self.sparring: DaemonIdentity
        self.elsewhere_id = ""
        # Tasks of the real daemon: one that is over, and one that does nothing and reads nothing.
        self.finished_id = ""
        self.idle_id = ""
        self._crowd: list[str] = []
        self.neighbour: Neighbour
        # How long answers took, from the last byte of what they are the answer to. To be read: a
        # busy machine is late whatever the hub does. What is answered by another than the expected
        # name, or not at all, is wrong.
        self.seconds: dict[str, float] = {}
        self._http = httpx2.Client(
            verify=False,
            base_url=self.arbor.url,
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=HANG_SECONDS,
        )
        self._page = httpx2.Client(verify=False, base_url=self.arbor.url, timeout=HANG_SECONDS)

    @property
    def port(self) -> int:
        """The hub's."""
        return self.arbor.port

    @property
    def origin(self) -> str:
        """The only origin whose pages may use the hub."""
        return self.arbor.url

    # ── its life ─────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Bring everything up."""
        self.arbor.start_hub()
        self.arbor.start_daemon()
        self.elsewhere_id = self.post("/api/workspaces", {"name": "elsewhere"})["id"]
        self.sparring = self.enrol("sparring")
        self._crowd_id = self.post("/api/workspaces", {"name": "crowd"})["id"]
        self._make_roles()
        self.finished_id = self.run("true")
        self.idle_id = self.run("sleep", "3600")
        task_id = self.run(
            *cells(neighbour.KEY, 1 << 40, "--rate", str(neighbour.RATE_BYTES_PER_SECOND))
        )
        self.neighbour = Neighbour(self.port, TOKEN, task_id)
        wait_until(lambda: self.neighbour.reader.end > 0, "the neighbour's first bytes")
        wait_until(lambda: self.status(self.finished_id) == "completed", "a task that is over")
        wait_until(lambda: self.status(self.idle_id) == "running", "a task that does nothing")
        self._before = self._costs()

    def stop(self) -> None:
        """End all processes."""
        self._http.close()
        self._page.close()
        self.arbor.stop()

    def verdict(self) -> dict[str, object]:
        """What all that was sent has done to whom, by name; nothing, if all is well. Once only."""
        wrong: dict[str, object] = {}
        assert self.arbor.hub is not None and self.arbor.daemon is not None
        for name, process in (("hub", self.arbor.hub), ("daemon", self.arbor.daemon)):
            if process.poll() is not None:
                wrong[f"the {name} ended"] = process.returncode
        if wrong:
            return wrong | self._mistakes()
        task_id = self.neighbour.task_id
        if self.status(task_id) != "running":
            wrong["the neighbour's task"] = self.status(task_id)
        self.post(f"/api/tasks/{task_id}/cancel", {})
        self.neighbour.join()
        wrong |= neighbour.faults(self.neighbour, self.get(f"/api/tasks/{task_id}")["outputSize"])
        return wrong | self._mistakes() | self._excess()

    def _make_roles(self) -> None:
        link = self.post("/api/session/link", {})["link"]
        answer = self._page.post("/api/session", json={"link": link})
        answer.raise_for_status()
        cookie = answer.cookies["arbor_session"]
        self._page.cookies.clear()
        read, write = "tasks:read", "tasks:write"
        expired = self.make_token("expired", [read], seconds=0.001)
        revoked = self.make_token("revoked", [read, write])
        self.revoke_token(revoked)
        self.roles = {
            "stranger": Credential(),
            "owner": Credential(TOKEN),
            "runner": Credential(self.make_token("runner", [read, write])["secret"]),
            "reader": Credential(self.make_token("reader", [read])["secret"]),
            "elsewhere": Credential(
                self.make_token("elsewhere", [read, write], workspace=self.elsewhere_id)["secret"]
            ),
            "revoked": Credential(revoked["secret"]),
            "expired": Credential(expired["secret"]),
            "browser": Credential(cookie=cookie),
            "daemon": Credential(self.sparring.auth_token),
        }

    # ── who sends something ──────────────────────────────────────────────────────────────────

    def headers(self, role: str) -> dict[str, str]:
        """What makes an HTTP request the role's; a browser's comes from the hub's own page."""
        credential = self.roles[role]
        if credential.cookie is not None:
            return {"Cookie": f"arbor_session={credential.cookie}", "Origin": self.origin}
        if credential.token is not None:
            return {"Authorization": f"Bearer {credential.token}"}
        return {}

    def secret(self, role: str) -> str:
        """What the role's WebSocket says it is: its token, or a new ticket of its session."""
        credential = self.roles[role]
        if credential.cookie is None:
            return credential.token or ""
        answer = self._page.post("/api/ws-ticket", headers=self.headers(role))
        answer.raise_for_status()
        return str(answer.json()["ticket"])

    def make_token(
        self,
        name: str,
        scopes: list[str],
        *,
        workspace: str | None = None,
        seconds: float | None = None,
    ) -> dict[str, Any]:
        """A further API token of the owner, with its `secret`."""
        wanted = {"name": name, "scopes": scopes, "workspaceId": workspace, "expiresIn": seconds}
        given = {key: value for key, value in wanted.items() if value is not None}
        made: dict[str, Any] = self.post("/api/tokens", given)
        return made

    def revoke_token(self, token: dict[str, Any]) -> None:
        """It is not valid any more."""
        self._http.delete(f"/api/tokens/{token['id']}").raise_for_status()

    def until_refused(self, secret: str) -> None:
        """Wait until a token has expired."""
        headers = {"Authorization": f"Bearer {secret}"}
        wait_until(
            lambda: self._page.get("/api/me", headers=headers).status_code == 401, "its expiry"
        )

    def enrol(self, name: str) -> DaemonIdentity:
        """A daemon of a new workspace."""
        workspace = self.post("/api/workspaces", {"name": name})["id"]
        code = self.post(f"/api/workspaces/{workspace}/enrollment", {})["code"]
        identity = self.post("/api/enroll", {"code": code})
        return DaemonIdentity(workspace, identity["daemonId"], identity["authToken"])

    # ── what the owner does and sees ─────────────────────────────────────────────────────────

    def get(self, path: str) -> Any:
        """The JSON of a path."""
        answer = self._http.get(path)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Do something, and the JSON of what became of it."""
        answer = self._http.post(path, json=body)
        answer.raise_for_status()
        return answer.json()

    def run(self, command: str, *args: str, workspace: str | None = None, **fields: Any) -> str:
        """Start a task, in the real daemon's workspace unless told otherwise; its id."""
        path = f"/api/workspaces/{workspace or self.arbor.workspace_id}/tasks"
        return str(self.post(path, {"command": command, "args": args, **fields})["id"])

    def crowd(self, size: int) -> list[str]:
        """So many tasks that wait for a daemon that never comes."""
        while len(self._crowd) < size:
            self._crowd.append(self.run("x", workspace=self._crowd_id, ifOffline="queue"))
        return self._crowd[:size]

    def status(self, task_id: str) -> str:
        """A task's."""
        return str(self.get(f"/api/tasks/{task_id}")["status"])

    def beginning_of(self, task_id: str, size: int) -> bytes:
        """The first bytes that are stored of a task's output."""
        answer = self._http.get(f"/api/tasks/{task_id}/output?to={size}")
        answer.raise_for_status()
        return bytes(answer.content)

    def digest(self) -> dict[str, object]:
        """What there is, in the owner's eyes; not what passes: sizes, times, the sparring tasks."""
        workspaces = self.get("/api/workspaces?limit=200")["items"]
        tasks = [
            task
            for workspace_id in (self.arbor.workspace_id, self.elsewhere_id)
            for task in self.get(f"/api/tasks?workspace={workspace_id}&limit=200")["items"]
        ]
        return {
            "workspaces": [(each["id"], each["name"], each["daemonId"]) for each in workspaces],
            "states": [
                (each["state"], each["runningTasks"], each["queuedTasks"], each.get("attention"))
                for each in workspaces
                if each["id"] not in (self.sparring.workspace_id, self._crowd_id)
            ],
            "tasks": [
                (each["id"], each["status"], each["gaps"], each["tty"], each.get("cancelRequested"))
                for each in tasks
            ],
            "tokens": [(each["id"], each["scopes"]) for each in self.get("/api/tokens")["items"]],
            "users": [
                (each["id"], each["username"], each["role"])
                for each in self.get("/api/users")["items"]
            ],
        }

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Whatever happens inside, the owner must see afterwards what was there before.

        Raises:
            AssertionError: something is another now.
        """
        before = self.digest()
        yield
        after = self.digest()
        changes = {name: (before[name], after[name]) for name in before}
        different = {name: pair for name, pair in changes.items() if pair[0] != pair[1]}
        assert not different, json.dumps(different, default=str, indent=1)

    def note(self, name: str, seconds: float) -> None:
        """Keep how long an answer took; of several with one name the longest."""
        self.seconds[name] = max(seconds, self.seconds.get(name, 0.0))

    # ── what it costs ────────────────────────────────────────────────────────────────────────

    def descriptors(self) -> int:
        """How many files and sockets the hub has open."""
        assert self.arbor.hub is not None
        return len(os.listdir(f"/proc/{self.arbor.hub.pid}/fd"))

    def memory_mib(self) -> float:
        """The hub's resident memory."""
        assert self.arbor.hub is not None
        status = Path(f"/proc/{self.arbor.hub.pid}/status").read_text()
        (kib,) = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")]
        return int(kib) / 1024

    def _costs(self) -> tuple[int, float, int | None]:
        return self.descriptors(), self.memory_mib(), self.arbor.connector_pid()

    def _mistakes(self) -> dict[str, object]:
        wrong: dict[str, object] = {}
        for name in ("hub", "daemon"):
            lines = self.arbor.log(name).splitlines()
            found = [line for line in lines if any(sign in line for sign in SIGNS_OF_A_MISTAKE)]
            if found:
                wrong[f"the {name}'s log"] = found[:5]
        return wrong

    def _excess(self) -> dict[str, object]:
        open_before, memory_before, connector = self._before
        wrong: dict[str, object] = {}
        allowed = open_before + SPARE_DESCRIPTORS
        with suppress(AssertionError):
            wait_until(lambda: self.descriptors() <= allowed, "closed files", HANG_SECONDS)
        if self.descriptors() > allowed:
            wrong["the hub's open files"] = (open_before, self.descriptors())
        if self.memory_mib() - memory_before > MAX_GROWTH_MIB:
            wrong["the hub's memory in MiB"] = (memory_before, self.memory_mib())
        if self.arbor.connector_pid() != connector:
            wrong["the connector"] = "is another process now"
        return wrong
