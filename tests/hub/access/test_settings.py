"""Where settings come from, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from arborlink.hub.settings import ENVIRONMENT, HubSettings, load_settings
from arborlink.protocol import limits
from arborlink.protocol.errors import InvalidInput


def test_flags_win_over_the_environment_over_the_file_over_the_default(tmp_path: Path) -> None:
    file = tmp_path / "arbor.toml"
    file.write_text('[hub]\nport = 1\nhost = "::1"\nlog_level = "debug"\ndata_dir = "/data"\n')
    environment = {"ARBOR_PORT": "2", "ARBOR_HOST": "localhost", "ARBOR_LOG_LEVEL": ""}
    settings = load_settings({"port": 3, "host": None}, environment, file)
    assert (settings.port, settings.host, settings.log_level) == (3, "localhost", "debug")
    assert settings.data_dir == Path("/data")
    assert settings.log_format == "text"


def test_every_variable_is_a_setting() -> None:
    assert set(ENVIRONMENT.values()) <= set(HubSettings.__struct_fields__)


def test_limits_default_to_those_of_the_wire() -> None:
    settings = HubSettings()
    for name in HubSettings.__struct_fields__:
        default = getattr(limits, name.upper(), None)
        if default is not None:
            assert getattr(settings, name) == default


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[hub]\nprot = 1\n", "prot"),
        ('[hub]\nport = "x"\n', "port"),
        ("[hub]\nport = 70000\n", "port"),
        ("[hub]\nretention_bytes = 0\n", "retention_bytes"),
        ("[hub\n", "arbor.toml"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "arbor.toml"
    file.write_text(text)
    with pytest.raises(InvalidInput, match=named) as caught:
        load_settings({}, {}, file)
    assert caught.value.code == "invalid_setting"
    assert str(file) in caught.value.message


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        ({"host": "0.0.0.0"}, "without TLS"),
        ({"host": "hub.example.org"}, "without TLS"),
        ({"tls_cert": Path("c")}, "--tls-key"),
        ({"behind_proxy": ["proxy"]}, "proxy"),
        ({"allowed_origins": ["example.org"]}, "origin"),
        ({"bootstrap_token": "x" * 31}, "32"),
        ({"public_url": "example.org"}, "public_url"),
        ({"websocket_path": "ws"}, "websocket_path"),
    ],
)
def test_what_is_unsafe_or_wrong_is_refused(flags: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        load_settings(flags, {})


@pytest.mark.parametrize(
    "flags",
    [
        {"host": "0.0.0.0", "behind_proxy": ["10.0.0.0/8"]},
        {"host": "::", "tls_cert": Path("c"), "tls_key": Path("k")},
        {"host": "127.0.0.2"},
        {"bootstrap_token": "x" * 32},
    ],
)
def test_what_is_safe_is_accepted(flags: dict[str, Any]) -> None:
    load_settings(flags, {})


def test_a_file_that_was_asked_for_must_exist(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        load_settings({}, {}, tmp_path / "none.toml")
