"""The hub's certificate: read again when it changes, and never half of it."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

import pytest
import trustme

from arborlink.hub.certificates import Certificates
from arborlink.protocol.errors import InvalidInput

# Of nobody, and its password is not known any more.
ENCRYPTED = """\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiMfpDQZXrFSAICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEBi0IrDvFXTez9PxiPmR3bUEQC6m
JtiNY89JZlaTFOA/bgtYUR/xeWfwp/IIDzSIzR558Hod9cY9kZsNIRLbK3ex19pb
qWyn5D4t+v4rWaJseNo=
-----END ENCRYPTED PRIVATE KEY-----
"""


class Files:
    """A chain and its key, and the CA that they come from."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.chain, self.key = folder / "chain.pem", folder / "key.pem"

    def renew(self, name: str, *, chain: bool = True, key: bool = True) -> None:
        issued = self.authority.issue_cert(name)
        if chain:
            self.chain.write_bytes(b"".join(each.bytes() for each in issued.cert_chain_pems))
        if key:
            issued.private_key_pem.write_to_path(str(self.key))


@pytest.fixture
def files(tmp_path: Path) -> Files:
    made = Files(tmp_path)
    made.renew("first.example")
    return made


def shown(files: Files, certificates: Certificates, *, name: str | None = "hub.example") -> str:
    """The name in the certificate that a handshake is answered with."""
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    files.authority.configure_trust(trusting)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(to_client, to_server, server_hostname=name)
    server = certificates.context.wrap_bio(to_server, to_client, server_side=True)
    waiting = [client, server]
    while waiting:
        for side in list(waiting):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(side)
    certificate = client.getpeercert()
    assert certificate is not None
    names = certificate["subjectAltName"]
    assert isinstance(names, tuple)
    ((kind, found),) = names
    assert kind == "DNS"
    return str(found)


@pytest.mark.parametrize("name", ["hub.example", None])
def test_a_new_certificate_is_shown_from_then_on(files: Files, name: str | None) -> None:
    certificates = Certificates(files.chain, files.key)
    assert shown(files, certificates, name=name) == "first.example"

    files.renew("second.example")
    assert shown(files, certificates, name=name) == "first.example"
    certificates.refresh()

    assert shown(files, certificates, name=name) == "second.example"


def test_a_chain_without_its_key_is_not_used(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    certificates = Certificates(files.chain, files.key)
    with caplog.at_level(logging.ERROR):
        files.renew("half.example", key=False)
        certificates.refresh()
        certificates.refresh()
        assert shown(files, certificates) == "first.example"
        assert len(caplog.records) == 1 and "the old one stays" in caplog.text

    files.renew("whole.example")
    certificates.refresh()
    assert shown(files, certificates) == "whole.example"


def test_files_that_are_away_for_a_moment_change_nothing(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    certificates = Certificates(files.chain, files.key)
    files.key.unlink()
    certificates.refresh()

    assert shown(files, certificates) == "first.example"
    assert not caplog.records


@pytest.mark.parametrize("old", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_tls_before_1_2_is_not_spoken(files: Files, old: ssl.TLSVersion) -> None:
    assert Certificates(files.chain, files.key).context.minimum_version > old


def test_files_that_are_missing_or_encrypted_are_told_apart(files: Files) -> None:
    files.key.write_text(ENCRYPTED)
    with pytest.raises(InvalidInput, match="is encrypted"):
        Certificates(files.chain, files.key)

    files.key.unlink()
    with pytest.raises(InvalidInput, match="No such file"):
        Certificates(files.chain, files.key)
