"""Which folders daemons of this machine serve, by the files that they have stored."""

from __future__ import annotations

import pwd
from pathlib import Path

import pytest

from arborlink.daemon.identity import Identity, load_all, save
from arborlink.folders import ServedFolder, served_folders


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARBOR_HOME", str(tmp_path))


def identity(workspace_id: str, path: str) -> Identity:
    return Identity(
        hub="https://hub.example",
        workspace_id=workspace_id,
        daemon_id="dmn_1",
        auth_token="secret",
        path=path,
        ca="/ca.pem",
        previous_token="older",
    )


def folder(workspace_id: str, path: str) -> ServedFolder:
    return ServedFolder("https://hub.example", workspace_id, "dmn_1", path)


def test_what_a_daemon_stores_is_read_without_its_secrets() -> None:
    path = '/srv/a "b"\\\n\u202e日本'
    save(identity("ws_1", path))
    assert served_folders() == [folder("ws_1", path)]
    assert "secret" not in repr(served_folders())


def test_a_folder_is_what_it_was_enrolled_for_last() -> None:
    save(identity("ws_1", "/srv"))
    save(identity("ws_2", "/srv"))
    assert served_folders() == [folder("ws_2", "/srv")]


def test_what_cannot_be_read_or_was_copied_is_left_out(tmp_path: Path) -> None:
    save(identity("ws_1", "/srv"))
    stored = (tmp_path / "daemons" / "ws_1" / "identity.toml").read_text()
    for name, text in (
        ("ws_2", stored),
        ("ws_3", "[nonsense"),
        ("ws_4", 'hub = "https://hub.example"\n'),
        ("ws_5", "\udcff"),
    ):
        state = tmp_path / "daemons" / name
        state.mkdir()
        (state / "identity.toml").write_text(text, errors="surrogateescape")
    (tmp_path / "daemons" / "ws_6").write_text("")
    assert served_folders() == [folder("ws_1", "/srv")]
    assert [each.workspace_id for each in load_all()] == ["ws_1"]


def test_without_daemons_or_a_home_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert served_folders() == []

    def unknown(uid: int) -> None:
        raise KeyError(uid)

    for name in ("HOME", "ARBOR_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert served_folders() == []
