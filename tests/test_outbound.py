"""Which proxy a hub is reached through, and whose certificates are believed."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

import pytest
import trustme
from websockets.exceptions import InvalidStatus

from arborlink.dialing import connecting
from arborlink.outbound import authorities, proxy_of
from arborlink.proof.known_hub import KnownHub
from arborlink.protocol.errors import InvalidInput
from tests.older_hub import NO_KEY, asks_for_key

HUB = "https://hub.example.org:8443"
VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("variables", "proxy"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://p:3128"}, "http://p:3128"),
        ({"https_proxy": "p:3128"}, "http://p:3128"),
        ({"ALL_PROXY": "socks5://p"}, "socks5h://p:1080"),
        ({"ALL_PROXY": "socks5h://[::1]:9"}, "socks5h://[::1]:9"),
        ({"HTTPS_PROXY": "https://p", "ALL_PROXY": "socks5://q"}, "https://p:443"),
        ({"HTTPS_PROXY": "http://me@p:1"}, "http://me:@p:1"),
        ({"HTTPS_PROXY": "http://me:pass@p:1/"}, "http://me:pass@p:1"),
        ({"HTTP_PROXY": "http://p:3128"}, None),
        ({"HTTPS_PROXY": ""}, None),
    ],
)
def test_the_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], proxy: str | None
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert proxy_of(HUB) == proxy
    assert proxy_of(HUB.replace("https", "wss")) == proxy


@pytest.mark.parametrize(
    ("url", "exceptions", "direct"),
    [
        (HUB, "hub.example.org", True),
        (HUB, "other.org, .example.org", True),
        (HUB, "hub.example.org:8443", True),
        (HUB, "*", True),
        (HUB, "hub.example.org:1", False),
        (HUB, "ample.org", False),
        ("https://10.1.2.3", "10.0.0.0/8", True),
        ("https://10.1.2.3", "11.0.0.0/8,nonsense/9", False),
        ("https://[fd00::1]", "fd00::/8", True),
    ],
)
def test_no_proxy_makes_exceptions(
    monkeypatch: pytest.MonkeyPatch, url: str, exceptions: str, direct: bool
) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://p:1")
    monkeypatch.setenv("NO_PROXY", exceptions)

    assert (proxy_of(url) is None) is direct


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "[::1]"])
def test_a_hub_on_this_machine_has_no_proxy(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://p:1")

    assert proxy_of(f"http://{host}:4000") is None
    assert proxy_of(f"wss://{host}:4000") is None


@pytest.mark.parametrize(
    "proxy", ["ftp://me:secret@p", "http://me:secret@p:port", "http://me:secret@", "http://[p"]
)
def test_a_proxy_that_cannot_be_used_is_refused_without_its_password(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)

    with pytest.raises(InvalidInput, match="HTTPS_PROXY") as raised:
        proxy_of(HUB)
    assert "secret" not in raised.value.message


def test_a_ca_is_believed_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named, other = tmp_path / "named.pem", tmp_path / "other.pem"
    for file in (named, other):
        trustme.CA().cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(other))

    assert authorities().cert_store_stats()["x509_ca"] == 1
    assert authorities(str(named)).cert_store_stats()["x509_ca"] == 2


def test_certificates_are_always_looked_at() -> None:
    context = authorities()

    assert context.check_hostname and context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_that_cannot_be_used(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)

    with pytest.raises(InvalidInput, match="cannot be used as a CA"):
        authorities(str(file))


async def test_a_redirect_is_not_followed() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as elsewhere,
        socket.create_server(("127.0.0.1", 0)) as asked,
    ):
        elsewhere.settimeout(0)
        location = f"ws://127.0.0.1:{elsewhere.getsockname()[1]}/"
        answer = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
        thread = threading.Thread(target=_answer_once, args=(asked, answer.encode()))
        thread.start()
        with pytest.raises(InvalidStatus):
            port = asked.getsockname()[1]
            await connecting(f"ws://127.0.0.1:{port}/", KnownHub(f"http://127.0.0.1:{port}"))
        thread.join()

        with pytest.raises(BlockingIOError):
            elsewhere.accept()


def _answer_once(listener: socket.socket, answer: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        assert asks_for_key(connection.recv(65_536))
        connection.sendall(NO_KEY)
        connection.recv(65_536)
        connection.sendall(answer)
