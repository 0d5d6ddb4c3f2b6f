"""Which IP addresses a webhook may have: public ones, and those of networks that an operator names.

Whoever may choose the address of a webhook, or answers for its name in the DNS, must not reach what only this
machine can reach: its own services, the network behind it, the metadata of a cloud.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from mailbot.config.model import Network

Address = IPv4Address | IPv6Address

# https://www.iana.org/assignments/iana-ipv4-special-registry, and what no receiver is reached by.
_NOT_PUBLIC_4 = tuple(
    map(
        ip_network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24"),
            *("192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
            "168.63.129.16/32",  # the host of a machine at Azure: public in form alone
            "224.0.0.0/3",  # multicast, what is reserved, broadcast
        ),
    )
)
# Of IPv6 only what is given out is public. Inside it: Teredo and other protocols, documentation, 6to4, which holds an
# IPv4 address. Mapped addresses and NAT64 lie outside.
_PUBLIC_6 = ip_network("2000::/3")
_NOT_PUBLIC_6 = tuple(
    map(ip_network, ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"))
)


def parse(text: str) -> Address:
    """Read an address of the resolver; an IPv4 address inside ::ffff:0:0/96 is that IPv4 address. Raises ValueError."""
    address = ip_address(text)
    return getattr(address, "ipv4_mapped", None) or address


def is_public(address: Address) -> bool:
    """Check whether anybody can reach it. False for all of the private, local and special ones."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    return address in _PUBLIC_6 and not any(address in network for network in _NOT_PUBLIC_6)


def is_inside(address: Address, networks: Sequence[Network]) -> bool:
    """Check whether it is in one of the networks."""
    return any(address in network for network in networks)
