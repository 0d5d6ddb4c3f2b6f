"""Check that the trusted networks leave somebody out: who trusts every address trusts everybody."""

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network

from mailbot.config.files.mailbot import MailbotFile
from mailbot.config.model import Network
from mailbot.config.yaml.source import Source
from mailbot.errors import Problem

# What a network under `trust` that holds all addresses would mean.
MEANING = {
    "agent_networks": "every mail would count as an agent's",
    "front_networks": "every host would count as our own mail server, without limits",
    "proxy_networks": "every client could name any address as its own",
}
# The shortest prefixes that are still one organisation's, such as 10.0.0.0/8.
SHORTEST_4, SHORTEST_6 = 8, 16
_PRIVATE_6 = tuple(IPv6Network(each) for each in ("fc00::/7", "fe80::/10"))
_MAPPED = IPv6Network("::ffff:0:0/96")


def check(file: MailbotFile, source: Source) -> Iterator[Problem]:
    """List trusted networks that hold all addresses or a good part of them."""
    for key, meaning in MEANING.items():
        for index, network in enumerate(getattr(file.trust, key)):
            if is_everybody(network):
                hint = "name your own: 10.20.0.0/16, 127.0.0.1"
                yield source.at_value(
                    ("trust", key, index), f"`{network}` holds addresses of all the world: {meaning}", hint
                )


def is_everybody(network: Network) -> bool:
    """Decide whether a network is larger than any organisation's."""
    if isinstance(network, IPv6Network):
        if network.subnet_of(_MAPPED):
            return is_everybody(_unmapped(network))
        private = any(network.subnet_of(each) for each in _PRIVATE_6)
        return not private and network.prefixlen < SHORTEST_6
    return network.prefixlen < SHORTEST_4


def _unmapped(network: IPv6Network) -> IPv4Network:
    """Return the IPv4 network of ::ffff:a.b.c.d/n."""
    packed = network.network_address.packed[-4:]
    return IPv4Network((packed, network.prefixlen - 96))
