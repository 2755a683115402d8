"""The executable itself, with a real hub and daemon: exit codes, bytes, signals, terminals."""

from __future__ import annotations

import json
import os
import pty
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bounds import HANG_SECONDS

from .conftest import ARBOR, Up, clean_environment


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--", "true"], 0, b""),
        (["--", "sh", "-c", "exit 7"], 7, b""),
        (["--shell", "--", "exit 9"], 9, b""),
        (["--shell", "--", "kill -9 $$"], 137, b""),
        (["--timeout", "0.3", "--", "sleep", "60"], 124, b"timeout"),
        (["--", "no-such-command"], 127, b"not found"),
        (["--", "/etc/passwd"], 126, b"cannot be executed"),
        (["-w", "nope", "--", "true"], 125, b"Yours are: project"),
        (["--cwd", "../..", "--", "true"], 125, b"inside the workspace"),
        (["--no-such-option", "--", "true"], 125, b"there is no option --no-such-option"),
        ([], 125, b"COMMAND is missing"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else None,
)
def test_exit_codes(up: Up, words: list[str], code: int, said: bytes) -> None:
    result = up.arbor("run", *words)
    assert result.returncode == code, result.stderr
    assert said in result.stderr
    assert said or result.stderr == b""
    assert result.stdout == b""


def test_both_streams_and_stdin_byte_for_byte(up: Up) -> None:
    data = random.Random(5).randbytes(3_000_000)
    result = up.arbor("run", "--", "sh", "-c", "echo err >&2; cat", stdin=data)
    assert result.stdout == data
    assert result.stderr == b"err\n"


def test_without_stdin_the_command_has_none(up: Up) -> None:
    assert up.arbor("run", "--", "wc", "-c").stdout.split() == [b"0"]
    closed = ["sh", "-c", 'exec "$@" <&-', "sh", *up.command("run", "--", "wc", "-c")]
    result = subprocess.run(
        closed, env=up.environment, cwd=up.folder, capture_output=True, timeout=HANG_SECONDS
    )
    assert result.stdout.split() == [b"0"]


def test_variables_and_folder(up: Up) -> None:
    (up.folder / "sub").mkdir(exist_ok=True)
    result = up.arbor("run", "--cwd", "sub", "-e", "A=1 2", "--shell", "--", 'pwd; echo "$A"')
    assert result.stdout.decode() == f"{(up.folder / 'sub').resolve()}\n1 2\n"


def test_a_reader_that_leaves_ends_the_command_quietly(up: Up) -> None:
    process = subprocess.Popen(
        up.command("run", "--title", "endless", "--", "yes"),
        env=up.environment,
        cwd=up.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.read(2) == b"y\n"
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(HANG_SECONDS) == 128 + signal.SIGPIPE
    process.stderr.close()
    found = json.loads(up.arbor("tasks", "--search", "endless", "--json").stdout)
    assert found[0]["status"] == "cancelled" or found[0]["cancelRequested"]


def test_interrupting_cancels(up: Up) -> None:
    script = 'trap "echo bye; exit 3" TERM; echo ready; while :; do sleep 0.05; done'
    process = subprocess.Popen(
        up.command("run", "--", "sh", "-c", script),
        env=up.environment,
        cwd=up.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=HANG_SECONDS)
    assert (process.returncode, out) == (130, b"bye\n")
    assert b"cancelled" in err


def test_interrupting_twice_does_not_wait_for_the_end(up: Up) -> None:
    script = 'trap "" INT TERM; echo ready; while :; do read line; done'
    process = subprocess.Popen(
        up.command("run", "--", "sh", "-c", script),
        env=up.environment,
        cwd=up.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=HANG_SECONDS)
    assert process.returncode == 130
    assert b"is being cancelled" in err and b"goes on" not in err
    task = err.decode().split("arbor logs -f ")[1].split("`")[0]
    assert up.arbor("cancel", "--grace", "0", task).returncode == 0
    assert up.arbor("logs", "-f", task).returncode == 0
    found = json.loads(up.arbor("tasks", "--status", "cancelled", "--json").stdout)
    assert task in [each["id"] for each in found]


def test_what_did_not_run_has_no_output_to_show(up: Up) -> None:
    result = up.arbor("run", "--cwd", "no-such-folder", "--", "true")
    assert result.returncode == 125
    assert b"working_directory" in result.stderr
    assert b"arbor logs" not in result.stderr


def test_detach_logs_and_cancel(up: Up) -> None:
    script = "for i in 1 2 3; do echo $i; done; echo oops >&2; exec sleep 300"
    task = up.arbor("run", "--detach", "--", "sh", "-c", script).stdout.decode().strip()
    follower = subprocess.Popen(
        up.command("logs", "-f", task),
        env=up.environment,
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )
    assert follower.stdout is not None
    assert [follower.stdout.readline() for _ in range(4)] == [b"1\n", b"2\n", b"3\n", b"oops\n"]
    assert up.arbor("cancel", task).returncode == 0
    assert follower.communicate(timeout=HANG_SECONDS)[0] == b""
    assert follower.returncode == 0
    assert up.arbor("logs", task).stdout == b"1\n2\n3\noops\n"
    assert up.arbor("logs", "--from", "-5", task).stdout == b"oops\n"
    assert up.arbor("logs", "--from", "4", task).stdout == b"3\noops\n"
    assert up.arbor("logs", "--stream", "stderr", task).stdout == b"oops\n"
    lines = [
        json.loads(line) for line in up.arbor("logs", "--format", "jsonl", task).stdout.splitlines()
    ]
    assert "".join(each["text"] for each in lines) == "1\n2\n3\noops\n"
    beyond = up.arbor("logs", "--from", "999", task)
    assert beyond.returncode == 1 and b"11 bytes" in beyond.stderr


def test_listings(up: Up) -> None:
    workspaces = json.loads(up.arbor("workspaces", "--json").stdout)
    assert [each["name"] for each in workspaces if each["state"] == "connected"] == ["project"]
    assert b"project" in up.arbor("workspaces").stdout
    assert json.loads(up.arbor("whoami", "--json").stdout)["role"] == "owner"
    assert up.arbor("run", "--", "true").returncode == 0
    assert up.arbor("tasks", "--limit", "1").stdout.startswith(b"ID")
    made = json.loads(up.arbor("token", "create", "ci", "--json").stdout)
    assert made["secret"] not in up.arbor("token", "list").stdout.decode()
    assert up.arbor("token", "revoke", made["id"]).returncode == 0


def test_login_keeps_what_works_and_nothing_else(up: Up, tmp_path: Path) -> None:
    url = up.arbor("whoami").stdout.decode().split("\n")[0].split()[-1]
    token = json.loads(up.arbor("token", "create", "laptop", "--json").stdout)["secret"]
    environment = clean_environment(tmp_path)

    def login(secret: str) -> subprocess.CompletedProcess[str]:
        words = [*ARBOR, "login", url, "--token"]
        return subprocess.run(
            words,
            env=environment,
            input=secret,
            text=True,
            capture_output=True,
            timeout=HANG_SECONDS,
        )

    assert login("wrong-token\n").returncode == 1
    assert not (tmp_path / "credentials.toml").exists()
    assert login(f"{token}\n").returncode == 0
    assert (tmp_path / "credentials.toml").stat().st_mode & 0o777 == 0o600


def test_enrolling_prints_the_command(up: Up) -> None:
    words = up.arbor("enroll", "elsewhere").stdout.decode().split()
    assert words[0].startswith("ARBOR_CODE=")
    key = up.arbor("hub", "key").stdout.decode().strip()
    assert words[1:5] == [f"ARBOR_HUB_KEY={key}", "arbor", "daemon", "--hub"]
    refused = up.arbor("run", "-w", "elsewhere", "--", "true")
    assert refused.returncode == 125
    assert b"--queue" in refused.stderr and b"ifOffline" not in refused.stderr
    listed = up.arbor("workspaces").stdout.decode()
    assert "never connected  " in listed and "never connected," not in listed


def test_a_token_is_not_sent_in_the_clear(up: Up) -> None:
    result = subprocess.run(
        up.command("whoami"),
        env={**up.environment, "ARBOR_URL": "http://192.0.2.1:1", "ARBOR_TOKEN": "secret"},
        capture_output=True,
        timeout=HANG_SECONDS,
    )
    assert result.returncode == 1
    assert b"in the clear" in result.stderr


def test_a_terminal_from_end_to_end(up: Up) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(up.folder)
        os.execve(sys.executable, up.command("run", "--tty", "--", "sh"), up.environment)
    try:
        os.write(terminal, b"echo $((6*7))\n")
        seen = b""
        while b"42\r\n" not in seen:
            seen += os.read(terminal, 65_536)
        os.write(terminal, b"\x1d")
        while b"detached" not in seen:
            seen += os.read(terminal, 65_536)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
    finally:
        os.close(terminal)
    task = seen.split(b"arbor attach ")[1].split(b"`")[0].decode()
    assert up.arbor("cancel", "--grace", "0", task).returncode == 0
