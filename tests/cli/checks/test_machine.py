"""Folders, disks, limits and ports that are not as they should be."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from arborlink.cli.checks import machine
from arborlink.cli.checks.local_hub import check_data_private
from tests.bounds import HANG_SECONDS
from tests.ports import free_port

from ..conftest import ARBOR, clean_environment
from .servers import text


def doctor(
    home: Path, *before: str, limit: int | None = None
) -> tuple[int, dict[str, dict[str, Any]]]:
    """`arbor doctor` in a process of its own: its exit code and the machine's findings."""

    def lower() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(limit, 256), limit))

    done = subprocess.run(
        [*before, *ARBOR, "doctor", "--json"],
        env=clean_environment(home),
        capture_output=True,
        timeout=HANG_SECONDS,
        preexec_fn=lower,
    )
    assert done.stderr == b""
    rows = json.loads(done.stdout)
    return done.returncode, {row["check"]: row for row in rows if row["about"] == "this machine"}


@pytest.mark.parametrize("kind", ["below a file", "where the kernel is"])
def test_a_home_that_cannot_be_written(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "file"
    file.touch()
    home = file / "arbor" if kind == "below a file" else Path("/proc/arbor")
    code, found = doctor(home)
    assert code == 1
    assert found["data"]["verdict"] == found["settings"]["verdict"] == "failed"
    assert "ARBOR_HOME" in found["data"]["do"]
    # What is above is never given away.
    assert "chown" not in found["data"]["do"]
    if kind == "where the kernel is":
        assert "/proc/arbor is missing" in found["data"]["do"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_a_user_without_a_home_folder_is_not_given_the_root_folder() -> None:
    folder = Path("/no-such-home/it's me/.local/share/arbor")
    advice = as_user(4711, folder)
    assert "/no-such-home is missing" in advice and "chown" not in advice
    assert "install -d -m 700 -o 4711 /no-such-home" in advice


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_a_folder_of_this_user_is_opened_and_one_of_another_given() -> None:
    # Not below pytest's own folder, which no other user can look into.
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        base.chmod(0o755)
        own, other = base / "my own", base / "other"
        own.mkdir(mode=0o500)
        os.chown(own, 4711, 4711)
        other.mkdir(mode=0o755)
        assert f"chmod u+rwx '{own}'" in as_user(4711, own / "arbor")
        assert f"chown -R 4711 {other}" in as_user(4711, other)
        other.chmod(0o700)
        assert f"{other} cannot be looked into" in as_user(4711, other / "arbor")


def as_user(uid: int, folder: Path) -> str:
    """What the check of `folder` advises this user to do."""
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        try:
            os.setuid(uid)
            os.write(writer, machine.check_writable("data", folder).do.encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as answer:
        return answer.read()


def test_a_home_that_does_not_exist_yet_is_not_made(tmp_path: Path) -> None:
    code, found = doctor(tmp_path / "new" / "home")
    assert code == 0
    assert found["data"]["verdict"] == "ok"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("options", "check", "verdict"),
    [("size=1m", "disk", "failed"), ("size=80m", "disk", "warning"), ("ro", "data", "failed")],
)
def test_a_disk_that_is_small_or_read_only(
    tmp_path: Path, options: str, check: str, verdict: str
) -> None:
    script = f'mount -t tmpfs -o {options} none {tmp_path} && exec "$@"'
    before = [shutil.which("unshare") or "unshare", "-Urm", "sh", "-c", script, "sh"]
    if subprocess.run([*before, "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a disk in a namespace of their own")
    code, found = doctor(tmp_path, *before)
    assert found[check]["verdict"] == verdict
    assert code == (1 if verdict == "failed" else 0)


@pytest.mark.parametrize(("limit", "verdict"), [(512, "failed"), (2_048, "warning")])
def test_few_descriptors(tmp_path: Path, limit: int, verdict: str) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < limit:
        pytest.skip(f"no more than {hard:,} open files are allowed here")
    code, found = doctor(tmp_path, limit=limit)
    assert found["descriptors"]["verdict"] == verdict
    assert str(limit) in found["descriptors"]["found"]
    assert code == (1 if verdict == "failed" else 0)


def test_a_port_that_somebody_has() -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        finding = machine.check_port("127.0.0.1", port)
    assert finding.verdict == "failed"
    assert "another program" in finding.why
    assert f"--port {port + 1}" in finding.do
    assert machine.check_port("127.0.0.1", port).verdict == "ok"


def test_an_address_that_this_machine_has_not() -> None:
    finding = machine.check_port("192.0.2.1", 4000)
    assert finding.verdict == "failed"
    assert "--host" in finding.do


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_secret_that_others_can_read(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "credentials.toml"
    assert machine.check_private("credentials", file) is None
    file.touch(0o600)
    finding = machine.check_private("credentials", file)
    assert finding is not None and finding.verdict == "ok"
    file.chmod(mode)
    finding = machine.check_private("credentials", file)
    assert finding is not None and finding.verdict == "failed"
    assert f"{mode:04o}" in text(finding) and f"chmod 600 {file}" in text(finding)


def test_data_that_others_can_read(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert check_data_private(tmp_path).verdict == "failed"
    tmp_path.chmod(0o700)
    assert check_data_private(tmp_path).verdict == "ok"


def test_a_process_that_is_stopped_is_named_with_what_lets_it_go_on() -> None:
    with subprocess.Popen(["sleep", "1000"]) as process:
        assert machine.check_process("hub", "the hub", process.pid, "start it") is None
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        finding = machine.check_process("hub", "the hub", process.pid, "start it")
        process.kill()
    assert finding is not None and finding.verdict == "failed"
    assert f"kill -CONT {process.pid}" in finding.do and "start it" in finding.do
    assert machine.check_process("hub", "the hub", None, "start it") is None
