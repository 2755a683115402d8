"""Daemons with something wrong: their folders, processes, policy, token, and doubles."""

from __future__ import annotations

import fcntl
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from arborlink import __version__
from arborlink.cli.checks import daemons
from arborlink.cli.checks.account import visible_workspaces
from arborlink.cli.checks.finding import Finding
from arborlink.client import Workspace
from arborlink.client.credentials import Credentials, load
from arborlink.client.credentials import save as save_credentials
from arborlink.daemon import processes_file
from arborlink.daemon.control import CONTROL_SOCKET
from arborlink.daemon.identity import Identity, load_all, save
from arborlink.daemon.processes_file import DaemonProcesses, ProcessInfo

from ..conftest import Up
from .servers import by_check


@pytest.fixture
def identity(home: Path, tmp_path: Path) -> Identity:
    """A daemon that was enrolled and does not run."""
    folder = tmp_path / "project"
    folder.mkdir()
    made = Identity(
        hub="http://127.0.0.1:1",
        workspace_id="ws_1",
        daemon_id="dmn_1",
        auth_token="token",
        path=str(folder.resolve()),
    )
    save(made)
    return made


@pytest.fixture
def copied(up: Up, home: Path) -> tuple[Identity, Workspace]:
    """The state folder of a daemon that runs, copied; and what the hub says of it."""
    shutil.copytree(
        up.home / "daemons", home / "daemons", ignore=shutil.ignore_patterns("*.pid", "*.sock")
    )
    (identity,) = load_all()
    token = Credentials(identity.hub, _token(up))
    return identity, visible_workspaces(token)[identity.workspace_id]


def _token(up: Up) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARBOR_HOME", str(up.home))
        stored = load()
    assert stored is not None
    return stored.token


def look(identity: Identity, workspace: Workspace | None = None, **how: bool) -> dict[str, Finding]:
    reachable = how.get("reachable", False)
    return by_check(list(daemons.check_daemon(identity, workspace, reachable=reachable)))


@contextmanager
def running(identity: Identity, connector: int) -> Iterator[None]:
    """The traces of a supervisor and a connector."""
    with (identity.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (identity.folder / "supervisor.pid").write_text("1\n")
        (identity.folder / "connector.pid").write_text(f"{connector}\n")
        yield


def finished_process() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_a_daemon_that_does_not_run(identity: Identity) -> None:
    found = look(identity)
    assert {check for check, each in found.items() if each.verdict != "ok"} == {"daemon"}
    assert f"arbor daemon install {identity.path}" in found["daemon"].do
    # Where `arbor up` has the hub, it starts the daemon, too.
    save_credentials(Credentials(identity.hub, "token", data_folder="/data"))
    assert f"`arbor up {identity.path}`" in look(identity)["daemon"].do
    assert "connector" not in found


def test_a_stale_lock_file_is_no_daemon(identity: Identity) -> None:
    (identity.folder / "lock").touch()
    (identity.folder / "supervisor.pid").write_text("1\n")
    assert daemons.check_supervisor(identity).verdict == "failed"


def test_a_folder_that_is_gone(identity: Identity) -> None:
    Path(identity.path).rmdir()
    found = look(identity)
    assert found["folder"].verdict == "failed"
    assert "arbor enroll" in found["folder"].do


def test_a_state_folder_that_cannot_be_written(identity: Identity) -> None:
    shutil.rmtree(identity.folder)
    identity.folder.touch()
    assert look(identity)["state"].verdict == "failed"


def test_an_identity_that_others_can_read(identity: Identity) -> None:
    (identity.folder / "identity.toml").chmod(0o644)
    assert look(identity)["identity"].verdict == "failed"


def test_an_identity_that_is_damaged(identity: Identity) -> None:
    assert not list(daemons.check_unreadable({identity.workspace_id}))
    (identity.folder / "identity.toml").write_text("hub = ")
    assert load_all() == []
    (finding,) = daemons.check_unreadable(set())
    assert finding.verdict == "failed"
    assert str(identity.folder) in finding.found and "enrol" in finding.do


@pytest.mark.parametrize("policy", ["allowed_commands = [", "no_such_setting = 1"])
def test_a_policy_that_forbids_everything(identity: Identity, policy: str) -> None:
    assert look(identity)["policy"].verdict == "ok"
    (identity.folder / "arbor.toml").write_text(policy)
    finding = look(identity)["policy"]
    assert finding.verdict == "failed"
    assert "arbor.toml" in finding.why


@pytest.mark.parametrize(
    ("policy", "found"),
    [
        ("allowed_commands = ['/usr/bin/*']", "env (`/usr/bin/*`)"),
        ("allowed_commands = ['true', 'env']", "env (`env`)"),
        ("[[command]]\npath = '/bin/sh'", "sh (`/bin/sh`)"),
        ("[[command]]\npath = '/bin/sh'\narguments = ['-c', 'date']", ""),
        ("allowed_commands = ['true', './env', 'tools/*']", ""),
        ("", ""),
    ],
)
def test_a_policy_that_allows_everything(identity: Identity, policy: str, found: str) -> None:
    (identity.folder / "arbor.toml").write_text(policy)
    finding = look(identity)["policy"]
    assert finding.verdict == ("warning" if found else "ok")
    assert found in finding.found


def test_a_connector_that_keeps_dying(identity: Identity) -> None:
    with running(identity, finished_process()):
        found = look(identity)
    assert found["daemon"].verdict == "ok"
    assert found["connector"].verdict == "failed"
    with running(identity, 1):
        assert look(identity)["connector"].verdict == "ok"


def test_a_daemon_that_hangs(identity: Identity) -> None:
    """It keeps its lock and its process id, and answers no more."""
    with running(identity, 1):
        assert look(identity)["daemon"].found == "it runs (process 1)"
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(bytes(identity.folder / CONTROL_SOCKET))
            listening.listen(1)
            found = by_check(
                list(daemons.check_daemon(identity, None, reachable=False, answer_seconds=0.05))
            )
            finding = found["daemon"]
            assert finding.verdict == "failed" and "connector" not in found
            assert "process 1 did not answer within 0.05 s" in finding.found
            assert "`kill -9 1`" in finding.do and identity.path in finding.do
        # One that ended meanwhile refuses.
        assert look(identity)["daemon"].verdict == "ok"


def test_a_daemon_that_works_answers(up: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARBOR_HOME", str(up.home))
    (identity,) = load_all()
    found = look(identity)
    assert "runs and answers" in found["daemon"].found
    assert (found["releases"].verdict, found["releases"].check) == ("ok", "releases")
    assert __version__ in found["releases"].found


@pytest.mark.parametrize(
    ("supervisor", "connector", "verdict"),
    [
        (__version__, __version__, "ok"),
        (__version__, None, "ok"),
        ("0.0.1", "0.0.1", "warning"),
        ("0.0.1", __version__, "warning"),
        ("0.0.1", None, "warning"),
        (__version__, "99.0.0", "warning"),
    ],
)
def test_the_releases_of_a_daemons_processes(
    identity: Identity, supervisor: str, connector: str | None, verdict: str
) -> None:
    pair = DaemonProcesses(ProcessInfo(1, supervisor, 1), ProcessInfo(2, connector, 1))
    with running(identity, 1):
        assert "releases" not in look(identity)
        processes_file.write(identity.folder, pair)
        finding = look(identity)["releases"]
        assert finding.verdict == verdict
        if verdict == "warning":
            assert f"the daemon that runs is {supervisor}, its connector" in finding.found
            assert "--on-stop wait" in finding.do
        # What a daemon that was killed has left says nothing of the one that runs.
        (identity.folder / "supervisor.pid").write_text("3\n")
        assert "releases" not in look(identity)


def test_a_copied_state_folder(up: Up, copied: tuple[Identity, Workspace]) -> None:
    """Its token is good; asking does not throw out the daemon that is connected with it."""
    identity, workspace = copied
    found = look(identity, workspace, reachable=True)
    assert found["token"].verdict == "ok"
    assert found["daemon"].verdict == "failed"
    assert "connected" not in found
    log = up.arbor("run", "--", "echo", "still here")
    assert log.stdout == b"still here\n"
    token = Credentials(identity.hub, _token(up))
    assert visible_workspaces(token)[identity.workspace_id].since == workspace.since


def test_what_the_hub_says_of_a_daemon(copied: tuple[Identity, Workspace]) -> None:
    identity, workspace = copied
    assert daemons.check_connected(workspace).verdict == "ok"
    assert daemons.check_same(identity, workspace).verdict == "ok"
    away = msgspec.structs.replace(workspace, state="unreachable")
    assert daemons.check_connected(away).verdict == "failed"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"daemon_id": "dmn_2"}, "enrolled anew"),
        ({"host": "another-machine"}, "copied"),
        ({"path": "/elsewhere"}, "copied"),
    ],
    ids=["replaced", "machine", "folder"],
)
def test_a_double(copied: tuple[Identity, Workspace], changes: dict[str, str], said: str) -> None:
    identity, workspace = copied
    finding = daemons.check_same(identity, msgspec.structs.replace(workspace, **changes))
    assert (finding.check, finding.verdict) == ("double", "failed")
    assert said in finding.why


def test_a_daemon_that_was_not_restarted_after_an_upgrade(
    copied: tuple[Identity, Workspace],
) -> None:
    identity, workspace = copied
    assert workspace.version == __version__
    older = msgspec.structs.replace(workspace, version="0.0.1")
    finding = daemons.check_same(identity, older)
    assert finding.verdict == "warning"
    assert "0.0.1" in finding.found and "--on-stop wait" in finding.do
    # It says so itself, if it can.
    assert daemons.check_same(identity, older, compare_versions=False).verdict == "ok"
