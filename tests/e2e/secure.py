"""A hub with TLS, or one behind something with TLS, that daemon and command line reach by name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import trustme

from tests.e2e.arbor import TOKEN, Arbor, wait_until

# Nobody knows its address: only a proxy can reach it.
NAME = "hub.test"


class SecureArbor(Arbor):
    """Its hub speaks TLS with a certificate of its own authority, for `localhost` and `NAME`, and
    for `names`.

    `variables` are added to what the processes get; whoever looks at the hub from this process
    needs SSL_CERT_FILE to be `ca`.
    """

    def __init__(self, home: Path, workspace: Path, authority: trustme.CA, *names: str) -> None:
        super().__init__(home, workspace)
        self.authority = authority
        self.names = ("localhost", NAME, *names)
        self.variables: dict[str, str] = {}
        self.ca, self.chain, self.key = (home / f"{name}.pem" for name in ("ca", "chain", "key"))
        authority.cert_pem.write_to_path(str(self.ca))
        self.renew()
        self.url = f"https://localhost:{self.port}"
        self.named_url = f"https://{NAME}:{self.port}"
        self.hub_options = ["--tls-cert", str(self.chain), "--tls-key", str(self.key)]
        self.hub_options += ["--public-url", self.named_url]

    def renew(self) -> None:
        """A new certificate in place of the old one, as tools do it: the chain, then the key."""
        issued = self.authority.issue_cert(*self.names)
        chain = b"".join(each.bytes() for each in issued.cert_chain_pems)
        for file, content in ((self.chain, chain), (self.key, issued.private_key_pem.bytes())):
            fresh = file.with_suffix(".new")
            fresh.write_bytes(content)
            fresh.replace(file)

    def connect(self, url: str, *options: str, token: str = TOKEN) -> None:
        """Start the daemon for the first time, at this address, and wait for it."""
        self.variables["ARBOR_TOKEN"] = token
        arguments = ["daemon", str(self.workspace), "--hub", url, "--name", "test", *options]
        self.daemon = self._start(*arguments)
        wait_until(lambda: self.state() == "connected", "the daemon to connect")

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """With `variables`."""
        return super().environment({**self.variables, **(extra or {})})


def without_proxies() -> dict[str, str]:
    """This machine's own variables, hidden: for `monkeypatch`."""
    hidden = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
    return {name: "" for name in os.environ if name.lower() in hidden}
