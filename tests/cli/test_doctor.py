"""`arbor doctor` as a whole: what it prints, and what it exits with."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from arborlink.cli import doctor
from arborlink.cli.checks.finding import Finding, Section
from arborlink.client.credentials import Credentials, save
from tests.bounds import HANG_SECONDS
from tests.ports import free_port

from .conftest import ARBOR, Up, clean_environment


def test_a_set_up_that_works(up: Up) -> None:
    """Hub, command line and daemon on one machine."""
    done = up.arbor("doctor", "--json")
    rows = json.loads(done.stdout)
    assert not [row for row in rows if row["verdict"] == "failed"]
    assert done.returncode == 0
    about = list(dict.fromkeys(row["about"] for row in rows))
    assert about == [
        "this machine",
        f"hub in {up.home / 'hub'}",
        f"hub at http://127.0.0.1:{up.port}",
        "sign-in",
        f"daemon of {up.folder.resolve()}",
    ]
    of_daemon = {row["check"] for row in rows if row["about"] == about[-1]}
    assert of_daemon >= {"daemon", "connector", "connected", "token", "double", "policy"}


def test_the_secrets_are_not_shown(up: Up) -> None:
    done = up.arbor("doctor")
    identity = next((up.home / "daemons").glob("*/identity.toml")).read_text()
    token = identity.split('auth_token = "')[1].split('"')[0]
    assert token.encode() not in done.stdout + done.stderr
    assert done.returncode == 0


@pytest.mark.parametrize("words", [["doctor"], ["daemon", "install", "--print"]], ids=" ".join)
def test_the_hubs_own_packages_are_not_needed(up: Up, words: list[str]) -> None:
    """A machine that only runs daemons has the base install."""
    missing = ("apsw", "starlette", "uvicorn", "uvloop", "structlog", "prometheus_client", "re2")
    script = (
        f"import sys; sys.modules.update(dict.fromkeys({missing})); "
        "from arborlink.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script, *words],
        env=up.environment,
        cwd=up.folder,
        capture_output=True,
        timeout=HANG_SECONDS,
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_hub_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("ARBOR_HOME", str(tmp_path))
    save(Credentials(f"http://127.0.0.1:{port}", "token"))
    done = subprocess.run(
        [*ARBOR, "doctor"],
        env=clean_environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
    )
    assert done.returncode == 1
    assert f"  FAIL  connection   nothing listens on 127.0.0.1:{port}\n" in done.stdout
    assert "\x1b" not in done.stdout
    # Where few files may be open, that is to be looked at as well.
    assert re.search(r"checks: 1 failed[.,]", done.stdout.splitlines()[-1])


def test_a_hub_that_cannot_start(tmp_path: Path) -> None:
    """Its data is here, it does not run, and its port is somebody else's."""
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "hub.sqlite3").touch()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = subprocess.run(
            [*ARBOR, "doctor", "--json", "--data-dir", str(tmp_path / "data")],
            env={**clean_environment(tmp_path), "ARBOR_PORT": port},
            capture_output=True,
            timeout=HANG_SECONDS,
        )
    found = {row["check"]: row for row in json.loads(done.stdout) if "data" in row["about"]}
    assert done.returncode == 1
    assert found["port"]["verdict"] == "failed"


def test_what_is_wrong_is_wrapped_below_itself(capsys: pytest.CaptureFixture[str]) -> None:
    long = "word " * 40
    doctor.show_section(
        Section("a thing", [Finding("check", "failed", long, "because", "this\x1b[31m")])
    )
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "a thing"
    assert lines[1].startswith("  FAIL  check        word word")
    assert all(line.startswith(" " * 21 + "w") for line in lines[2:4])
    assert "                why  because" in lines
    assert "                 do  this\\x1b[31m" in lines
    assert max(map(len, lines)) <= doctor.MOST_COLUMNS


def test_the_last_line() -> None:
    fine = Finding("a", "ok", "b")
    odd = Finding("a", "warning", "b", "c", "d")
    wrong = Finding("a", "failed", "b", "c", "d")
    assert doctor.summary([fine, fine]) == "All 2 checks are fine."
    assert doctor.summary([fine, odd]) == "2 checks: 1 to look at."
    assert doctor.summary([wrong, odd, wrong]) == "3 checks: 2 failed, 1 to look at."
