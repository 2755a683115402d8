"""https and wss, end to end: a private CA, a certificate that changes, and no way around TLS."""

from __future__ import annotations

import hashlib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from arborlink.testing.cell_reader import CellReader
from tests.bounds import HANG_SECONDS
from tests.e2e.arbor import TOKEN, Arbor, cells, wait_until
from tests.e2e.secure import SecureArbor, without_proxies


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SecureArbor]:
    """A hub that speaks TLS; no daemon yet."""
    pair = SecureArbor(tmp_path / "home", tmp_path / "workspace", trustme.CA())
    for name, value in without_proxies().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SSL_CERT_FILE", str(pair.ca))
    try:
        pair.start_hub()
        yield pair
    finally:
        pair.stop()


def serial(port: int, ca: Path) -> str:
    """Which certificate the hub shows."""
    context = ssl.create_default_context(cafile=str(ca))
    with (
        socket.create_connection(("127.0.0.1", port), HANG_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        certificate = secured.getpeercert()
    assert certificate is not None
    return str(certificate["serialNumber"])


def test_a_private_ca_is_named_once(secure: SecureArbor) -> None:
    untrusted = secure.run("whoami")
    assert untrusted.returncode == 1
    assert b"`ca` or SSL_CERT_FILE" in untrusted.stderr, untrusted.stderr

    # Exactly the bytes, both ways.
    secure.connect(secure.url, "--ca", str(secure.ca))
    secure.variables["SSL_CERT_FILE"] = str(secure.ca)
    total = 4 << 20
    done = secure.run("run", "--", *cells("tls", total))
    reader = CellReader("tls")
    reader.feed(done.stdout)
    assert reader.finish(total) == []
    typed = bytes(range(256)) * 4096
    done = secure.run("run", "--", "sha256sum", stdin=typed)
    assert done.stdout.split()[0].decode() == hashlib.sha256(typed).hexdigest()

    # It was kept with the identity, and by `login` with the credentials.
    del secure.variables["SSL_CERT_FILE"]
    assert secure.daemon is not None
    secure.daemon.terminate()
    secure.daemon.wait()
    wait_until(lambda: secure.state() == "unreachable", "the hub to see that it is gone")
    secure.start_daemon()
    login = ["login", secure.url, "--token", "--ca", f"../home/{secure.ca.name}"]
    assert secure.run(*login, stdin=TOKEN.encode()).returncode == 0
    secure.variables |= {"ARBOR_URL": "", "ARBOR_TOKEN": ""}
    assert secure.run("run", "--", "echo", "kept").stdout == b"kept\n"
    doctor = secure.run("doctor").stdout.decode()
    assert "the certificate of localhost is accepted" in doctor
    assert "FAIL" not in doctor, doctor


def test_a_certificate_is_replaced_while_the_hub_runs(secure: SecureArbor) -> None:
    secure.connect(secure.url, "--ca", str(secure.ca))
    secure.variables["SSL_CERT_FILE"] = str(secure.ca)
    first = serial(secure.port, secure.ca)
    waiting = "echo begun; until [ -e go ]; do sleep 0.05; done; echo done"
    running = secure.popen("run", "--", "sh", "-c", waiting)
    assert running.stdout is not None
    assert running.stdout.readline() == b"begun\n"

    good = secure.chain.read_bytes()
    secure.chain.write_bytes(b"not a certificate")
    wait_until(lambda: "the old one stays" in secure.log("hub"), "the hub to complain")
    assert serial(secure.port, secure.ca) == first
    secure.chain.write_bytes(good)
    secure.renew()
    wait_until(lambda: serial(secure.port, secure.ca) != first, "the new certificate")

    # Neither the daemon nor who was watching noticed.
    (secure.workspace / "go").touch()
    assert running.communicate(timeout=HANG_SECONDS) == (b"done\n", b"")
    assert running.returncode == 0
    assert secure.run("run", "--", "echo", "new").stdout == b"new\n"
    assert secure.log("daemon").count("connected to") == 1


def test_a_certificate_of_somebody_else_is_not_believed(
    secure: SecureArbor, tmp_path: Path
) -> None:
    stranger = tmp_path / "stranger.pem"
    trustme.CA().cert_pem.write_to_path(str(stranger))
    refused = secure.run("daemon", ".", "--hub", secure.url, "--name", "x", "--ca", str(stranger))
    assert refused.returncode != 0
    assert b"its certificate is not accepted here" in refused.stderr

    # The right authority, but another name.
    secure.variables["SSL_CERT_FILE"] = str(secure.ca)
    secure.variables["ARBOR_URL"] = secure.url.replace("localhost", "127.0.0.1")
    refused = secure.run("whoami")
    assert refused.returncode == 1
    assert b"not believed" in refused.stderr and b"127.0.0.1" in refused.stderr


@pytest.mark.filterwarnings("ignore:ssl.OP_NO_SSL:DeprecationWarning")
def test_tls_1_1_and_plain_text_get_no_answer(secure: SecureArbor) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.load_verify_locations(secure.ca)
    old.options |= ssl.OP_NO_TLSv1_2 | ssl.OP_NO_TLSv1_3
    with (
        socket.create_connection(("127.0.0.1", secure.port), HANG_SECONDS) as plain,
        pytest.raises(ssl.SSLError),
    ):
        old.wrap_socket(plain, server_hostname="localhost")

    with socket.create_connection(("127.0.0.1", secure.port), HANG_SECONDS) as plain:
        plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert not plain.recv(100).startswith(b"HTTP")


@pytest.mark.parametrize("url", ["http://hub.test:4000", "ws://10.0.0.1", "http://[2001:db8::1]"])
def test_no_token_goes_over_a_network_in_the_clear(tmp_path: Path, url: str) -> None:
    arbor = Arbor(tmp_path / "home", tmp_path / "workspace")
    arbor.url = url
    commands = (
        ["whoami"],
        ["run", "--", "true"],
        ["login", url, "--token"],
        ["daemon", ".", "--hub", url, "--code", "BCDF-GHJK"],
    )
    for arguments in commands:
        done = arbor.run(*arguments, stdin=TOKEN.encode())
        assert done.returncode != 0
        assert b"in the clear" in done.stderr, (arguments, done.stderr)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--host", "0.0.0.0"], "without TLS"),
        (["--tls-cert", "missing.pem", "--tls-key", "missing.pem"], "No such file"),
        (["--tls-cert", "missing.pem"], "belong together"),
    ],
)
def test_a_hub_that_would_be_unsafe_does_not_start(
    tmp_path: Path, options: list[str], said: str
) -> None:
    arbor = Arbor(tmp_path / "home", tmp_path / "workspace")
    done = arbor.run("hub", "--port", str(arbor.port), *options)

    assert done.returncode != 0
    assert said in done.stderr.decode(), done.stderr
