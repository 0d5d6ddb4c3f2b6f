"""The PROXY protocol, read by aiosmtpd: a load balancer names the client that it opened the connection for.

https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
"""

from asyncio import IncompleteReadError, StreamReader
from ipaddress import IPv4Address, IPv6Address

from aiosmtpd.proxy_protocol import AF, PROTO, V2_CMD, get_proxy


class BadHeader(Exception):
    """There is no header, or none that names a TCP client. The text may be sent to the peer."""


async def read_client(reader: StreamReader) -> str:
    """Read the header and return the client's IP address; "" when the proxy connects for itself (LOCAL).

    Raises BadHeader, or IncompleteReadError when the connection ends within it. A client that the proxy can't
    name (UNSPEC, a local socket) is not taken for the proxy.
    """
    header = await get_proxy(reader)
    if header.command == V2_CMD.LOCAL and not header.error:
        return ""
    if reader.at_eof() and header.error:
        raise IncompleteReadError(bytes(header.whole_raw), None)
    if header.error or header.version is None:
        raise BadHeader("PROXY header is missing or wrong")
    if header.protocol != PROTO.STREAM or header.family not in (AF.INET, AF.INET6):
        raise BadHeader("PROXY header names no TCP client")
    address = header.src_addr
    assert isinstance(address, IPv4Address | IPv6Address)
    return str(getattr(address, "ipv4_mapped", None) or address)
