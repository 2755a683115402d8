"""Where Arbor keeps its files, with and without a home folder."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from arborlink import home
from arborlink.protocol.errors import InvalidInput


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No HOME, and a user that the user database does not have, as in many containers."""

    def unknown(uid: int) -> None:
        raise KeyError(uid)

    for name in ("HOME", "ARBOR_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    return monkeypatch


@pytest.mark.parametrize("arbor_home", [None, "~/arbor"])
def test_what_is_missing_is_said(homeless: pytest.MonkeyPatch, arbor_home: str | None) -> None:
    if arbor_home is not None:
        homeless.setenv("ARBOR_HOME", arbor_home)
    for find in (home.hub_folder, home.daemons_folder, home.credentials_file, home.config_file):
        with pytest.raises(InvalidInput, match="ARBOR_HOME"):
            find()


def test_what_is_named_needs_no_home(homeless: pytest.MonkeyPatch, tmp_path: Path) -> None:
    homeless.setenv("ARBOR_HOME", str(tmp_path))
    assert home.hub_folder() == tmp_path / "hub"
    assert home.credentials_file() == tmp_path / "credentials.toml"


def test_without_the_variable_the_user_database_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "ARBOR_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert home.hub_folder().is_relative_to(pwd.getpwuid(os.getuid()).pw_dir)
