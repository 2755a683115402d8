"""Names, ports, proxies and certificates in front of a hub."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from arborlink.cli.checks import route
from arborlink.cli.checks.hub import check_hub
from tests.ports import free_port

from .servers import answering, by_check, response, text


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))


@contextmanager
def https(
    authority: trustme.CA, *names: str, begin: datetime | None = None, end: datetime | None = None
) -> Iterator[str]:
    """The address of a web server with a certificate for `names`."""
    certificate = authority.issue_cert(*names, not_before=begin, not_after=end)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    with answering(response("404 Not Found"), context) as port:
        yield f"https://localhost:{port}"


def now(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def test_a_name_that_does_not_exist() -> None:
    (finding,) = check_hub("https://no-such-host.invalid")
    assert (finding.check, finding.verdict) == ("name", "failed")
    assert "getent hosts no-such-host.invalid" in finding.do


@pytest.mark.parametrize("address", ["ftp://x", "arbor.example.org", "http://arbor.example.org"])
def test_an_address_that_is_none(address: str) -> None:
    (finding,) = check_hub(address)
    assert (finding.check, finding.verdict) == ("address", "failed")


def test_nothing_listens() -> None:
    port = free_port()
    *_, finding = check_hub(f"http://127.0.0.1:{port}")
    assert (finding.check, finding.verdict) == ("connection", "failed")
    assert "nothing listens" in finding.found and "arbor up" in finding.do


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Like behind a firewall that drops: a full backlog answers no SYN."""
    monkeypatch.setattr(route, "CONNECT_SECONDS", 0.3)
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        finding = route.check_connection(f"http://127.0.0.1:{full.getsockname()[1]}")
    assert finding.verdict == "failed"
    assert "firewall" in finding.why


def test_a_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:secret@127.0.0.1:{port}")
    findings = list(check_hub("https://hub.example"))
    assert by_check(findings)["proxy"].verdict == "ok"
    assert findings[-1].check == "connection" and findings[-1].verdict == "failed"
    assert "start the proxy" in findings[-1].do
    assert "secret" not in "".join(map(text, findings))


def test_a_proxy_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(response("403 Forbidden")) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        *_, finding = check_hub("https://hub.example")
    assert (finding.check, finding.verdict) == ("proxy", "failed")
    assert "403" in finding.why and "hub.example" in finding.do


def test_no_proxy_is_asked_for_ones_own_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:3128")
    monkeypatch.setenv("ALL_PROXY", "http://proxy.invalid:3128")
    assert route.check_proxy("http://127.0.0.1:4000") is None


def test_a_proxy_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://me:secret@proxy.invalid")
    (finding,) = check_hub("https://hub.example")
    assert (finding.check, finding.verdict) == ("proxy", "failed")
    assert "HTTPS_PROXY" in finding.why and "secret" not in text(finding)


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    ("days", "why"), [((-30, -1), "expired"), ((1, 30), "not yet valid")], ids=["past", "future"]
)
def test_a_certificate_of_another_time(
    authority: trustme.CA, days: tuple[float, float], why: str
) -> None:
    begin, end = map(now, days)
    with https(authority, "localhost", begin=begin, end=end) as url:
        *_, finding = check_hub(url)
    assert (finding.check, finding.verdict) == ("TLS", "failed")
    assert why in finding.why
    assert f"{datetime.now(UTC):%Y-%m-%d}" in finding.do


@pytest.mark.usefixtures("trusted")
def test_a_certificate_for_another_name(authority: trustme.CA) -> None:
    with https(authority, "other.example") as url:
        *_, finding = check_hub(url)
    assert (finding.check, finding.verdict) == ("TLS", "failed")
    assert "name" in finding.do


def test_a_certificate_of_an_unknown_authority(authority: trustme.CA) -> None:
    with https(authority, "localhost") as url:
        *_, finding = check_hub(url)
    assert (finding.check, finding.verdict) == ("TLS", "failed")
    assert "SSL_CERT_FILE" in finding.do


@pytest.mark.usefixtures("trusted")
def test_a_certificate_that_ends_soon(authority: trustme.CA) -> None:
    with https(authority, "localhost", begin=now(-30), end=now(3.5)) as url:
        finding = route.check_tls(url)
    assert finding is not None and finding.verdict == "warning"
    assert "3 days" in finding.found


@pytest.mark.usefixtures("trusted")
def test_a_good_certificate(authority: trustme.CA) -> None:
    with https(authority, "localhost", begin=now(-1), end=now(90)) as url:
        finding = route.check_tls(url)
    assert finding is not None and finding.verdict == "ok"


def test_a_port_without_tls() -> None:
    with answering(response("200 OK")) as port:
        *_, finding = check_hub(f"https://localhost:{port}")
    assert (finding.check, finding.verdict) == ("TLS", "failed")
    assert "does not speak TLS" in finding.found
