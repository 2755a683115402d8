"""Identities on disk, and addresses that would give the token away."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from arborlink.addresses import hub_address
from arborlink.daemon import app
from arborlink.daemon.identity import Identity, StateLock, find_identity, move, save, trust
from arborlink.protocol.errors import Conflict, InvalidInput, Unavailable


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own."""
    monkeypatch.setenv("ARBOR_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def identity(workspace_id: str, path: Path) -> Identity:
    """One with awkward characters in it."""
    token = 'quote " backslash \\ newline \n delete \x7f é'
    return Identity("http://127.0.0.1:1", workspace_id, "dmn", token, str(path))


def test_what_is_saved_is_found_again(tmp_path: Path) -> None:
    """By the folder it serves, through links too, and for nobody else to read."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    saved = identity("ws_1", tmp_path / "real")
    save(saved)
    assert find_identity(tmp_path / "link") == saved
    assert find_identity(tmp_path) is None
    file = saved.folder / "identity.toml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(saved.folder.stat().st_mode) == 0o700


def test_a_ca_is_kept_and_can_be_changed(tmp_path: Path) -> None:
    """And stays when the hub moves."""
    save(identity("ws_1", tmp_path))
    trusting = trust(identity("ws_1", tmp_path), "/our ca.pem")
    assert find_identity(tmp_path) == trusting
    assert trusting.ca == "/our ca.pem"
    assert move(trusting, "https://moved.example").ca == "/our ca.pem"


def test_a_folder_that_is_enrolled_again_has_its_new_identity(tmp_path: Path) -> None:
    """The old one is kept, but not used."""
    save(identity("ws_1", tmp_path))
    new = identity("ws_2", tmp_path)
    save(new)
    assert find_identity(tmp_path) == new
    assert find_identity(tmp_path / "home") is None


def test_broken_files_are_passed_over(tmp_path: Path, home: Path) -> None:
    """One broken workspace does not stop the others."""
    save(identity("ws_1", tmp_path))
    for name, text in [("a", "not toml"), ("b", "hub = 1"), ("c", "\0")]:
        (home / "daemons" / name).mkdir()
        (home / "daemons" / name / "identity.toml").write_text(text)
    assert find_identity(tmp_path) is not None


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://127.0.0.1:4000/", "http://127.0.0.1:4000"),
        ("ws://localhost:4000", "http://localhost:4000"),
        ("http://[::1]:4000", "http://[::1]:4000"),
        ("wss://hub.example/arbor/", "https://hub.example/arbor"),
        ("https://hub.example", "https://hub.example"),
    ],
)
def test_addresses(address: str, expected: str) -> None:
    """Loopback may be in the clear, everything else is encrypted."""
    assert hub_address(address) == expected


@pytest.mark.parametrize(
    "address",
    [
        *(
            "http://hub.example",
            "ws://10.0.0.1",
            "http://127.0.0.1.evil.example",
            "hub.example",
            "",
        ),
        *("ftp://hub.example", "http://localhost@evil.example", "https://user:pw@hub.example"),
    ],
)
def test_refused_addresses(address: str) -> None:
    """They would send the token in the clear, or somewhere else."""
    with pytest.raises(InvalidInput):
        hub_address(address)


def test_one_process_a_state_folder(tmp_path: Path) -> None:
    """The second is told who the first is."""
    (tmp_path / "supervisor.pid").write_text(f"{os.getpid()}\n")
    lock = StateLock(tmp_path)
    with pytest.raises(Conflict, match=str(os.getpid())):
        StateLock(tmp_path)
    lock.release()
    StateLock(tmp_path).release()


def test_a_folder_that_was_never_enrolled(tmp_path: Path) -> None:
    """The text says what to do."""
    with pytest.raises(InvalidInput, match="ARBOR_CODE=CODE arbor daemon"):
        app.run([tmp_path])


def test_a_hub_that_is_not_there(tmp_path: Path) -> None:
    """Enrolling says so, and leaves nothing behind."""
    with pytest.raises(Unavailable, match="cannot be reached"):
        app.enroll("http://127.0.0.1:9", "code", tmp_path)
    assert find_identity(tmp_path) is None
