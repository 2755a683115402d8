"""What systemd and launchd are told, as they read it."""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from arborlink.cli.services import launchd, systemd
from arborlink.cli.services.service import (
    DAEMON,
    Service,
    daemon_name,
    daemon_service,
    hub_service,
)
from arborlink.daemon.app import REFUSED_EXIT_CODE
from arborlink.protocol.errors import InvalidInput
from tests.bounds import HANG_SECONDS

PYTHON = [sys.executable, "-P", "-m", "arborlink.cli"]
ODD = '/srv/a b/100%$HOME/it\'s "x";\\n/é'


def unit(text: str) -> dict[str, list[str]]:
    """Every setting with its values, sections aside."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals:
            found.setdefault(name, []).append(value)
    return found


def words(command: str) -> list[str]:
    """A command line as systemd.service(5) reads it, as far as ours needs it."""
    found, word, quoted, escaped = [], "", False, False
    for character in command + " ":
        if escaped:
            word, escaped = word + character, False
        elif character == "\\":
            escaped = True
        elif character == '"':
            quoted = not quoted
        elif character == " " and not quoted:
            found.append(word)
            word = ""
        else:
            word += character
    return [each.replace("%%", "%").replace("$$", "$") for each in found]


@pytest.fixture
def hub(tmp_path: Path) -> Service:
    return hub_service(["--port", "4100"], tmp_path / "hub.env")


@pytest.fixture
def daemon() -> Service:
    return daemon_service(ODD, "ws_01abcdWXYZ", "cancel")


def test_the_hub_is_kept_running_and_gets_no_more_than_it_needs(hub: Service) -> None:
    settings = unit(systemd.render(hub))
    assert words(settings["ExecStart"][0]) == [*PYTHON, "hub", "--port", "4100"]
    assert settings["Restart"] == ["always"]
    assert settings["StartLimitIntervalSec"] == ["0"]
    assert settings["NoNewPrivileges"] == ["yes"]
    assert settings["UMask"] == ["0077"]
    assert settings["EnvironmentFile"] == [f"-{hub.secrets}"]
    assert settings["WantedBy"] == ["default.target"]


def test_the_supervisor_ends_its_tasks_itself(daemon: Service) -> None:
    settings = unit(systemd.render(daemon))
    # What a finished task left behind is not the service's to end.
    assert settings["KillMode"] == ["process"]
    assert int(settings["TimeoutStopSec"][0]) > 5 + 10 + 3
    assert settings["RestartPreventExitStatus"] == [str(REFUSED_EXIT_CODE)]
    assert settings["OOMPolicy"] == ["continue"]
    waiting = daemon_service("/srv/x", "ws_1", "wait")
    assert unit(systemd.render(waiting))["TimeoutStopSec"] == ["infinity"]


def test_commands_see_what_they_would_see_in_a_shell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No sandbox, no other /tmp, no fewer privileges or descriptors; the PATH of this shell."""
    monkeypatch.setenv("PATH", "/opt/tools:/usr/bin")
    text = systemd.render(daemon_service("/srv/x", "ws_1", "cancel"))
    settings = unit(text)
    changing = ("Private", "Protect", "Restrict", "NoNew", "System", "ReadOnly", "Limit", "UMask")
    allowed = {"RestartPreventExitStatus"}
    assert not [name for name in settings if name.startswith(changing) and name not in allowed]
    assert "PATH=/opt/tools:/usr/bin" in settings["Environment"]


def test_paths_arrive_as_they_are(daemon: Service) -> None:
    settings = unit(systemd.render(daemon))
    command = words(settings["ExecStart"][0])
    assert command == [*PYTHON, "daemon", "--on-stop", "cancel", "--", ODD]


@pytest.mark.parametrize("path", ["/srv/a\nExecStartPre=/bin/evil", "/srv/\x07", "/srv/\udcff"])
def test_a_path_that_a_unit_cannot_hold_is_refused(path: str) -> None:
    with pytest.raises(InvalidInput, match="Rename it"):
        systemd.render(daemon_service(path, "ws_1", "cancel"))


def test_no_credential_gets_into_a_unit(hub: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ARBOR_TOKEN", "ARBOR_BOOTSTRAP_TOKEN"):
        monkeypatch.setenv(name, "secret-secret-secret")
    monkeypatch.setenv("ARBOR_HOME", "~/arbor")
    made = hub_service([], Path("/x")), daemon_service("/srv/x", "ws_1", "cancel")
    for service in made:
        assert "secret" not in systemd.render(service) + launchd.render(service, Path("/log"))
        assert service.environment["ARBOR_HOME"] == os.path.expanduser("~/arbor")


def test_names_are_readable_and_no_other_folders() -> None:
    assert daemon_name("/home/me/My Project", "ws_01AB7H2K") == f"{DAEMON}-my-project-7h2k"
    assert daemon_name("/", "ws_017h2k") == f"{DAEMON}-7h2k"
    assert len(daemon_name("/" + "x" * 255, "ws_017h2k")) < 64
    assert daemon_name("/a/x", "ws_1111") != daemon_name("/b/x", "ws_2222")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
@pytest.mark.parametrize("kind", ["hub", "daemon"])
def test_systemd_understands_every_line(
    kind: str, hub: Service, daemon: Service, tmp_path: Path
) -> None:
    file = tmp_path / f"arbor-{kind}.service"
    file.write_text(systemd.render(hub if kind == "hub" else daemon))
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--user", str(file)],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
    )
    complaints = [line for line in checked.stderr.splitlines() if file.name in line]
    assert not complaints
    assert checked.returncode == 0, checked.stderr


def test_launchd_runs_the_same(hub: Service, daemon: Service, tmp_path: Path) -> None:
    of_hub = plistlib.loads(launchd.render(hub, tmp_path / "log").encode())
    of_daemon = plistlib.loads(launchd.render(daemon, tmp_path / "log").encode())
    assert of_daemon["ProgramArguments"] == daemon.command
    assert of_daemon["ProcessType"] == "Interactive"
    assert of_daemon["AbandonProcessGroup"] is True
    for agent in (of_hub, of_daemon):
        assert agent["KeepAlive"] and agent["RunAtLoad"]
        assert agent["StandardErrorPath"] == str(tmp_path / "log")
    assert of_hub["Umask"] == 0o077


def test_launchd_gives_the_hub_its_variables(tmp_path: Path) -> None:
    secrets = tmp_path / "hub env"
    show = Service("hub", "arbor-hub", "x", (), secrets=secrets)
    first = plistlib.loads(launchd.render(show, tmp_path / "log").encode())["ProgramArguments"]
    shell = [*first[: first.index(sys.executable)], "sh", "-c", 'echo "$ARBOR_BOOTSTRAP_TOKEN"']
    assert subprocess.check_output(shell) == b"\n"
    secrets.write_text("ARBOR_BOOTSTRAP_TOKEN=abc\n")
    assert subprocess.check_output(shell) == b"abc\n"
