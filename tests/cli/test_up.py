"""`arbor up`: starts, says so, starts again what dies, refuses to run twice, leaves nothing."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from arborlink.cli import up_setup
from tests.bounds import HANG_SECONDS
from tests.plain_http import HTTP
from tests.ports import free_port

from .conftest import ARBOR, Up, clean_environment, start_up, stop_up


def test_the_summary_has_a_link_and_the_command(up: Up) -> None:
    assert "/#link=" in up.summary
    assert "arbor run --" in up.summary
    assert (up.home / "credentials.toml").stat().st_mode & 0o777 == 0o600


def test_a_second_one_prints_a_link_again(up: Up) -> None:
    result = up.arbor("up", "--no-browser")
    said = result.stderr.decode()
    assert result.returncode == 0, said
    assert "already" in said and f":{up.port}/#link=" in said and up.folder.name in said
    assert said.split("/#link=")[1].split()[0] not in up.summary


def test_a_second_one_for_another_folder_says_what_to_do(up: Up, tmp_path: Path) -> None:
    result = up.arbor("up", str(tmp_path), "--no-browser")
    assert result.returncode == 1
    assert b"already runs" in result.stderr and b"arbor daemon PATH" in result.stderr


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
    result = subprocess.run(
        [*ARBOR, "up", str(tmp_path), "--port", "0"],
        env=clean_environment(home),
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
    )
    assert result.returncode == 1
    assert "https://hub.example" in result.stderr and "ARBOR_HOME" in result.stderr
    assert (home / "credentials.toml").read_text() == text


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


def test_no_other_program_is_given_the_port_of_a_hub_that_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARBOR_HOME", str(tmp_path))
    setup = up_setup.prepare("127.0.0.1", 0)
    with setup.place:
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", setup.port))
        # As the hub does, twice.
        for _ in range(2):
            socket.create_server(("127.0.0.1", setup.port)).close()
