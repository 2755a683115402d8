"""`install` and `uninstall` as commands: what is written, what is said, what stays."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from arborlink.cli.main import cli
from arborlink.cli.serve import DAEMON_PARTS, HUB_PARTS
from arborlink.daemon.identity import Identity, save


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("ARBOR_URL", "ARBOR_TOKEN", "ARBOR_BOOTSTRAP_TOKEN", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ARBOR_HOME", str(tmp_path / "arbor"))
    return tmp_path


@pytest.fixture
def project(home: Path) -> Path:
    return enrolled(home / "project", "ws_01aaaa")


def enrolled(folder: Path, workspace_id: str) -> Path:
    folder.mkdir()
    hub = "http://127.0.0.1:1"
    save(Identity(hub, workspace_id, f"dmn_{workspace_id}", "secret-token", str(folder.resolve())))
    return folder


def arbor(*words: str) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def units(home: Path) -> dict[str, str]:
    folder = home / ".config" / "systemd" / "user"
    return {file.name: file.read_text() for file in folder.glob("*.service")}


def test_the_lists_of_parts_say_what_the_parts_say() -> None:
    for name, parts in (("hub", HUB_PARTS), ("daemon", DAEMON_PARTS)):
        context = click.Context(cli)
        group = cli.get_command(context, name)
        assert isinstance(group, click.Group)
        for part, (_, text) in parts.items():
            command = group.get_command(context, part)
            assert command is not None
            assert command.get_short_help_str(100) == text


def test_printing_writes_nothing(home: Path, project: Path) -> None:
    before = sorted(home.rglob("*"))
    for words in (("hub",), ("daemon", str(project))):
        result = arbor(words[0], "install", "--print", "--manager", "systemd", *words[1:])
        assert result.exit_code == 0, result.output
        assert result.stdout.startswith("[Unit]\n")
        assert "secret-token" not in result.output
    assert sorted(home.rglob("*")) == before


def test_a_daemon_and_back(home: Path, project: Path) -> None:
    result = arbor("daemon", "install", str(project), "--manager", "systemd")
    assert result.exit_code == 0, result.output
    ((name, text),) = units(home).items()
    service = name.removesuffix(".service")
    assert str(project) in text
    assert f"systemctl --user enable --now {service}" in result.stdout
    assert "loginctl enable-linger" in result.stdout
    assert "cancels the tasks that run" in result.stderr

    again = arbor("daemon", "install", str(project), "--manager", "systemd")
    assert "nothing to change" in again.stderr and "restart" not in again.stdout
    changed = arbor("daemon", "install", str(project), "--on-stop", "wait", "--manager", "systemd")
    assert f"systemctl --user restart {service}" in changed.stdout
    assert "--on-stop wait" in units(home)[name]
    assert "waits for those that run" in changed.stderr

    wants = home / ".config" / "systemd" / "user" / "default.target.wants"
    wants.mkdir()
    (wants / name).symlink_to(wants.parent / name)
    gone = arbor("daemon", "uninstall", str(project), "--manager", "systemd")
    assert gone.exit_code == 0 and f"systemctl --user stop {service}" in gone.stdout
    assert units(home) == {} and list(wants.iterdir()) == []
    assert (home / "arbor" / "daemons" / "ws_01aaaa" / "identity.toml").exists()
    assert arbor("daemon", "uninstall", str(project)).exit_code == 1


def test_every_folder_has_a_service_of_its_own(home: Path, project: Path) -> None:
    other = enrolled(home / "other", "ws_01bbbb")
    for manager in ("systemd", "launchd"):
        result = arbor("daemon", "install", str(project), str(other), "--manager", manager)
        assert result.exit_code == 0, result.output
    names = [f"arbor-daemon-{name}.service" for name in ("other-bbbb", "project-aaaa")]
    assert sorted(units(home)) == names
    assert len(list((home / "Library" / "LaunchAgents").iterdir())) == 2
    for manager in ("systemd", "launchd"):
        assert arbor("daemon", "uninstall", "--all", "--manager", manager).exit_code == 0
    assert units(home) == {}
    assert not list((home / "Library" / "LaunchAgents").iterdir())


def test_a_folder_that_is_no_workspace(home: Path, project: Path) -> None:
    stranger = home / "stranger"
    stranger.mkdir()
    result = arbor("daemon", "install", str(project), str(stranger), "--manager", "systemd")
    assert result.exit_code == 1
    assert "arbor enroll NAME" in result.stderr
    assert units(home) == {}


def test_a_hub_gets_a_first_token_that_only_its_owner_sees(home: Path) -> None:
    words = ("hub", "install", "--port", "4100", "--manager", "systemd", "--data-dir", "data")
    result = arbor(*words)
    assert result.exit_code == 0, result.output
    text = units(home)["arbor-hub.service"]
    assert f" hub --port 4100 --data-dir {Path('data').absolute()}\n" in text
    file = home / "arbor" / "hub.env"
    name, _, token = file.read_text().strip().partition("=")
    assert name == "ARBOR_BOOTSTRAP_TOKEN" and len(token) >= 32
    assert file.stat().st_mode & 0o777 == 0o600
    assert token not in result.output + text
    assert f"cut -d= -f2 {file} | arbor login http://127.0.0.1:4100 --token" in result.stdout
    again = arbor(*words)
    assert "cut" not in again.stdout
    assert token in file.read_text()


def test_a_hub_with_data_needs_no_first_token(home: Path) -> None:
    (home / "data").mkdir()
    (home / "data" / "hub.sqlite3").touch()
    data = str(home / "data")
    assert arbor("hub", "install", "--data-dir", data, "--manager", "systemd").exit_code == 0
    assert not (home / "arbor" / "hub.env").exists()
    assert arbor("hub", "uninstall", "--manager", "systemd").exit_code == 0
    assert units(home) == {}


def test_settings_that_cannot_work_are_refused_before_anything_is_written(home: Path) -> None:
    result = arbor("hub", "install", "--host", "0.0.0.0", "--manager", "systemd")
    assert result.exit_code == 1
    assert "without TLS" in str(result.exception)
    assert units(home) == {}


def test_a_folder_called_install(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`./install` is the folder; the word alone is the subcommand."""
    folder = enrolled(home / "install", "ws_01cccc")
    monkeypatch.chdir(home)
    result = arbor("daemon", "./install", "--on-stop", "never")
    assert "Invalid value for '--on-stop'" in result.stderr
    printed = arbor("daemon", "install", "./install", "--print", "--manager", "systemd")
    assert str(folder) in printed.stdout
