"""Networks that are too large to be trusted."""

from ipaddress import ip_network

import pytest

from mailbot.config.checks.networks import is_everybody


@pytest.mark.parametrize(
    "network",
    ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "64.0.0.0/2", "::/0", "2000::/3", "::ffff:0:0/96", "::/8"],
)
def test_a_network_of_all_the_world_is_everybody(network: str) -> None:
    assert is_everybody(ip_network(network))


@pytest.mark.parametrize(
    "network",
    [
        "10.0.0.0/8",
        "127.0.0.0/8",
        "192.168.0.0/16",
        "203.0.113.7",
        "::1",
        "fc00::/7",
        "fe80::/10",
        "2001:db8::/32",
        "::ffff:10.0.0.0/104",
    ],
)
def test_a_network_of_one_organisation_is_not(network: str) -> None:
    assert not is_everybody(ip_network(network))
