"""A home of its own for every check, and an environment without this machine's own proxies."""

from __future__ import annotations

from pathlib import Path

import pytest

HIDDEN = (
    *("ARBOR_URL", "ARBOR_TOKEN", "ARBOR_WEBSOCKET_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    for name in HIDDEN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ARBOR_HOME", str(folder))
    return folder
