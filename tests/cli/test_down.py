"""`arbor up --detach`, `arbor down`, and what an `arbor up` that was killed leaves behind."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bounds import HANG_SECONDS

from .conftest import ARBOR, Up, clean_environment, start_up, stop_up


class Place:
    """An empty home and a folder, and `arbor` there. All of it is stopped in the end."""

    def __init__(self, base: Path) -> None:
        self.home = base / "home"
        self.folder = base / "work"
        self.folder.mkdir()

    def arbor(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*ARBOR, *words],
            env={**clean_environment(self.home), **variables},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
        )

    def up(self, *words: str) -> str:
        """Run `arbor up --detach` and return what it says."""
        done = self.arbor("up", "--detach", "--no-browser", "--port", "0", *words)
        assert done.returncode == 0, done.stderr
        return done.stderr

    def keepers(self) -> list[int]:
        """The process ids of every `arbor up`."""
        return [json.loads(file.read_text())["pid"] for file in (self.home / "up").glob("*.json")]

    def hub(self) -> int:
        return int((self.home / "hub" / "hub.pid").read_text())

    def daemons(self) -> list[int]:
        return [int(file.read_text()) for file in self.home.glob("daemons/*/supervisor.pid")]

    def kill_keepers(self) -> None:
        for file in (self.home / "up").glob("*.json"):
            os.kill(json.loads(file.read_text())["pid"], signal.SIGKILL)
            with file.open() as held:
                fcntl.flock(held, fcntl.LOCK_SH)  # it has ended


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    done = made.arbor("down")
    assert done.returncode == 0, done.stderr


def lives(pid: int) -> bool:
    """Whether it runs: what was adopted is collected by another process, some time."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


def test_a_detached_one_works_until_it_is_stopped(place: Place) -> None:
    said = place.up()
    assert "/#link=" in said and "Stop" in said and said.rstrip().endswith("down")
    processes = [*place.keepers(), place.hub(), *place.daemons()]
    assert len(processes) == 3 and all(map(lives, processes))
    assert place.arbor("run", "--", "echo", "hello").stdout == "hello\n"
    task = place.arbor("run", "--detach", "--", "sleep", "1000").stdout.strip()
    done = place.arbor("down")
    assert done.returncode == 0
    assert "1 running task is cancelled" in done.stderr
    assert f"{task[-6:]}  sleep 1000" in done.stderr
    assert not any(map(lives, processes))
    assert not place.keepers()
    again = place.arbor("down")
    assert again.returncode == 0 and "nothing to stop" in again.stderr


def test_a_detached_one_holds_nothing_of_the_terminal(place: Place) -> None:
    place.up()
    for pid in (*place.keepers(), place.hub(), *place.daemons()):
        assert os.getsid(pid) != os.getsid(0)
    (keeper,) = place.keepers()
    assert {os.readlink(f"/proc/{keeper}/fd/{number}") for number in (0, 1, 2)} == {"/dev/null"}


def test_a_detached_one_that_cannot_start_says_why_and_leaves_nothing(place: Place) -> None:
    done = place.arbor("up", "--detach", "--port", "0", ARBOR_PUBLIC_URL="none")
    assert done.returncode == 1
    assert "ARBOR_PUBLIC_URL" in done.stderr and "the hub did not start" in done.stderr
    assert not place.keepers()


def test_one_for_the_same_folder_prints_a_link(place: Place) -> None:
    first = place.up()
    second = place.up()
    assert "already" in second and "/#link=" in second
    assert first.split("/#link=")[1].split()[0] not in second
    assert len(place.keepers()) == 1


def test_what_a_killed_one_left_is_looked_after_again_with_its_tasks(place: Place) -> None:
    place.up()
    task = place.arbor("run", "--detach", "--", "sleep", "1000").stdout.strip()
    before = [place.hub(), *place.daemons()]
    place.kill_keepers()
    assert "An earlier `arbor up` was killed" in place.up()
    assert [place.hub(), *place.daemons()] == before
    (stored,) = json.loads(place.arbor("tasks", "--json").stdout)
    assert (stored["id"], stored["status"]) == (task, "running")
    # What was adopted is started again like the rest.
    os.kill(place.hub(), signal.SIGKILL)
    assert place.arbor("run", "--", "echo", "hello").stdout == "hello\n"
    assert place.hub() != before[0]


def test_what_a_killed_one_left_is_stopped(place: Place) -> None:
    place.up()
    place.arbor("run", "--detach", "--", "sleep", "1000")
    processes = [place.hub(), *place.daemons()]
    place.kill_keepers()
    done = place.arbor("down")
    assert done.returncode == 0 and "1 running task is cancelled" in done.stderr
    assert not any(map(lives, processes))


def test_a_killed_one_whose_processes_are_gone_too_is_no_obstacle(place: Place) -> None:
    place.up()
    processes = [place.hub(), *place.daemons()]
    place.kill_keepers()
    for pid in processes:
        os.kill(pid, signal.SIGKILL)
    assert place.up().startswith("Arbor is up.\n")


def test_what_another_folders_killed_one_left_is_named(place: Place, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    place.up()
    place.kill_keepers()
    said = place.up(str(other))
    assert f"The daemon of {place.folder} still runs" in said
    assert len(place.daemons()) == 2


def test_down_stops_what_a_terminal_started_and_every_folder(place: Place, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    up = start_up(place.home, place.folder)
    place.up(str(other))
    processes = [*place.keepers(), place.hub(), *place.daemons()]
    assert len(processes) == 5
    done = place.arbor("down")
    assert done.returncode == 0, done.stderr
    assert place.folder.name in done.stderr and other.name in done.stderr
    assert up.process.wait(HANG_SECONDS) == 0
    assert up.process.stderr is not None
    assert "Stopped." in up.process.stderr.read()
    up.process.stderr.close()
    assert not any(map(lives, processes))


def test_down_with_a_folder_stops_that_alone(place: Place, tmp_path: Path) -> None:
    other = tmp_path / "other folder"
    other.mkdir()
    place.up()
    said = place.up(str(other))
    assert said.rstrip().endswith(f"down '{other}'")
    assert f"down '{other}'" in place.up(str(other))
    (link := tmp_path / "link").symlink_to(other)
    hub, daemons = place.hub(), set(place.daemons())
    task = place.arbor("run", "--detach", "--", "sleep", "1000").stdout.strip()
    refused = place.arbor("down", str(place.folder))
    assert refused.returncode == 1 and "is connected to it" in refused.stderr
    assert f"down '{other}'` first" in refused.stderr
    assert set(map(lives, [hub, *daemons])) == {True}
    done = place.arbor("down", os.path.relpath(link, place.folder))
    assert done.returncode == 0, done.stderr
    assert str(other) in done.stderr and "no task is running" in done.stderr
    assert len([pid for pid in daemons if lives(pid)]) == 1 and lives(hub)
    assert place.arbor("tasks", "--status", "running", "--quiet").stdout.strip() == task
    again = place.arbor("down", str(other))
    assert again.returncode == 1 and f"no `arbor up` serves {other}" in again.stderr
    assert f"Name one that is served: {place.folder}" in again.stderr
    assert place.arbor("down", str(place.folder)).returncode == 0
    assert not any(map(lives, [hub, *daemons]))
    nothing = place.arbor("down", str(place.folder))
    assert nothing.returncode == 1 and "nothing is left to stop" in nothing.stderr


def left_behind(place: Place, tmp_path: Path) -> Path:
    """Serve the place's folder and another one, and kill what looks after them; the other one."""
    other = tmp_path / "other"
    other.mkdir()
    place.up()
    place.up(str(other))
    place.kill_keepers()
    return other


def test_down_with_a_folder_stops_what_a_killed_one_left(place: Place, tmp_path: Path) -> None:
    """Also of a folder that is gone."""
    other = left_behind(place, tmp_path)
    processes = [place.hub(), *place.daemons()]
    other.rmdir()
    assert place.arbor("down", str(other)).returncode == 0
    assert sum(map(lives, processes)) == 2
    assert place.arbor("down", str(place.folder)).returncode == 0
    assert not any(map(lives, processes))


def test_down_does_not_stop_a_daemon_that_up_did_not_start(place: Place, tmp_path: Path) -> None:
    other = left_behind(place, tmp_path)
    for file in (place.home / "up").glob("*.json"):
        if json.loads(file.read_text())["path"] == str(other):
            file.unlink()
    refused = place.arbor("down", str(other))
    assert refused.returncode == 1 and "was started in another way" in refused.stderr
    (daemon,) = [pid for pid in place.daemons() if f"process {pid}" in refused.stderr]
    assert lives(daemon)
    os.kill(daemon, signal.SIGTERM)


def test_down_leaves_a_hub_that_it_did_not_start(place: Place) -> None:
    hub = subprocess.Popen(
        [*ARBOR, "hub", "--port", "0"],
        env=clean_environment(place.home),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert hub.stderr is not None and "listens" in hub.stderr.readline()
    done = place.arbor("down")
    assert done.returncode == 0
    assert f"process {hub.pid}, was not started by it" in done.stderr
    assert lives(hub.pid)
    refused = place.arbor("up", "--no-browser")
    assert refused.returncode == 1 and "arbor login" in refused.stderr
    hub.send_signal(signal.SIGTERM)
    hub.communicate(timeout=HANG_SECONDS)


def test_a_foreground_one_adopts_too(place: Place) -> None:
    place.up()
    before = [place.hub(), *place.daemons()]
    place.kill_keepers()
    up: Up = start_up(place.home, place.folder)
    assert [place.hub(), *place.daemons()] == before
    stop_up(up)
    assert not any(map(lives, before))
