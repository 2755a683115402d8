"""Secrets that can be recognised, and a look at every place where none of them may turn up."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.bounds import HANG_SECONDS
from tests.e2e.arbor import TOKEN, Arbor, wait_until

PASSWORD = "canary-password-0f4e7a"
WRONG = "arb_canary-wrong-91c5d2"
COOKIE = "canary-cookie-77aa01"


@dataclass
class Secrets:
    """Every credential there was, and the answers and pages that were seen meanwhile."""

    known: dict[str, str] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)

    def keep(self, name: str, value: object) -> str:
        assert isinstance(value, str) and len(value) >= 8, (name, value)
        self.known[name] = value
        return value

    def found_in(self, data: bytes, *, but: tuple[str, ...] = ()) -> list[str]:
        return [
            name for name, value in self.known.items() if name not in but and value.encode() in data
        ]


@pytest.fixture
def talkative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Arbor]:
    """Hub and daemon, with logs as long as they get."""
    pair = Arbor(tmp_path / "home", tmp_path / "workspace")
    monkeypatch.setattr(
        pair, "environment", _with(pair, {"ARBOR_LOG_LEVEL": "debug", "ARBOR_LOG_FORMAT": "json"})
    )
    try:
        pair.start_hub()
        pair.start_daemon()
        yield pair
    finally:
        pair.stop()


def _with(pair: Arbor, more: dict[str, str]) -> object:
    plain = pair.environment
    return lambda extra=None: plain({**more, **(extra or {})})


def daemon_token(arbor: Arbor) -> str:
    """What the daemon proves itself with."""
    identity = next((arbor.home / "daemons").glob("*/identity.toml")).read_text()
    found = re.search(r'auth_token = "([^"]+)"', identity)
    assert found is not None
    return found[1]


def do_everything(arbor: Arbor, secrets: Secrets) -> None:
    """Use every kind of credential, and misuse it."""
    secrets.keep("bootstrap token", TOKEN)
    secrets.keep("daemon token", daemon_token(arbor))
    rotated = arbor.run("rotate", "test")
    assert rotated.returncode == 0
    secrets.keep("new daemon token", daemon_token(arbor))
    secrets.said["rotate"] = (rotated.stdout + rotated.stderr).decode()
    headers = {"Authorization": f"Bearer {TOKEN}", "Origin": arbor.url}
    with httpx2.Client(verify=False, base_url=arbor.url, timeout=HANG_SECONDS) as browser:
        sign_in(browser, headers, secrets)
        enrol(browser, headers, secrets)
        misuse(browser, secrets)
    misuse_websocket(arbor, secrets)
    login = ["login", arbor.url, "--token"]
    assert arbor.run(*login, stdin=secrets.known["api token"].encode()).returncode == 0
    failed = arbor.run(*login, stdin=WRONG.encode())
    assert failed.returncode == 1
    secrets.said["login"] = (failed.stdout + failed.stderr).decode()


def sign_in(browser: httpx2.Client, headers: dict[str, str], secrets: Secrets) -> None:
    """Links, passwords, sessions, tickets, tokens."""
    link = browser.post("/api/session/link", headers=headers).json()
    secrets.keep("link", link["link"])
    body = {"username": "canary", "password": secrets.keep("password", PASSWORD)}
    assert browser.post("/api/users", json=body, headers=headers).status_code == 201
    wanted = {"name": "canary", "scopes": ["tasks:read", "tasks:write"]}
    token = browser.post("/api/tokens", json=wanted, headers=headers).json()
    secrets.keep("api token", token["secret"])
    mine = {"Origin": headers["Origin"]}
    with httpx2.Client(
        verify=False, base_url=str(browser.base_url), headers=mine, timeout=HANG_SECONDS
    ) as page:
        for credential in ({"link": link["link"]}, body):
            assert page.post("/api/session", json=credential).status_code == 201
            for name, cookie in page.cookies.items():
                secrets.keep(f"{name} by {min(credential)}", cookie)
        ticket = page.post("/api/ws-ticket")
        secrets.keep("ticket", ticket.json()["ticket"])


def enrol(browser: httpx2.Client, headers: dict[str, str], secrets: Secrets) -> None:
    """Codes for daemons and for programs."""
    workspace = browser.post("/api/workspaces", json={"name": "other"}, headers=headers).json()
    code = browser.post(f"/api/workspaces/{workspace['id']}/enrollment", json={}, headers=headers)
    secrets.keep("enrolment code", code.json()["code"])
    body = {"code": code.json()["code"], "path": "/nowhere", "host": "canary"}
    secrets.keep("second daemon token", browser.post("/api/enroll", json=body).json()["authToken"])
    device = browser.post("/api/device/code", json={"clientName": "canary"}).json()
    secrets.keep("device code", device["deviceCode"])


def misuse(browser: httpx2.Client, secrets: Secrets) -> None:
    """Wrong ones, and right ones in wrong places: what is answered must not repeat them."""
    secrets.keep("wrong token", WRONG)
    secrets.keep("wrong cookie", COOKIE)
    right = secrets.known["api token"]
    bearer = {"Authorization": f"Bearer {right}"}
    attempts = [
        ("GET", "/api/me", {"Authorization": f"Bearer {WRONG}"}, None),
        ("GET", "/api/me", {"Authorization": f"Basic {WRONG}"}, None),
        ("GET", "/api/me", {"Cookie": f"arbor_session={COOKIE}"}, None),
        ("GET", "/api/me", bearer | {"Host": "elsewhere.test"}, None),
        ("GET", f"/api/me?token={right}", {}, None),
        ("POST", "/api/session", {}, {"username": "canary", "password": WRONG}),
        ("POST", "/api/session", {}, {"link": WRONG}),
        ("POST", "/api/session", {}, {"username": 1, "password": [WRONG]}),
        ("POST", "/api/session", {}, {WRONG: 1}),
        ("POST", "/api/enroll", {}, {"code": WRONG, "path": 1}),
        ("POST", "/api/device/token", {}, {"deviceCode": WRONG}),
        ("PATCH", "/api/users/usr_x", bearer, {"password": 1, "currentPassword": [WRONG]}),
        ("POST", "/api/tokens", bearer, {"name": 1, "token": WRONG}),
    ]
    for method, path, headers, body in attempts:
        answer = browser.request(method, path, headers=headers, json=body)
        assert answer.status_code >= 400, (method, path, answer.text)
        secrets.said[f"{method} {path.partition('?')[0]} {body}"] = answer.text + str(
            answer.headers
        )
    secrets.said["metrics"] = browser.get("/metrics").text


def misuse_websocket(arbor: Arbor, secrets: Secrets) -> None:
    """The same, as the first message."""
    daemon = {"type": "auth", "role": "daemon", "daemonId": "dmn_x", "authToken": WRONG}
    for message in (
        {"type": "auth", "authToken": WRONG},
        daemon,
        {"type": "hello", "authToken": WRONG},
    ):
        url = arbor.url.replace("http", "ws") + f"/api/ws?token={secrets.known['api token']}"
        with connect(url, proxy=None, open_timeout=HANG_SECONDS) as socket:
            socket.send(json.dumps(message))
            said = []
            with suppress(ConnectionClosed):
                while True:
                    said.append(str(socket.recv(timeout=HANG_SECONDS)))
            secrets.said[f"websocket {len(secrets.said)}"] = "".join(
                [*said, str(socket.close_reason)]
            )


def processes() -> Iterator[tuple[int, bytes, bytes]]:
    """Every process that can be looked at: its id, command line with its title, environment."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and int(folder.name) != os.getpid():
            with suppress(OSError):
                title = (folder / "cmdline").read_bytes() + (folder / "comm").read_bytes()
                environment = b""
                with suppress(PermissionError):
                    environment = (folder / "environ").read_bytes()
                yield int(folder.name), title, environment


def logged(arbor: Arbor, name: str) -> list[dict[str, object]]:
    """The lines of a process's log, each of which is an object."""
    return [json.loads(line) for line in arbor.log(name).splitlines()]


def outputs(arbor: Arbor) -> Iterator[Path]:
    """What the hub stored."""
    return (each for each in (arbor.home / "hub" / "output").rglob("*") if each.is_file())


def test_secrets_turn_up_nowhere(talkative: Arbor) -> None:
    secrets = Secrets()
    do_everything(talkative, secrets)
    waiting = "env; echo $$ > pid; until [ -e go ]; do sleep 0.05; done"
    running = talkative.popen("run", "--", "sh", "-c", waiting)
    pid_file = talkative.workspace / "pid"
    wait_until(lambda: pid_file.exists() and bool(pid_file.read_text()), "the command to run")
    child = int(pid_file.read_text())

    # While everything runs: titles of all processes, environments of those that are for others.
    own = {running.pid, *(each.pid for each in (talkative.hub, talkative.daemon) if each)}
    looked_at = set()
    for pid, title, environment in processes():
        assert not secrets.found_in(title), pid
        looked_at.add(pid)
        if pid == child:
            assert environment and not secrets.found_in(environment)
        # The hub and the command line were given the token by whoever started them.
        if pid not in own:
            assert not secrets.found_in(environment, but=("bootstrap token",)), pid
    assert own | {child} <= looked_at
    assert talkative.daemon is not None
    connector = talkative.connector_pid()
    assert connector is not None
    for pid in (talkative.daemon.pid, connector):
        assert not secrets.found_in(Path(f"/proc/{pid}/environ").read_bytes()), pid

    (talkative.workspace / "go").touch()
    output, complaints = running.communicate(timeout=HANG_SECONDS)
    assert b"PATH=" in output, "the command says what its environment is"
    assert not secrets.found_in(output + complaints) and b"ARBOR_" not in output
    for what, text in secrets.said.items():
        assert not secrets.found_in(text.encode()), what

    # Afterwards: database, outputs, spools, journals, logs.
    talkative.stop()
    kept_in = {
        "identity.toml": ("daemon token", "new daemon token"),
        "credentials.toml": ("api token",),
    }
    kinds = set()
    for file in talkative.home.rglob("*"):
        if file.is_file():
            kinds.add(file.suffix)
            found = secrets.found_in(file.read_bytes(), but=kept_in.get(file.name, ()))
            assert not found, (file, found)
    assert {".log", ".toml", ".sqlite3"} <= kinds, kinds
    assert b"PATH=" in b"".join(each.read_bytes() for each in outputs(talkative))
    assert "listens on" in talkative.log("hub") and "connected to" in talkative.log("daemon")


def test_logs_have_ids_and_nothing_of_what_was_run(talkative: Arbor) -> None:
    canaries = [f"canary-{name}-3b9e" for name in ("argument", "variable", "title", "input")]
    argument, variable, title, typed = canaries
    script = f"cat; echo {argument}; echo {argument} >&2; exit 3"
    options = ["-e", f"CANARY={variable}", "--title", title]
    done = talkative.run("run", *options, "--", "sh", "-c", script, stdin=typed.encode())
    assert done.returncode == 3 and typed.encode() in done.stdout
    talkative.run("tasks", "--search", argument)
    talkative.run("logs", "last")
    task = talkative.api("/api/tasks")
    assert isinstance(task, dict)
    task_id = task["items"][0]["id"]
    talkative.stop()

    for name in ("hub", "daemon"):
        assert not [each for each in canaries if each in talkative.log(name)], name
    lines = logged(talkative, "hub")
    assert {"event", "level", "timestamp"} <= set.intersection(*(set(line) for line in lines))
    about_task = [line for line in lines if line.get("task") == task_id]
    assert {"task created", "task ended"} <= {line["event"] for line in about_task}
    (ended,) = (line for line in about_task if line["event"] == "task ended")
    assert (ended["exit_code"], ended["status"]) == (3, "failed")
    assert ended["workspace"] == talkative.workspace_id
    (connected,) = (line for line in lines if line["event"] == "daemon connected")
    (gone,) = (line for line in lines if line["event"] == "daemon disconnected")
    assert connected["workspace"] == talkative.workspace_id
    assert connected["connection"] == gone["connection"] == ended["connection"]
    assert gone["code"] == 1001 and gone["by"] == "peer"
    answered = [line for line in lines if line["event"] == "a request was answered"]
    assert len({line["request"] for line in answered}) == len(answered) > 3
    told = logged(talkative, "daemon")
    assert any(str(line["event"]).endswith(f"connected to {talkative.url}") for line in told)
    assert talkative.workspace_id in {line.get("workspace") for line in told}


VALUE = "canary-value-9d20e4"


def holding(folder: Path) -> list[str]:
    """The files that have the value of the variable in any of their bytes."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return sorted(str(each.relative_to(folder)) for each in found if VALUE.encode() in _bytes(each))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # a log that was emptied, say
        return b""


def test_a_value_of_a_variable_does_not_outlive_its_task(talkative: Arbor) -> None:
    """In no byte of the hub's folder, of a later backup, or of the daemon's, at work or stopped."""
    talkative.configure(task_variables_seconds=0)
    talkative.kill_hub()
    talkative.start_hub()
    wait_until(lambda: talkative.state() == "connected", "the daemon to come back")
    waiting = 'test -n "$CANARY"; echo $$ > pid; until [ -e go ]; do sleep 0.05; done'
    running = talkative.popen("run", "-e", f"CANARY={VALUE}", "--", "sh", "-c", waiting)
    pid_file = talkative.workspace / "pid"
    wait_until(lambda: pid_file.exists() and bool(pid_file.read_text()), "the command to run")
    child = Path(f"/proc/{int(pid_file.read_text())}/environ").read_bytes()
    assert VALUE.encode() in child, "it reaches the command"
    assert holding(talkative.home / "hub") and not holding(talkative.home / "daemons")
    (talkative.workspace / "go").touch()
    output, complaints = running.communicate(timeout=HANG_SECONDS)
    assert (running.returncode, output) == (0, b""), complaints
    talkative.run("run", "-e", f"CANARY={VALUE}", "--", "sh", "-c", "exit 3")
    wait_until(lambda: not holding(talkative.home), "the values to be forgotten")
    copy = talkative.home / "copy.tar"
    assert talkative.run("hub", "backup", str(copy)).returncode == 0
    assert copy.exists() and not holding(talkative.home)
    talkative.stop()
    assert not holding(talkative.home)
    for name in ("hub", "daemon"):
        assert VALUE not in talkative.log(name), name
