"""A process that lives long has no secret in the environment it was started with."""

from __future__ import annotations

import os
import signal
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx2
import pytest

from arborlink.cli import secret_variables
from arborlink.hub.settings import HubSettings, load_settings, read_bootstrap_token
from arborlink.protocol.errors import InvalidInput
from tests.bounds import HANG_SECONDS
from tests.e2e.arbor import wait_until
from tests.ports import free_port

from .conftest import ARBOR, Up, clean_environment

TOKEN: Final = "bootstrap-" + "t" * 32
OTHER: Final = "arb_of-another-hub"


@contextmanager
def running_hub(folder: Path, *words: str, **variables: str) -> Iterator[tuple[int, str]]:
    """`arbor hub` with these flags and variables: its process id and address."""
    port = free_port()
    process = subprocess.Popen(
        [*ARBOR, "hub", "--port", str(port), *words],
        env={**clean_environment(folder / "home"), **variables},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        yield process.pid, f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=HANG_SECONDS)
        assert process.returncode == 0, said


def signs_in(url: str, token: str) -> bool:
    """Whether the hub takes a token; False while it does not answer."""
    try:
        headers = {"Authorization": f"Bearer {token}"}
        answer = httpx2.get(f"{url}/api/me", headers=headers, timeout=HANG_SECONDS)
    except httpx2.TransportError:
        return False
    return answer.status_code == 200


def token_of(up: Up) -> str:
    """The owner's, as `arbor up` has stored it."""
    token = tomllib.loads((up.home / "credentials.toml").read_text())["hub"]["token"]
    assert isinstance(token, str)
    return token


def environment_of(pid: int) -> bytes:
    """What this user can read of it: nothing where memory is closed to all but root, as
    that of supervisors and connectors is."""
    file = Path(f"/proc/{pid}/environ")
    try:
        return file.read_bytes()
    except PermissionError:
        assert os.geteuid() != 0 and file.stat().st_uid == 0, "it is not closed by being root's"
        return b""


def family_of(pid: int) -> list[int]:
    """A process and all of its descendants."""
    found = [pid]
    for each in found:
        for listing in Path(f"/proc/{each}/task").glob("*/children"):
            found += map(int, listing.read_text().split())
    return found


def open_files(pid: int) -> list[str]:
    return [os.readlink(each) for each in Path(f"/proc/{pid}/fd").iterdir() if each.is_symlink()]


def test_a_hub_does_not_keep_its_secrets_in_its_environment(tmp_path: Path) -> None:
    given = {"ARBOR_BOOTSTRAP_TOKEN": TOKEN, "ARBOR_TOKEN": OTHER, "ARBOR_CODE": "BCDF-GHJK"}
    with running_hub(tmp_path, **given) as (pid, url):
        wait_until(lambda: signs_in(url, TOKEN), "the bootstrap token to count")
        shown = environment_of(pid)
        assert b"ARBOR_HOME=" in shown
        for secret in (TOKEN, OTHER, "BCDF-GHJK"):
            assert secret.encode() not in shown
        assert not any("memfd" in name for name in open_files(pid))


def test_a_hub_reads_its_first_token_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    with running_hub(tmp_path, "--bootstrap-token-file", str(file)) as (_, url):
        wait_until(lambda: signs_in(url, TOKEN), "the bootstrap token to count")
    # It counts on the first start only, and may be deleted after it.
    file.unlink()
    with running_hub(tmp_path, ARBOR_BOOTSTRAP_TOKEN_FILE=str(file)) as (_, url):
        wait_until(lambda: signs_in(url, TOKEN), "the hub to be back")


def test_the_processes_of_arbor_up_have_none_in_theirs(up: Up) -> None:
    """What they run has none either."""
    asked = up.arbor("run", "--", "cat", "/proc/self/environ")
    token = token_of(up).encode()
    assert b"PATH=" in asked.stdout and b"ARBOR_" not in asked.stdout
    for pid in family_of(up.process.pid):
        shown = environment_of(pid)
        assert token not in shown
        assert b"ARBOR_TOKEN=" not in shown and b"ARBOR_BOOTSTRAP_TOKEN=" not in shown


def test_a_daemon_does_not_keep_the_token_that_it_is_started_with(up: Up, tmp_path: Path) -> None:
    token, url = token_of(up), f"http://127.0.0.1:{up.port}"
    environment = {**up.environment, "ARBOR_TOKEN": token, "ARBOR_URL": url}
    other = tmp_path / "other"
    other.mkdir()
    for _ in range(2):  # the first time it enrolls, the second time it need not
        daemon = subprocess.Popen(
            [*ARBOR, "daemon", str(other)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert daemon.stderr is not None
            while "connected" not in (line := daemon.stderr.readline()):
                assert line, "the daemon ended"
            for pid in family_of(daemon.pid):
                assert token.encode() not in environment_of(pid)
        finally:
            daemon.terminate()
            daemon.communicate(timeout=HANG_SECONDS)


def test_a_descriptor_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    for value in ("0", "x", "999999", "-1", ""):
        done = subprocess.run(
            [*ARBOR, "hub", "--port", "0"],
            env={**clean_environment(tmp_path), "ARBOR_SECRETS_FD": value},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
        )
        assert done.returncode == 1 and "ARBOR_SECRETS_FD" in done.stderr, done.stderr


def test_secrets_are_handed_over_as_often_as_they_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(secret_variables, "_received", {})
    descriptor = secret_variables.leave({"ARBOR_TOKEN": "a\udcffb", "OTHER": "x"})
    try:
        for _ in range(2):
            monkeypatch.setenv("ARBOR_SECRETS_FD", str(os.dup(descriptor)))
            secret_variables.receive()
            assert "ARBOR_SECRETS_FD" not in os.environ
            assert secret_variables.get("ARBOR_TOKEN") == "a\udcffb"
            assert secret_variables.take("ARBOR_TOKEN") == "a\udcffb"
            assert secret_variables.get("ARBOR_TOKEN") is None
    finally:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"short", "has 5 characters"),
        (b"\xff" * 40, "cannot be read"),
        (None, "no file"),
    ],
)
def test_a_file_without_a_token_is_refused_by_name(
    tmp_path: Path, content: bytes | None, why: str
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    settings = HubSettings(bootstrap_token_file=file)
    with pytest.raises(InvalidInput, match=why) as caught:
        read_bootstrap_token(settings, is_set_up=False)
    assert caught.value.code == "invalid_setting" and str(file) in caught.value.message


def test_an_empty_file_holds_no_token(tmp_path: Path) -> None:
    settings = HubSettings(bootstrap_token_file=Path(os.devnull))
    assert read_bootstrap_token(settings, is_set_up=False) is None
    missing = HubSettings(bootstrap_token_file=tmp_path / "gone")
    assert read_bootstrap_token(missing, is_set_up=True) is None


def test_a_token_and_a_file_are_not_both_taken(tmp_path: Path) -> None:
    environment = {"ARBOR_BOOTSTRAP_TOKEN": TOKEN, "ARBOR_BOOTSTRAP_TOKEN_FILE": str(tmp_path)}
    with pytest.raises(InvalidInput, match="not both"):
        load_settings({}, environment)
