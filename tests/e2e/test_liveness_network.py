"""Links that die without a word, in one direction or both, and links that carry little.

Hub, daemons and viewers have machines of their own here (`network.py`): nothing but silence tells
them that somebody is gone.
"""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import pytest
import trustme
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from arborlink.protocol.limits import HEARTBEAT_SECONDS
from arborlink.testing.cell_reader import CellReader
from tests.bounds import HANG_SECONDS
from tests.e2e import network
from tests.e2e.arbor import TOKEN, cells, command, wait_until
from tests.e2e.network import Machine, Network
from tests.e2e.secure import SecureArbor, without_proxies

MIB = 1 << 20
LOOK_SECONDS = 0.1
LINK_BYTES_PER_SECOND = 512 << 10
FAST_BYTES_PER_SECOND = 64 * MIB
FLOOD_BYTES = 16 * MIB
# What the flood brings before its link dies, and less than any buffer on the way.
BEGINNING_BYTES = 256 << 10
# Slower than the slowest of modems, with minutes of output waiting at both of its ends: 256 s each
# way. A heartbeat waits behind what is in the network already, and is lost there now and then.
SLOW_BYTES_PER_SECOND = 64 << 10
ROUND_TRIPS = 3
# Writes nothing before it is told to.
WAITING = 'while [ ! -e go ]; do sleep 0.1; done; exec "$@"'

FAULTS: dict[str, tuple[Callable[[Machine, bool], None], ...]] = {
    "unplugged": (Machine.unplug,),
    "all swallowed": (Machine.swallow_to, Machine.swallow_from),
    "hub hears nothing": (Machine.swallow_from,),
    "hub is not heard": (Machine.swallow_to,),
}


@cache
def missing() -> str | None:
    """Why there can be no networks here; asked once."""
    return network.missing()


@dataclass
class Site:
    """A machine with a daemon, a task and a viewer of it (`arbor logs -f`).

    `noticed`: when who knew that the link is dead, by a monotonic clock.
    """

    name: str
    fault: str
    floods: bool
    machine: Machine
    hub: SecureArbor
    home: Path
    workspace_id: str = ""
    task_id: str = ""
    noticed: dict[str, float] = field(default_factory=dict)
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def output(self) -> Path:
        """What the viewer has written."""
        return self.home / "output"

    def start_daemon(self) -> None:
        """The first start of it; it is connected some time later."""
        (self.home / "workspace").mkdir(parents=True)
        line = ["daemon", "workspace", "--hub", self.hub.url, "--name", self.name]
        with (self.home / "daemon.log").open("wb") as log:
            self._start(line, stdout=log, stderr=log)

    def start_task(self) -> None:
        """Detached."""
        words = ["sh", "-c", WAITING, "sh", *cells(self.name, FLOOD_BYTES)]
        done = self.hub.run("run", "--workspace", self.name, "--detach", "--", *words)
        assert done.returncode == 0, done.stderr
        self.task_id = done.stdout.decode().strip()

    def start_viewer(self, task_id: str) -> None:
        """Its standard error is a terminal."""
        master, terminal = os.openpty()
        with self.output.open("wb") as output:
            viewer = self._start(["logs", "-f", task_id], stdout=output, stderr=terminal)
        os.close(terminal)
        threading.Thread(target=self._read_terminal, args=(master, viewer), daemon=True).start()

    def write(self) -> None:
        """Let the task begin."""
        (self.home / "workspace" / "go").touch()

    def cut(self, on: bool) -> None:
        """Begin or end its fault."""
        for change in FAULTS[self.fault]:
            change(self.machine, on)

    def look(self, presence: dict[str, Any], viewers: set[str]) -> None:
        """Note who has noticed by now. `presence`: the workspace; `viewers`: where they are."""
        if presence["state"] == "unreachable":
            self._note("hub, of the daemon")
        if self.machine.address not in viewers:
            self._note("hub, of the viewer")
        if "connection lost" in (self.home / "daemon.log").read_text():
            self._note("daemon")

    def finish(self) -> bytes:
        """Let it end; what the viewer was given of it."""
        self.write()
        viewer = self._processes[-1]
        assert viewer.wait(HANG_SECONDS) == 0
        return self.output.read_bytes()

    def stop(self) -> None:
        """Everything that runs here."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(HANG_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _note(self, who: str) -> None:
        self.noticed.setdefault(who, time.monotonic())

    def _read_terminal(self, master: int, viewer: subprocess.Popen[bytes]) -> None:
        with closing(os.fdopen(master, "rb", buffering=0)) as terminal, suppress(OSError):
            while text := terminal.read(1 << 10):
                if b"connection lost" in text:
                    self._note("viewer")

    def _start(self, words: list[str], *, stdout: Any, stderr: Any) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [*self.machine.prefix(), *command(words)],
            env=self.hub.environment({"ARBOR_HOME": str(self.home), "TERM": "dumb"}),
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        self._processes.append(process)
        return process


class Watcher:
    """A viewer on the hub's own machine, of all workspaces: what it is told, and when."""

    def __init__(self, hub: SecureArbor) -> None:
        self.told: list[tuple[float, dict[str, Any]]] = []
        context = ssl.create_default_context(cafile=str(hub.ca))
        url = f"ws{hub.url.removeprefix('http')}/api/ws"
        self._open = ExitStack()
        self._socket = self._open.enter_context(
            connect(url, ssl=context, proxy=None, open_timeout=HANG_SECONDS)
        )
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> Watcher:
        self._say({"type": "auth", "authToken": TOKEN})
        self._say({"type": "subscribe", "workspaceId": "*"})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
        self._thread.join()

    def _say(self, message: dict[str, Any]) -> None:
        self._socket.send(json.dumps(message))

    def _read(self) -> None:
        with suppress(ConnectionClosed):
            for frame in self._socket:
                message = json.loads(frame)
                self.told.append((time.monotonic(), message))
                if message["type"] == "heartbeat" and message.get("echo") is None:
                    self._say({"type": "heartbeat", "sentAt": 0, "echo": message["sentAt"]})


class Observer:
    """Looks at the hub as its owner, with one connection."""

    def __init__(self, hub: SecureArbor) -> None:
        self._http = httpx2.Client(
            base_url=hub.url,
            headers={"Authorization": f"Bearer {TOKEN}"},
            verify=ssl.create_default_context(cafile=str(hub.ca)),
            timeout=HANG_SECONDS,
        )

    def close(self) -> None:
        """No more of it."""
        self._http.close()

    def workspaces(self) -> dict[str, dict[str, Any]]:
        """By name."""
        return {each["name"]: each for each in self._items("/api/workspaces")}

    def viewers(self) -> set[str]:
        """Their addresses."""
        return {each["address"] for each in self.connections() if each["kind"] == "viewer"}

    def connections(self) -> list[dict[str, Any]]:
        """All of them."""
        return self._items("/api/connections")

    def size(self, task_id: str) -> int:
        """Bytes of output."""
        return int(self._http.get(f"/api/tasks/{task_id}").json()["outputSize"])

    def _items(self, path: str) -> list[dict[str, Any]]:
        answer = self._http.get(path)
        answer.raise_for_status()
        items: list[dict[str, Any]] = answer.json()["items"]
        return items


@pytest.fixture
def far_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Network, SecureArbor]]:
    """A hub on a machine of its own, where this thread is as well."""
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    for name, value in without_proxies().items():
        monkeypatch.setenv(name, value)
    with Network() as net:
        machine = net.machine("hub")
        hub = SecureArbor(tmp_path / "hub", tmp_path, trustme.CA(), machine.address)
        hub.url = f"https://{machine.address}:{hub.port}"
        hub.hub_options += ["--host", machine.address]
        monkeypatch.setenv("SSL_CERT_FILE", str(hub.ca))
        hub.variables["SSL_CERT_FILE"] = str(hub.ca)
        with machine.inside():
            try:
                hub.start_hub()
                yield net, hub
            finally:
                hub.stop()


def start_daemons(sites: list[Site], observer: Observer) -> None:
    """All of them, at once."""
    for site in sites:
        site.start_daemon()

    def connected() -> bool:
        found = observer.workspaces()
        return all(found.get(site.name, {}).get("state") == "connected" for site in sites)

    wait_until(connected, "all daemons to connect")


def start_sites(net: Network, hub: SecureArbor, observer: Observer, folder: Path) -> list[Site]:
    """One for each fault, with a task that floods and with one that says nothing."""
    sites = [
        Site(name, fault, floods, net.machine(f"site{number}"), hub, folder / name)
        for number, (fault, floods) in enumerate(
            (fault, floods) for fault in FAULTS for floods in (True, False)
        )
        for name in (f"{fault.replace(' ', '-')}-{'flood' if floods else 'idle'}",)
    ]
    start_daemons(sites, observer)
    for site in sites:
        if site.floods:
            site.machine.throttle(LINK_BYTES_PER_SECOND)
        site.start_task()
        site.start_viewer(site.task_id)
    return sites


def test_a_link_that_dies_silently_is_found_by_both_sides_and_heals(
    far_hub: tuple[Network, SecureArbor], tmp_path: Path
) -> None:
    net, hub = far_hub
    sites: list[Site] = []
    try:
        with closing(Observer(hub)) as observer, Watcher(hub) as watcher:
            sites = start_sites(net, hub, observer, tmp_path)
            until_all_watch(sites, observer)
            cut, cut_at = time.monotonic(), time.time()
            for site in sites:
                site.cut(True)
            took = look_until_all_know(sites, observer, cut)
            print(json.dumps(took, indent=1))
            pushed, shown = pushed_since(watcher, cut), observer.workspaces()
            for site in sites:
                site.cut(False)
                site.machine.throttle(FAST_BYTES_PER_SECOND)

            for site in sites:
                # Not because anything was said: only silence tells.
                assert min(took[site.name].values()) > HEARTBEAT_SECONDS, site.name
                # What is shown is the last sign of life, not when it was missed.
                latest = took[site.name]["hub, of the daemon"] - 2 * HEARTBEAT_SECONDS
                for since in (shown[site.name]["since"], pushed[shown[site.name]["id"]]):
                    away = datetime.fromisoformat(since).timestamp() - cut_at
                    assert -2 * HEARTBEAT_SECONDS < away < latest, (site.name, away)
            until_all_are_exact(sites, observer)
    finally:
        for site in sites:
            site.stop()


def until_all_are_exact(sites: list[Site], observer: Observer) -> None:
    """All daemons are back by themselves, and every viewer has every byte once and in order."""

    def connected() -> bool:
        return all(each["state"] == "connected" for each in observer.workspaces().values())

    wait_until(connected, "all daemons to be back")
    for site in sites:
        reader = CellReader(site.name)
        reader.feed(site.finish())
        assert reader.finish(FLOOD_BYTES) == [], site.name
        assert observer.size(site.task_id) == FLOOD_BYTES


def until_all_watch(sites: list[Site], observer: Observer) -> None:
    """Every viewer is there, then the floods begin, and have come to their viewers."""
    wait_until(
        lambda: {site.machine.address for site in sites} <= observer.viewers(), "all viewers"
    )
    floods = [site for site in sites if site.floods]
    for site in floods:
        site.write()
    wait_until(
        lambda: all(site.output.stat().st_size > BEGINNING_BYTES for site in floods), "the floods"
    )


def look_until_all_know(
    sites: list[Site], observer: Observer, cut: float
) -> dict[str, dict[str, float]]:
    """How long each took to notice, by site.

    Raises:
        AssertionError: one of them never does.
    """
    everybody = {"hub, of the daemon", "hub, of the viewer", "daemon", "viewer"}
    deadline = cut + HANG_SECONDS
    pause = threading.Event()
    while any(site.noticed.keys() != everybody for site in sites):
        late = {s.name: {who: at - cut for who, at in s.noticed.items()} for s in sites}
        assert time.monotonic() < deadline, json.dumps(late, indent=1)
        workspaces, viewers = observer.workspaces(), observer.viewers()
        for site in sites:
            site.look(workspaces[site.name], viewers)
        pause.wait(LOOK_SECONDS)
    return {s.name: {who: round(at - cut, 2) for who, at in s.noticed.items()} for s in sites}


def pushed_since(watcher: Watcher, cut: float) -> dict[str, str]:
    """`since` by workspace, as the watcher was told of the first time after the cut."""
    found: dict[str, str] = {}
    for at, message in list(watcher.told):
        if at > cut and message["type"] == "workspace" and message["state"] == "unreachable":
            found.setdefault(message["workspaceId"], message["since"])
    return found


def test_heartbeats_do_not_wait_behind_output(
    far_hub: tuple[Network, SecureArbor], tmp_path: Path
) -> None:
    """A daemon with much to send and a viewer with much to get, on the same slow link."""
    net, hub = far_hub
    near, far = (
        Site(name, "", True, net.machine(name), hub, tmp_path / name) for name in ("near", "far")
    )
    try:
        with closing(Observer(hub)) as observer:
            start_daemons([near, far], observer)
            near.start_task()
            near.write()
            wait_until(lambda: observer.size(near.task_id) == FLOOD_BYTES, "much to get")
            far.machine.throttle(SLOW_BYTES_PER_SECOND)
            far.start_task()
            far.start_viewer(near.task_id)
            wait_until(lambda: far.machine.address in observer.viewers(), "the viewer")
            far.write()
            wait_until(lambda: observer.size(far.task_id) > BEGINNING_BYTES, "the flood")
            round_trips = RoundTrips(observer, far.machine.address)
            wait_until(round_trips.are_enough, "heartbeats over the slow link")
            print(round_trips.seen)
            # No connection was given up, each was heard, and there is still much to send.
            assert [kind for kind, _ in round_trips.seen] == ["daemon", "viewer"]
            assert observer.size(far.task_id) < FLOOD_BYTES // 2
            assert far.output.stat().st_size < FLOOD_BYTES // 2
    finally:
        far.machine.throttle(FAST_BYTES_PER_SECOND)
        near.stop()
        far.stop()


class RoundTrips:
    """What was shown of each connection from an address: `seen`, in ms, by its kind and id.

    While an answer is overdue the figure grows from look to look; what is shown twice is the round
    trip of a heartbeat that was answered.
    """

    def __init__(self, observer: Observer, address: str) -> None:
        self.seen: dict[tuple[str, str], list[float]] = {}
        self._observer = observer
        self._address = address
        self._last: dict[tuple[str, str], float] = {}

    def are_enough(self) -> bool:
        """Look once more: whether so many were answered on each since the first look."""
        for each in self._observer.connections():
            if each["address"] == self._address:
                key = (each["kind"], each["id"])
                shown = each["roundTripMs"] or 0.0
                seen = self.seen.setdefault(key, [])
                if shown == self._last.get(key) and shown not in seen:
                    seen.append(shown)
                self._last[key] = shown
        return all(len(seen) > ROUND_TRIPS for seen in self.seen.values())
