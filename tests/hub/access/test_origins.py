"""Which names the hub goes by, and which pages may use it."""

from __future__ import annotations

import socket

import pytest

from arborlink.hub.access import host_allowed, origin_allowed, sent_origin
from arborlink.hub.settings import HubSettings

LOCAL = HubSettings()
PUBLIC = HubSettings(
    host="0.0.0.0",
    behind_proxy=["10.0.0.1"],
    public_url="https://hub.example.org",
    allowed_origins=["https://other.example.org"],
    allowed_hosts=["alias.example.org"],
)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:4000", "127.0.0.1:4000", "[::1]:4000", "127.9.9.9"]
)
def test_loopback_names_are_always_the_hubs(host: str) -> None:
    assert host_allowed(host, LOCAL) and host_allowed(host, PUBLIC)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil",
        "evil:4000",
        "0.0.0.0",
        "localhost.evil",
        "localhost.",
        "127.0.0.1.nip.io",
        "a b",
        "user@localhost",
        "localhost/x",
        "localhost:x",
        "[::1",
        "192.168.0.7",
        "hub.example.org",
    ],
)
def test_a_hub_on_loopback_has_no_other_name(host: str) -> None:
    assert not host_allowed(host, LOCAL)


def test_a_public_hub_goes_by_its_names_and_by_plain_addresses() -> None:
    for host in ("hub.example.org", "HUB.example.org:443", "alias.example.org", "192.168.0.7:1"):
        assert host_allowed(host, PUBLIC)
    assert host_allowed(socket.gethostname(), PUBLIC)
    for host in ("evil.example.org", "0.0.0.0", "[::]", "hub.example.org.evil.com"):
        assert not host_allowed(host, PUBLIC)


def test_the_hubs_own_pages_may_use_it() -> None:
    assert origin_allowed("http://localhost:4000", "localhost:4000", LOCAL)
    assert origin_allowed("http://[::1]:4000", "[::1]:4000", LOCAL)
    assert origin_allowed(None, "localhost:4000", LOCAL)
    for origin in ("https://hub.example.org", "https://other.example.org"):
        assert origin_allowed(origin, "hub.example.org", PUBLIC)
    assert origin_allowed("https://alias.example.org", "alias.example.org", PUBLIC)


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "http://localhost:4001",
        "https://localhost:4000",
        "http://127.0.0.1:4000",
        "http://LOCALHOST:4000",
        "http://localhost:4000/",
        "http://localhost:4000.evil.com",
        "http://evil",
    ],
)
def test_other_pages_may_not(origin: str) -> None:
    assert not origin_allowed(origin, "localhost:4000", LOCAL)


@pytest.mark.parametrize(
    "origin",
    [
        "http://hub.example.org",
        "https://hub.example.org.evil.com",
        "https://hub.example.org:444",
        "https://hub.example.org.",
        "https://HUB.example.org",
        "https://hub.ex\u0430mple.org",
    ],
)
def test_look_alikes_of_the_public_name_may_not(origin: str) -> None:
    assert not origin_allowed(origin, "hub.example.org", PUBLIC)


def test_a_foreign_host_has_no_pages_of_its_own() -> None:
    assert not origin_allowed("http://evil:4000", "evil:4000", LOCAL)


def test_of_two_origins_none_is_the_hubs_own() -> None:
    own = "http://127.0.0.1:4000"
    assert sent_origin([]) is None
    assert origin_allowed(sent_origin([own]), "127.0.0.1:4000", LOCAL)
    for two in ([own, "http://evil.example"], ["http://evil.example", own], [own, own], [""]):
        assert not origin_allowed(sent_origin(two), "127.0.0.1:4000", LOCAL)
