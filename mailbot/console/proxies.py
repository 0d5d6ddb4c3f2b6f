"""What the web server in front reports about a request: the client's address, who is logged in there.

Only web servers in the networks of `console: proxies` are believed. What anybody else sends is ignored.
"""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from starlette.requests import Request

from mailbot.channels.smtp.limits import is_within
from mailbot.config.model import Console, Network
from mailbot.console.desk import desk_of

SUBNET = 64  # bits of an IPv6 address that one client's provider gives out at least


def user_of(request: Request) -> str | None:
    """Return the address of who is logged in at the web server; None where there is no such log-in.

    "" where it names nobody, or two: a header that a client smuggled past it must not count.
    """
    console = desk_of(request).console
    if not console.user_header or not _is_proxy(_peer(request), console):
        return None
    values = request.headers.getlist(console.user_header)
    if not values:
        return None
    return values[0].strip().lower() if len(values) == 1 else ""


def client_of(request: Request) -> str:
    """Return the client's IP address, of IPv6 the network, as the key of a limit.

    In X-Forwarded-For each web server adds whom it talks with: what stands before the last stranger is invented.
    """
    console = desk_of(request).console
    client = _peer(request)
    hops = [hop.strip() for line in request.headers.getlist("X-Forwarded-For") for hop in line.split(",")]
    while hops and _is_proxy(client, console):
        client = hops.pop()
    return _network(client)


def _peer(request: Request) -> str:
    return request.client.host if request.client else ""


def _is_proxy(address: str, console: Console) -> bool:
    try:
        return is_within(address, _networks(console.proxies))
    except ValueError:  # no IP address
        return False


@lru_cache(maxsize=4)
def _networks(proxies: tuple[str, ...]) -> Sequence[Network]:
    return [ip_network(each) for each in proxies]


def _network(client: str) -> str:
    try:
        address = ip_address(client)
    except ValueError:
        return "unknown"
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or ip_network((int(address) >> SUBNET << SUBNET, SUBNET)))
    return str(address)
