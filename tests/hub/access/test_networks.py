"""An address stands for the networks that its party may have."""

from __future__ import annotations

import pytest

from arborlink.hub.access.networks import Network, customer, network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", Network("192.0.2.7", "192.0.2.0/24", "192.0.0.0/16")),
        ("::ffff:192.0.2.7", Network("192.0.2.7", "192.0.2.0/24", "192.0.0.0/16")),
        ("127.0.0.3", Network("127.0.0.3", "127.0.0.3", "127.0.0.0/16")),
        (
            "2001:db8:1:2:3:4:5:6",
            Network("2001:db8:1:2::/64", "2001:db8:1::/48", "2001:db8::/32"),
        ),
        ("2001:db8:1:2::9", Network("2001:db8:1:2::/64", "2001:db8:1::/48", "2001:db8::/32")),
        ("fe80::1%eth0", Network("fe80::/64", "fe80::/48", "fe80::/32")),
        ("testclient", Network("testclient", "testclient", "testclient")),
        ("", Network("", "", "")),
    ],
)
def test_an_address_is_in_these_networks(address: str, network: Network) -> None:
    assert network_of(address) == network
    assert customer(address) == network.customer


def test_what_is_no_address_is_not_kept_whole() -> None:
    assert len(network_of("x" * 10_000).customer) == 64
