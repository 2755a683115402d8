"""`arbor up`: starts, says so, starts again what dies, refuses to run twice, leaves nothing."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import tomllib
from pathlib import Path

import pytest

from arborlink.cli import up_setup
from tests.bounds import HANG_SECONDS
from tests.plain_http import HTTP
from tests.ports import free_port

from .conftest import ARBOR, Up, clean_environment, start_up, stop_up


def test_the_summary_is_all_that_is_said_and_its_command_works(up: Up) -> None:
    assert "/#link=" in up.summary
    lines = up.summary.splitlines()
    assert lines[0] == "Arbor is up." and len(lines) <= 9 and max(map(len, lines)) <= 200
    (command,) = (line.split("Try", 1)[1].strip() for line in lines if line.startswith("  Try "))
    # As a person would: in a shell that knows nothing of this test's way to start it.
    environment = {"PATH": os.defpath, "HOME": str(up.home)}
    done = subprocess.run(
        command,
        shell=True,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
    )
    assert (done.returncode, done.stdout) == (0, "hello\n"), done.stderr
    assert (up.home / "credentials.toml").stat().st_mode & 0o777 == 0o600


def test_a_second_one_prints_a_link_again(up: Up) -> None:
    result = up.arbor("up", "--no-browser")
    said = result.stderr.decode()
    assert result.returncode == 0, said
    assert "already" in said and f":{up.port}/#link=" in said and up.folder.name in said
    assert said.split("/#link=")[1].split()[0] not in up.summary


def test_a_second_one_connects_another_folder_to_the_hub_that_runs(tmp_path: Path) -> None:
    first, other = tmp_path / "first", tmp_path / "other"
    first.mkdir()
    other.mkdir()
    up = start_up(tmp_path / "home", first)
    second = start_up(up.home, other)
    try:
        assert second.port == up.port
        assert "connected to the hub that runs here already" in second.summary
        assert second.arbor("run", "--", "pwd").stdout.decode().strip() == str(other)
        assert up.arbor("run", "--", "pwd").stdout.decode().strip() == str(first)
        stop_up(second)
        assert up.arbor("run", "--", "true").returncode == 0
    finally:
        stop_up(up)


def test_a_link_is_printed_alone_and_signs_in_once(up: Up) -> None:
    result = up.arbor("link")
    assert result.returncode == 0 and not result.stderr
    (url,) = result.stdout.decode().splitlines()
    hub, _, link = url.partition("/#link=")
    assert hub == f"http://127.0.0.1:{up.port}"
    answers = [
        HTTP.post(f"{hub}/api/session", json={"link": link}, headers={"Origin": hub})
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 401]
    shown = json.loads(up.arbor("link", "--json").stdout)
    assert set(shown) == {"link", "url", "expiresAt"} and shown["url"].endswith(shown["link"])


def test_a_taken_port_says_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = subprocess.run(
            [*ARBOR, "up", str(tmp_path), "--port", str(port)],
            env=clean_environment(tmp_path / "home"),
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
        )
    assert result.returncode == 1
    assert f"--port {port + 1}" in result.stderr


def test_other_credentials_are_not_replaced(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    text = '[hub]\nurl = "https://hub.example"\ntoken = "t"\n'
    (home / "credentials.toml").write_text(text)
    folder = tmp_path / "work"
    folder.mkdir()
    up = start_up(home, folder)
    assert "`arbor use hub.example` goes back to https://hub.example" in up.summary

    def stored() -> dict[str, tuple[str, bool]]:
        """The token of each hub, and whether it is the one in use."""
        table = tomllib.loads((home / "credentials.toml").read_text())
        hubs = [table["hub"], *table["others"]]
        return {each["name"]: (each["token"], each is hubs[0]) for each in hubs}

    assert stored()["hub.example"] == ("t", False)
    assert up.arbor("use", "hub.example").returncode == 0
    stop_up(up)
    again = start_up(home, folder)
    assert stored()["hub.example"] == ("t", True), "what was chosen stays chosen"
    stop_up(again)


def test_a_killed_hub_comes_back_and_a_stop_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    port = str(free_port())
    up = start_up(tmp_path / "home", folder, "--name", "mine", "--port", port)
    hub = int((up.home / "hub" / "hub.pid").read_text())
    supervisors = list((up.home / "daemons").glob("*/supervisor.pid"))
    daemon = int(supervisors[0].read_text())
    running = subprocess.Popen(
        up.command("run", "--shell", "--", "echo begin; read line; echo $line"),
        env=up.environment,
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert running.stdout is not None
    assert running.stdout.readline() == b"begin\n"
    os.kill(hub, signal.SIGKILL)
    assert (
        running.communicate(b"after the crash\n", timeout=HANG_SECONDS)[0] == b"after the crash\n"
    )
    assert running.returncode == 0
    rest = stop_up(up)
    assert "the hub ended (signal 9)" in rest
    assert not Path(f"/proc/{daemon}").exists()
    again = start_up(up.home, folder, "--port", port)
    assert again.arbor("workspaces").stdout.count(b"mine") == 1
    stop_up(again)


def test_a_folder_of_another_hub_is_explained(tmp_path: Path) -> None:
    folder, home = tmp_path / "work", tmp_path / "home"
    folder.mkdir()
    state = home / "daemons" / "ws_other"
    state.mkdir(parents=True)
    fields = {
        "hub": "https://hub.example",
        "workspace_id": "ws_other",
        "daemon_id": "dmn_1",
        "auth_token": "t",
        "path": str(folder.resolve()),
    }
    (state / "identity.toml").write_text("".join(f'{k} = "{v}"\n' for k, v in fields.items()))
    result = subprocess.run(
        [*ARBOR, "up", str(folder), "--port", "0", "--no-browser"],
        env=clean_environment(home),
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
    )
    assert result.returncode == 1
    assert "workspace of the hub at https://hub.example" in result.stderr
    assert "Unknown child" not in result.stderr


def test_a_workspace_that_was_deleted_is_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    up = start_up(tmp_path / "home", folder)
    (workspace,) = json.loads(up.arbor("workspaces", "--json").stdout)
    with (up.home / "credentials.toml").open("rb") as file:
        token = tomllib.load(file)["hub"]["token"]
    hub = f"http://127.0.0.1:{up.port}"
    answer = HTTP.delete(
        f"{hub}/api/workspaces/{workspace['id']}", headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 204
    rest = stop_up(up)
    assert "arbor up" in rest or "Stopped" in rest
    again = start_up(up.home, folder)
    assert again.arbor("run", "--", "echo", "again").stdout == b"again\n"
    stop_up(again)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_an_address_for_others_is_refused_with_flags_that_exist(tmp_path: Path, host: str) -> None:
    done = run_up(tmp_path, "--host", host, "--port", "0")
    assert done.returncode == 1
    assert done.stderr.startswith("arbor: `arbor up` serves this machine alone")
    assert done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize(
    "variable",
    ["ARBOR_PUBLIC_URL=none", "ARBOR_WEBSOCKET_PATH=none", "ARBOR_LOG_LEVEL=loud"],
)
def test_a_setting_that_cannot_be_used_is_said_once(tmp_path: Path, variable: str) -> None:
    name, _, value = variable.partition("=")
    done = run_up(tmp_path, "--port", "0", **{name: value})
    assert done.returncode == 1
    assert done.stderr.count(name) == 1 and "starting it again" not in done.stderr
    assert "is started again" not in done.stderr


def test_a_policy_that_cannot_be_used_is_said_once(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    stop_up(start_up(tmp_path / "home", folder))
    (state,) = (tmp_path / "home" / "daemons").iterdir()
    (state / "arbor.toml").write_text("nonsense = [")
    done = run_up(tmp_path, "--port", "0")
    assert done.returncode == 1
    assert done.stderr.count("arbor.toml") == 1 and "again" not in done.stderr, done.stderr


def test_logs_go_to_private_files_and_to_the_terminal_on_request(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    up = start_up(tmp_path / "home", folder, "--verbose")
    assert up.arbor("run", "--", "true").returncode == 0
    said = up.summary + stop_up(up)
    assert "hub: " in said and "task created" in said
    assert "daemon: " in said and "serving" in said
    logs = list((up.home / "logs").iterdir())
    assert {each.name.partition("-")[0] for each in logs} == {"hub.log", "daemon"}
    assert {each.stat().st_mode & 0o777 for each in logs} == {0o600}


def test_a_stop_says_which_tasks_it_cancels(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    up = start_up(tmp_path / "home", folder)
    task = up.arbor("run", "--detach", "--", "sleep", "1000").stdout.decode().strip()
    said = stop_up(up)
    assert "1 running task is cancelled" in said
    assert f"{task[-6:]}  sleep 1000" in said and "Stopped." in said
    again = start_up(up.home, folder)
    (stored,) = json.loads(again.arbor("tasks", "--json").stdout)
    assert stored["status"] == "cancelled"
    stop_up(again)


def test_a_second_interrupt_does_not_wait_for_tasks(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    up = start_up(tmp_path / "home", folder)
    stubborn = "trap '' TERM; echo ready; while :; do sleep 1000; done"
    with subprocess.Popen(
        up.command("run", "--shell", "--", stubborn),
        env=up.environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as running:
        assert running.stdout is not None and running.stdout.readline() == b"ready\n"
        (supervisor,) = (up.home / "daemons").glob("*/supervisor.pid")
        daemon = int(supervisor.read_text())
        assert up.process.stderr is not None
        up.process.send_signal(signal.SIGINT)
        while "1 running task is cancelled" not in up.process.stderr.readline():
            pass
        up.process.send_signal(signal.SIGINT)
        up.process.communicate(timeout=HANG_SECONDS)
        assert up.process.returncode == 130
        assert not Path(f"/proc/{daemon}").exists()
        running.kill()


def test_no_other_program_is_given_the_port_of_a_hub_that_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARBOR_HOME", str(tmp_path))
    setup = up_setup.prepare("127.0.0.1", 0)
    assert setup.place is not None
    with setup.place:
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", setup.port))
        # As the hub does, twice.
        for _ in range(2):
            socket.create_server(("127.0.0.1", setup.port)).close()


def run_up(base: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """`arbor up` for a folder of `base`, where it is expected to end by itself."""
    folder = base / "work"
    folder.mkdir(exist_ok=True)
    return subprocess.run(
        [*ARBOR, "up", str(folder), "--no-browser", *options],
        env={**clean_environment(base / "home"), **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
    )
