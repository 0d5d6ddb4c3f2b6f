"""The PROXY protocol, version 2: a load balancer says for whom it opened the connection.

https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt, section 2.2.
"""

from asyncio import IncompleteReadError, StreamReader
from ipaddress import IPv4Address, IPv6Address

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
HEAD = len(SIGNATURE) + 4  # version and command, family and transport, length of what follows
LONGEST = 4096  # bytes that follow: 36 of addresses, then extras (certificate, connection id) that we skip
VERSION, LOCAL, PROXY = 0x20, 0x0, 0x1
TCP4, TCP6 = 0x11, 0x21


class BadHeader(Exception):
    """What came is no header, or none that we can use. Its words may be told."""


async def client(reader: StreamReader) -> str:
    """Reads the header, and no byte more. The client's IP address; "" when the proxy speaks for itself.

    Raises BadHeader at the first wrong byte, IncompleteReadError when the connection ends within it.
    """
    head = await _head(reader)
    length = int.from_bytes(head[-2:])
    if length > LONGEST:
        raise BadHeader("PROXY header is too long")
    return source(head[12], head[13], await reader.readexactly(length))


async def _head(reader: StreamReader) -> bytes:
    head = b""
    while len(head) < HEAD:
        part = await reader.read(HEAD - len(head))
        if not part:
            raise IncompleteReadError(head, HEAD)
        head += part
        if not SIGNATURE.startswith(head[: len(SIGNATURE)]):
            old = head.startswith(b"PROXY"[: len(head)])
            raise BadHeader("PROXY header of version 2 is needed" if old else "PROXY header is missing")
    return head


def source(command: int, family: int, rest: bytes) -> str:
    """Whom the header names; `rest` is what follows its first 16 bytes. Raises BadHeader.

    A client that the proxy can't name (UNSPEC, a local socket of its own) is not taken for the proxy.
    """
    if command == VERSION | LOCAL:
        return ""
    if command != VERSION | PROXY:
        raise BadHeader("PROXY header has an unknown version or command")
    if family == TCP4 and len(rest) >= 12:
        return str(IPv4Address(rest[:4]))
    if family == TCP6 and len(rest) >= 36:
        address = IPv6Address(rest[:16])
        return str(address.ipv4_mapped or address)
    raise BadHeader("PROXY header names no TCP client")
