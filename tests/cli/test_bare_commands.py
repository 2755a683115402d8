"""`arbor hub` and `arbor daemon` as documents and services write them: without another word."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

from tests.bounds import HANG_SECONDS

from .conftest import ARBOR, clean_environment


def test_a_hub_without_a_word_serves_until_it_is_stopped(tmp_path: Path) -> None:
    hub = subprocess.Popen(
        [*ARBOR, "hub"],
        env={**clean_environment(tmp_path / "home"), "ARBOR_PORT": "0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert hub.stdout is not None
    first = hub.stdout.readline()
    hub.send_signal(signal.SIGTERM)
    rest, _ = hub.communicate(timeout=HANG_SECONDS)
    assert "listens on http://127.0.0.1:" in first + rest
    assert hub.returncode == 0, first + rest


def test_a_daemon_without_a_word_is_for_the_folder_it_is_in(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    answer = subprocess.run(
        [*ARBOR, "daemon"],
        env=clean_environment(tmp_path / "home"),
        cwd=tmp_path / "project",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
    )
    assert f"{tmp_path / 'project'} is not connected to a hub yet" in answer.stderr
    assert "Usage" not in answer.stdout + answer.stderr
