"""Listings and management, with a real hub and daemon."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from arborlink.cli.cells import width
from arborlink.protocol.ids import is_id
from tests.bounds import HANG_SECONDS

from .conftest import Up, start_up, stop_up

CAST = {"LC_ALL": "C.UTF-8"}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A hub whose tasks are those of this module."""
    base = tmp_path_factory.mktemp("manage")
    folder = base / "project"
    (folder / "sub" / "deep").mkdir(parents=True)
    running = start_up(base / "home", folder)
    yield running
    stop_up(running)


def started(up: Up, *command: str, title: str | None = None) -> str:
    """Run a command to its end; its id."""
    words = ["run", *([] if title is None else ["--title", title]), "--", *command]
    up.arbor(*words)
    return up.arbor("tasks", "-q", "-n", "1").stdout.decode().strip()


def on_terminal(up: Up, columns: int, *words: str) -> str:
    """What `arbor WORDS` shows on a terminal of so many columns."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        up.command(*words),
        env={**up.environment, **CAST, "COLUMNS": str(columns)},
        cwd=up.folder,
        stdin=slave,
        stdout=slave,
        stderr=subprocess.DEVNULL,
    )
    os.close(slave)
    shown = b""
    try:
        while part := os.read(master, 65_536):
            shown += part
    except OSError:  # Linux says EIO when the other end is closed
        pass
    os.close(master)
    process.wait(HANG_SECONDS)
    return shown.decode().replace("\r\n", "\n")


def test_a_short_id_of_the_table_names_the_task(own: Up) -> None:
    task_id = started(own, "sh", "-c", "echo hi; exit 3", title="日本語のとても長いタイトル" * 5)
    shown = on_terminal(own, 80, "ps")
    lines = shown.splitlines()
    assert lines[0].split()[:4] == ["ID", "STATUS", "EXIT", "WORKSPACE"]
    assert all(width(line) <= 80 for line in lines), lines
    row = lines[1].split()
    assert task_id.endswith(row[0]) and len(row[0]) < 10
    assert row[1:4] == ["failed", "3", "project"]
    assert own.arbor("logs", row[0]).stdout == b"hi\n"
    whole = on_terminal(own, 80, "ps", "--no-trunc")
    assert task_id in whole


def test_programs_get_whole_ids(own: Up) -> None:
    task_id = started(own, "true")
    assert task_id in own.arbor("tasks").stdout.decode()
    assert is_id("tsk", own.arbor("ls", "-q", "-n", "1").stdout.decode().strip())
    shown = own.arbor("ps", "-n", "1", "--format", r"{id}\t{status}\t{exitCode}\t{title}").stdout
    assert shown.decode() == f"{task_id}\tcompleted\t0\t\n"
    assert json.loads(own.arbor("ps", "-n", "1", "--format", "json").stdout)[0]["id"] == task_id
    odd = own.arbor("ps", "--format", "{colour}")
    assert odd.returncode == 2 and b"there is no field 'colour'. Fields are id" in odd.stderr


def test_filters(own: Up) -> None:
    wanted = started(own, "sh", "-c", "exit 4", title="a")
    other = started(own, "true", title="b")

    def found(*words: str) -> list[str]:
        return own.arbor("ps", "-q", "-a", *words).stdout.decode().split()

    assert found("--filter", "exit=4") == [wanted]
    assert wanted in found("--filter", "exit=4", "--filter", "exit=0")
    assert other in found("--filter", "status=completed", "--filter", "by=me")
    assert other not in found("--status", "failed,lost")
    assert found("--since", "1h", "--filter", "title=a", "--filter", "exit=4") == [wanted]
    assert found("--filter", "workspace=project", "-n", "1", "--filter", "exit=4") == [wanted]
    assert b"you see no workspace" in own.arbor("ps", "--filter", "by=mallory").stderr


def test_a_task_is_deleted_with_its_output(own: Up) -> None:
    task_id = started(own, "echo", "gone soon")
    asked = own.arbor("rm", task_id)
    assert asked.returncode == 1 and b"add --yes" in asked.stderr
    assert own.arbor("logs", task_id).stdout == b"gone soon\n"
    stored = own.home / "hub" / "output" / task_id[-2:] / f"{task_id}.log"
    assert stored.exists()
    assert own.arbor("rm", "-y", task_id[-6:]).returncode == 0
    assert not stored.exists()
    assert b"There is no task" in own.arbor("logs", task_id).stderr


def test_what_still_runs_is_not_deleted(own: Up) -> None:
    task_id = own.arbor("run", "--detach", "--", "sleep", "1000").stdout.decode().strip()
    refused = own.arbor("rm", "--yes", task_id)
    assert refused.returncode == 1 and b"is not over: cancel it first" in refused.stderr
    own.arbor("cancel", "--grace", "0s", task_id)
    own.arbor("logs", "-f", task_id)
    assert own.arbor("rm", "--yes", task_id, "--json").stdout.split() == [
        b"[",
        f'"{task_id}"'.encode(),
        b"]",
    ]


def test_only_old_tasks_are_pruned(own: Up) -> None:
    task_id = started(own, "true")
    kept = own.arbor("prune", "--older-than", "1h", "--yes", "--json")
    assert json.loads(kept.stdout) == [] and kept.returncode == 0
    asked = own.arbor("prune", "--older-than", "0s", "--status", "completed")
    assert asked.returncode == 1 and b"add --yes" in asked.stderr
    gone = json.loads(own.arbor("prune", "--older-than", "0s", "--yes", "--json").stdout)
    assert task_id in gone
    assert own.arbor("ps", "-q").stdout == b""
    refused = own.arbor("prune", "--status", "running")
    assert refused.returncode == 2 and b"'running' is not one of" in refused.stderr


def test_a_mistyped_enrollment_is_undone(own: Up) -> None:
    own.arbor("enroll", "laptpo")
    elsewhere = subprocess.run(
        own.command("run", "--", "true"),
        env=own.environment,
        cwd="/",
        input=b"",
        capture_output=True,
        timeout=HANG_SECONDS,
    )
    assert b"arbor use -w NAME" in elsewhere.stderr
    hint = own.arbor("rm", "laptpo", "-y")
    assert hint.returncode == 1 and b"`arbor remove laptpo`" in hint.stderr
    assert own.arbor("rename", "laptpo", "laptop").returncode == 0
    assert b"laptop" in own.arbor("workspaces").stdout
    assert b"add --yes" in own.arbor("remove", "laptop").stderr
    assert own.arbor("remove", "laptop", "--yes").returncode == 0
    assert b"laptop" not in own.arbor("workspaces").stdout


def test_a_task_runs_again_with_its_exit_code(own: Up) -> None:
    first = own.arbor("run", "-e", "A=1", "--shell", "--", 'echo "$A"; exit 5')
    assert first.returncode == 5
    again = own.arbor("rerun", "-e", "A=2", "last")
    assert (again.returncode, again.stdout) == (5, b"2\n")
    assert own.arbor("rerun", "no-such-task").returncode == 125
    detached = own.arbor("rerun", "--detach", "last").stdout.decode().strip()
    assert is_id("tsk", detached)


def test_what_is_known_of_a_task_and_of_a_workspace(own: Up) -> None:
    task_id = started(own, "sh", "-c", "exit 6")
    shown = own.arbor("inspect", task_id[-5:]).stdout.decode()
    lines = dict(line.split(maxsplit=1) for line in shown.splitlines() if " " in line)
    assert lines["task"] == task_id and lines["exit"] == "6" and "(ws_" in lines["workspace"]
    assert json.loads(own.arbor("describe", task_id, "--json").stdout)["exitCode"] == 6
    assert own.arbor("inspect", "project", "--format", "{name} {state}").stdout == (
        b"project connected\n"
    )
    assert "connected for" in own.arbor("inspect", "project").stdout.decode()
    assert b"there is no task 'zzzzz'" in own.arbor("inspect", "zzzzz").stderr


def test_output_is_searched(own: Up) -> None:
    task_id = started(own, "printf", "one\ntwo error\nthree Error error\n")
    assert own.arbor("search", "ERROR", "last").stdout == b"2: two error\n3: three Error error\n"
    assert own.arbor("search", "--case", "Error", "last").stdout == b"3: three Error error\n"
    assert task_id[-4:].encode() in own.arbor("search", "^t.o", "--regex").stdout
    assert own.arbor("search", "nowhere to be found").returncode == 1
    hits = json.loads(own.arbor("search", "-w", "project", "two", "--json").stdout)
    assert hits[0]["taskId"] == task_id and hits[0]["line"] == 2


@pytest.mark.parametrize(
    ("words", "folder"),
    [
        ([], "sub"),
        (["--cwd", "deep"], "sub/deep"),
        (["--cwd", ".."], ""),
        (["--cwd", "../sub"], "sub"),
    ],
)
def test_from_a_subfolder_a_command_runs_there(own: Up, words: list[str], folder: str) -> None:
    ran = subprocess.run(
        own.command("run", *words, "--", "pwd"),
        env=own.environment,
        cwd=own.folder / "sub",
        input=b"",
        capture_output=True,
        timeout=HANG_SECONDS,
    )
    assert ran.stdout.decode().strip() == str((own.folder / folder).resolve()), ran.stderr


def test_the_workspace_that_is_meant(own: Up) -> None:
    own.arbor("enroll", "other")

    def run(folder: Path, **environment: str) -> bytes:
        return subprocess.run(
            own.command("run", "--", "true"),
            env={**own.environment, **environment},
            cwd=folder,
            input=b"",
            capture_output=True,
            timeout=HANG_SECONDS,
        ).stderr

    root = Path("/")
    assert b"several workspaces" in run(root)
    assert run(root, ARBOR_WORKSPACE="project") == b""
    assert b"daemon of other is not connected" in run(own.folder, ARBOR_WORKSPACE="other")
    assert own.arbor("use", "-w", "project").returncode == 0
    assert run(root) == b""
    own.arbor("use", "-w", "other")
    assert b"daemon of other is not connected" in run(root)
    assert run(own.folder) == b"", "the folder says more than what was chosen for everywhere"
    own.arbor("remove", "--yes", "other")
    assert b"arbor use --no-workspace" in run(root)
    assert own.arbor("use", "--no-workspace").returncode == 0
    assert run(root) == b""


def test_the_token_of_up_is_not_revoked_by_signing_out(own: Up) -> None:
    before = (own.home / "credentials.toml").read_text()
    refused = own.arbor("logout")
    assert refused.returncode == 1 and b"the one that `arbor up` made" in refused.stderr
    assert (own.home / "credentials.toml").read_text() == before
    token = json.loads(own.arbor("whoami", "--json").stdout)["tokenId"]
    asked = own.arbor("token", "revoke", token)
    assert asked.returncode == 1 and b"this command line itself uses" in asked.stderr
    assert own.arbor("whoami").returncode == 0


def test_signing_in_beside_up_and_out_again(own: Up) -> None:
    made = json.loads(own.arbor("token", "create", "ci", "--days", "12h", "--json").stdout)
    url = json.loads(own.arbor("use", "--json").stdout)[0]["url"]
    login = own.arbor("login", url, "--token", "--name", "ci", stdin=made["secret"].encode())
    assert login.returncode == 0, login.stderr
    hubs = json.loads(own.arbor("use", "--json").stdout)
    assert [each["inUse"] for each in hubs] == [True, False] and hubs[0]["name"] == "ci"
    assert json.loads(own.arbor("whoami", "--json").stdout)["tokenId"] == made["id"]
    own.arbor("use", hubs[1]["name"])
    assert json.loads(own.arbor("whoami", "--json").stdout)["tokenId"] != made["id"]
    out = own.arbor("logout", "ci")
    assert b"the token is revoked" in out.stderr and b"commands go to" in out.stderr
    assert len(json.loads(own.arbor("use", "--json").stdout)) == 1
    assert own.arbor("whoami").returncode == 0
