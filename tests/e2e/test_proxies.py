"""Proxies on the way out (CONNECT and SOCKS 5), and nginx in front of the hub."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
import trustme

from arborlink.proof import keys
from arborlink.protocol.limits import SILENCE_SECONDS
from arborlink.testing.cell_reader import CellReader
from tests.bounds import HANG_SECONDS
from tests.e2e.arbor import TOKEN, Arbor, cells, wait_until
from tests.e2e.forwarders import ConnectProxy, Forwarder, SocksProxy
from tests.e2e.secure import NAME, SecureArbor, without_proxies
from tests.plain_http import HTTP
from tests.ports import free_port

LOGIN = ("me", "a proxy's password")
QUOTED_LOGIN = "me:a%20proxy's%20password"
CONFIGURATION = Path(__file__).parents[2] / "deploy" / "nginx" / "arbor.conf"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
# Heartbeats pass every 5 s: a time-out of 60 s, which nginx has of itself, is not even needed. A
# peer that says nothing for so long is given up by hub and daemon, too.
IDLE_SECONDS = round(SILENCE_SECONDS)
QUIET_SECONDS = IDLE_SECONDS + 5
MIB = 1 << 20

needs_nginx = pytest.mark.skipif(
    NGINX is None, reason="nginx is not installed: apt-get install nginx-light"
)


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure(
    tmp_path: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SecureArbor]:
    """A hub that speaks TLS, with a name that nobody but a proxy can find."""
    for name, value in without_proxies().items():
        monkeypatch.setenv(name, value)
    pair = SecureArbor(tmp_path / "home", tmp_path / "workspace", authority)
    monkeypatch.setenv("SSL_CERT_FILE", str(pair.ca))
    pair.variables["SSL_CERT_FILE"] = str(pair.ca)
    try:
        pair.start_hub()
        yield pair
    finally:
        pair.stop()


# ── on the way out ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "variable", "scheme"),
    [
        (ConnectProxy, "HTTPS_PROXY", "http"),
        (SocksProxy, "ALL_PROXY", "socks5"),
    ],
)
def test_daemon_and_command_line_go_through_a_proxy(
    secure: SecureArbor, kind: type[Forwarder], variable: str, scheme: str
) -> None:
    with kind(LOGIN) as proxy:
        secure.variables[variable] = f"{scheme}://{QUOTED_LOGIN}@127.0.0.1:{proxy.port}"
        secure.connect(secure.named_url)
        # The hub was proven inside of the tunnel.
        identity = next((secure.home / "daemons").glob("*/identity.toml")).read_text()
        assert f'hub_key = "{keys.ensure(secure.home / "hub").public}"' in identity
        # A page of enrolment and the daemon's own connection, and nothing around the proxy.
        assert proxy.asked.count(f"{NAME}:{secure.port}") >= 2
        before = len(proxy.asked)

        secure.variables["ARBOR_URL"] = secure.named_url
        total = 2 * MIB
        done = secure.run("run", "--", *cells("out", total))
        assert done.returncode == 0, done.stderr
        reader = CellReader("out")
        reader.feed(done.stdout)
        assert reader.finish(total) == []
        # HTTP and the WebSocket.
        assert len(proxy.asked) >= before + 2
        assert set(proxy.asked) == {f"{NAME}:{secure.port}"}
        assert secure.run("doctor").returncode == 0

        logs = secure.log("daemon") + secure.log("hub")
        assert "password" not in logs and not proxy.turned_away
        # Before the proxy is gone, which is another story.
        secure.stop()


@pytest.mark.parametrize(
    ("kind", "scheme"), [(ConnectProxy, "http"), (SocksProxy, "socks5h")], ids=["http", "socks"]
)
def test_a_proxy_that_refuses_is_said_so_without_its_password(
    secure: SecureArbor, kind: type[Forwarder], scheme: str
) -> None:
    secure.connect(secure.named_url.replace(NAME, "localhost"))
    assert secure.daemon is not None
    secure.daemon.terminate()
    secure.daemon.wait()
    with kind(LOGIN) as proxy:
        wrong = f"{scheme}://me:not-the-password@127.0.0.1:{proxy.port}"
        secure.variables |= {"ALL_PROXY": wrong, "ARBOR_URL": secure.named_url}
        refused = secure.run("doctor")
        assert refused.returncode == 1
        assert b"the proxy does not let us through" in refused.stdout
        # The same folder, at the address behind the proxy.
        identity = next((secure.home / "daemons").glob("*/identity.toml"))
        identity.write_text(identity.read_text().replace("localhost", NAME))
        secure.daemon = secure._start("daemon", str(secure.workspace))
        wait_until(lambda: "the proxy does not let us through" in secure.log("daemon"), "a refusal")

        assert proxy.turned_away and not proxy.asked
        said = refused.stdout.decode() + secure.log("daemon")
        assert "not-the-password" not in said
        assert (kind is SocksProxy) or "407" in said


def test_no_proxy_and_a_hub_on_this_machine_go_straight(secure: SecureArbor) -> None:
    with ConnectProxy() as proxy:
        for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            secure.variables[variable] = f"http://127.0.0.1:{proxy.port}"
        secure.connect(secure.url)
        assert secure.run("run", "--", "echo", "straight").stdout == b"straight\n"

        secure.variables |= {"ARBOR_URL": secure.named_url, "NO_PROXY": f"example.org,{NAME}"}
        alone = secure.run("doctor")
        assert f"no address is known for {NAME}" in alone.stdout.decode()
        assert not proxy.asked


# ── in front of the hub ──────────────────────────────────────────────────────────────────────


@contextmanager
def nginx(folder: Path, authority: trustme.CA, hub: int, port: int, plain: int) -> Iterator[None]:
    """The real one, with the configuration that we ship, on other ports and with a shorter
    patience."""
    assert NGINX is not None
    folder.mkdir()
    chain, key = folder / "chain.pem", folder / "key.pem"
    issued = authority.issue_cert("localhost")
    chain.write_bytes(b"".join(each.bytes() for each in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(str(key))
    ours = CONFIGURATION.read_text()
    for pattern, put in (
        (r"server 127\.0\.0\.1:4000;", f"server 127.0.0.1:{hub};"),
        (r"listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        (r"listen 80;", f"listen 127.0.0.1:{plain};"),
        (r"server_name arbor\.example\.org;", "server_name localhost;"),
        (r"(ssl_certificate) .*;", rf"\1 {chain};"),
        (r"(ssl_certificate_key) .*;", rf"\1 {key};"),
        (r"(proxy_(?:read|send)_timeout) 10m;", rf"\1 {IDLE_SECONDS}s;"),
    ):
        ours, count = re.subn(pattern, put, ours)
        assert count, pattern
    file = folder / "nginx.conf"
    file.write_text(
        f"daemon off; master_process off; error_log {folder}/error.log; pid {folder}/pid;\n"
        "events {}\n"
        f"http {{ access_log {folder}/access.log; client_body_temp_path {folder}/body;\n"
        f"proxy_temp_path {folder}/proxy;\n{ours}\n}}\n"
    )
    process = subprocess.Popen(
        [NGINX, "-p", str(folder), "-e", f"{folder}/error.log", "-c", str(file)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: _listens(port), "nginx to listen")
        yield
    finally:
        process.terminate()
        process.wait(HANG_SECONDS)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), HANG_SECONDS).close()
    except OSError:
        return False
    return True


class Behind(Arbor):
    """A hub without TLS on loopback, that everybody reaches through nginx."""

    def __init__(self, home: Path, workspace: Path, outside: str) -> None:
        super().__init__(home, workspace)
        self.outside = outside
        self.hub_options = ["--public-url", outside, "--behind-proxy", "127.0.0.1"]

    def environment(self, extra: object = None) -> dict[str, str]:
        """Everybody but the hub comes from outside."""
        assert extra is None or isinstance(extra, dict)
        ca = str(self.home / "ca.pem")
        outside = {"ARBOR_URL": self.outside, "SSL_CERT_FILE": ca}
        return super().environment({**outside, **(extra or {})})


@pytest.fixture
def behind(
    tmp_path: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Behind]:
    """Hub, nginx and a daemon that came through it."""
    for name, value in without_proxies().items():
        monkeypatch.setenv(name, value)
    port, plain = free_port(), free_port()
    pair = Behind(tmp_path / "home", tmp_path / "workspace", f"https://localhost:{port}")
    ca = pair.home / "ca.pem"
    authority.cert_pem.write_to_path(str(ca))
    monkeypatch.setenv("SSL_CERT_FILE", str(ca))
    with nginx(tmp_path / "nginx", authority, pair.port, port, plain):
        try:
            pair.start_hub()
            inside, pair.url = pair.url, pair.outside
            pair.start_daemon()
            answer = HTTP.get(f"http://127.0.0.1:{plain}/x", follow_redirects=False)
            assert answer.headers["Location"].startswith("https://")
            assert inside.startswith("http://")
            yield pair
        finally:
            pair.stop()


@needs_nginx
def test_output_comes_through_nginx_live_exactly_and_after_a_long_silence(behind: Behind) -> None:
    quiet = behind.popen("run", "--", "sh", "-c", f"sleep {QUIET_SECONDS}; echo still here")

    waiting = "echo begun; until [ -e go ]; do sleep 0.05; done; echo done"
    running = behind.popen("run", "--", "sh", "-c", waiting)
    assert running.stdout is not None
    # Before the command goes on: nothing is held back.
    assert running.stdout.readline() == b"begun\n"
    (behind.workspace / "go").touch()
    assert running.communicate(timeout=HANG_SECONDS)[0] == b"done\n"

    total = 8 * MIB
    done = behind.run("run", "--", *cells("nginx", total))
    reader = CellReader("nginx")
    reader.feed(done.stdout)
    assert reader.finish(total) == []
    typed = bytes(range(256)) * 8192
    assert behind.run("run", "--", "cat", stdin=typed).stdout == typed

    assert quiet.communicate(timeout=HANG_SECONDS) == (b"still here\n", b"")
    assert behind.log("daemon").count("connected to") == 1


@needs_nginx
def test_what_nginx_adds_and_keeps_to_itself(behind: Behind) -> None:
    identity = next((behind.home / "daemons").glob("*/identity.toml")).read_text()
    assert f'hub_key = "{keys.ensure(behind.home / "hub").public}"' in identity
    owner = {"Authorization": f"Bearer {TOKEN}"}
    with httpx2.Client(base_url=behind.outside, timeout=HANG_SECONDS) as client:
        assert client.get("/metrics").status_code == 404
        page = client.get("/")
        assert "Strict-Transport-Security" in page.headers
        assert "Content-Security-Policy" in page.headers

        # A body up to the hub's own limit is the hub's to judge, one above it nginx's.
        small, large = b" " * (MIB - 1) + b"!", b" " * (MIB + 1)
        json = owner | {"Content-Type": "application/json"}
        judged = client.post("/api/workspaces", content=small, headers=json)
        assert judged.headers["Content-Type"] == "application/problem+json"
        assert judged.status_code in (400, 422)
        assert client.post("/api/workspaces", content=large, headers=json).status_code == 413

        # An address that a client invents does not get through.
        link = client.post("/api/session/link", headers=owner).json()["link"]
        invented = {"X-Forwarded-For": "203.0.113.9", "Origin": behind.outside}
        signed_in = client.post("/api/session", json={"link": link}, headers=invented)
        assert signed_in.status_code == 201, signed_in.text
        assert "Secure" in signed_in.headers["Set-Cookie"]
        (item,) = client.get("/api/sessions", headers=owner).json()["items"]
        assert item["address"] == "127.0.0.1"
