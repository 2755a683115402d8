"""What is at the address: a hub, a hub that is not well, one behind a bad proxy, or none."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path

import httpx2
import pytest
import trustme
from websockets.sync.server import ServerConnection, serve

from arborlink import __version__
from arborlink.cli.checks import hub, websocket
from arborlink.cli.checks.finding import Finding
from arborlink.proof.known_hub import KnownHub
from arborlink.testing.hub import hub_in_process
from tests.bounds import HANG_SECONDS

from .servers import answering, by_check, passing_on, response, text

ALIVE = f'{{"status":"ok","version":"{__version__}"}}'.encode()


async def findings(url: str) -> list[Finding]:
    return await asyncio.to_thread(lambda: list(hub.check_hub(url)))


@contextmanager
def refusing(code: int, reason: str) -> Iterator[str]:
    """A hub of another kind: it closes every connection after its first message."""

    def handle(connection: ServerConnection) -> None:
        connection.recv()
        connection.close(code, reason)

    with serve(handle, "127.0.0.1", 0, subprotocols=["arbor.v1.msgpack"]) as server:  # type: ignore[list-item]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join()


async def test_a_hub_that_is_well(tmp_path: Path) -> None:
    async with hub_in_process(tmp_path) as running:
        found = await findings(running.url)
    assert {each.verdict for each in found} == {"ok"}
    assert [each.check for each in found] == [
        *("name", "connection", "hub", "key", "version", "clock", "ready", "WebSocket")
    ]


async def test_a_hub_that_is_well_by_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    files = {name: tmp_path / f"{name}.pem" for name in ("ca", "chain", "key")}
    authority.cert_pem.write_to_path(str(files["ca"]))
    certificate.private_key_pem.write_to_path(str(files["key"]))
    files["chain"].write_bytes(b"".join(pem.bytes() for pem in certificate.cert_chain_pems))
    monkeypatch.setenv("SSL_CERT_FILE", str(files["ca"]))
    async with hub_in_process(
        tmp_path / "data", tls_cert=str(files["chain"]), tls_key=str(files["key"])
    ) as running:
        found = await findings(f"https://localhost:{running.port}")
    assert {each.verdict for each in found} == {"ok"}, found
    assert "TLS" in by_check(found)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (response("200 OK", b"<html>It works!</html>"), "no Arbor hub"),
        (response("404 Not Found"), "404"),
        (response("200 OK", b'{"status": "ok"}'), "no Arbor hub"),
        (response("301 Moved", b"", "Location: https://a.example/"), "https://a.example/"),
        (response("502 Bad Gateway"), "does not reach its hub"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "does not answer as a hub does"),
        (b"", "does not answer as a hub does"),
    ],
    ids=["a page", "404", "half", "redirect", "proxy", "ssh", "nothing"],
)
def test_something_that_is_no_hub(answer: bytes, said: str) -> None:
    with answering(answer) as port:
        *_, finding = hub.check_hub(f"http://127.0.0.1:{port}")
    assert (finding.check, finding.verdict) == ("hub", "failed")
    assert said in text(finding)
    assert finding.do


async def test_a_name_that_the_hub_does_not_go_by(tmp_path: Path) -> None:
    async with (
        hub_in_process(tmp_path) as running,
        httpx2.AsyncClient(verify=False, timeout=HANG_SECONDS) as client,
    ):
        refused = await client.get(f"{running.url}/healthz", headers={"Host": "evil.example"})
    finding = hub.check_answer("https://evil.example", hub._read(refused, time.time()))
    assert finding.verdict == "failed"
    assert "--public-url https://evil.example" in finding.do


async def test_a_hub_whose_disk_is_full(tmp_path: Path) -> None:
    async with hub_in_process(tmp_path, min_free_disk_bytes=2**62) as running:
        ready = by_check(await findings(running.url))["ready"]
    assert ready.verdict == "failed"
    assert "too little room" in ready.why


@pytest.mark.parametrize(("ahead", "words"), [(600, "600 s behind"), (-45, "45 s ahead of")])
def test_clocks_that_differ(ahead: int, words: str) -> None:
    def reply(_head: bytes) -> bytes:
        return response("200 OK", ALIVE, f"Date: {formatdate(time.time() + ahead, usegmt=True)}")

    with answering(reply) as port:
        found = by_check(list(hub.check_hub(f"http://127.0.0.1:{port}")))
    assert found["clock"].verdict == "warning"
    # The header has whole seconds.
    seconds, _, rest = words.partition(" ")
    nearby = {f"{int(seconds) + off} {rest}" for off in (-1, 0, 1)}
    assert any(each in found["clock"].found for each in nearby)


@pytest.mark.parametrize(
    ("theirs", "verdict"),
    [("1.4.0", "ok"), ("1.4.9", "ok"), ("1.5.0", "warning")],
)
def test_versions(theirs: str, verdict: str) -> None:
    assert hub.check_version(theirs, "1.4.0").verdict == verdict


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (response("400 Bad Request"), "refuses WebSockets"),
        (response("200 OK", b"<html>"), "refuses WebSockets"),
        (response("404 Not Found"), "no WebSocket at /api/ws"),
        (response("503 Service Unavailable"), "no more connections"),
        (b"", "no WebSocket at /api/ws does"),
    ],
    ids=["400", "200", "404", "503", "cut"],
)
async def test_a_proxy_that_passes_no_websockets_on(
    tmp_path: Path, answer: bytes, said: str
) -> None:
    async with hub_in_process(tmp_path) as running:
        with answering(passing_on(running.port, without_upgrades=answer)) as port:
            found = await findings(f"http://127.0.0.1:{port}")
    *before, finding = found
    assert {each.verdict for each in before} == {"ok"}
    assert (finding.check, finding.verdict) == ("WebSocket", "failed")
    assert said in text(finding)


async def test_another_websocket_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with hub_in_process(tmp_path, websocket_path="/deep/ws") as running:
        wrong = by_check(await findings(running.url))["WebSocket"]
        monkeypatch.setenv("ARBOR_WEBSOCKET_PATH", "/deep/ws")
        right = by_check(await findings(running.url))["WebSocket"]
    assert wrong.verdict == "failed" and "ARBOR_WEBSOCKET_PATH" in wrong.do
    assert right.verdict == "ok" and "/deep/ws" in right.found


async def test_a_daemon_token_that_was_revoked(tmp_path: Path) -> None:
    async with hub_in_process(tmp_path) as running:
        finding = await asyncio.to_thread(
            websocket.check_daemon_token, KnownHub(running.url), "dmn_1", "arb_d_wrong"
        )
    assert finding.verdict == "failed"
    assert "arbor enroll" in finding.do


def test_a_hub_that_speaks_another_protocol() -> None:
    with refusing(4526, "this hub speaks protocol 7, not 1") as url:
        finding = websocket.check_daemon_token(KnownHub(url), "dmn_1", "token")
    assert (finding.check, finding.verdict) == ("version", "failed")
    assert "protocol 7" in finding.why


def test_a_hub_that_has_other_worries() -> None:
    with refusing(1013, "try later") as url:
        finding = websocket.check_daemon_token(KnownHub(url), "dmn_1", "token")
    assert finding.verdict == "failed"
    assert "try later" in finding.why
