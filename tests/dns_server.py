"""A DNS server on loopback for tests: UDP, TCP for what is too long; misbehaves where told to."""

import socket
import struct
import threading
from collections.abc import Mapping
from types import TracebackType

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

SILENT, SERVFAIL, GARBAGE = "silent", "servfail", "garbage"


class DnsServer:
    """`zone`: name -> what it answers: texts (TXT), or lines like "A 192.0.2.7", "MX 10 x.", "CNAME x.".

    One of SILENT, SERVFAIL, GARBAGE in place of the list: for all questions about that name.
    """

    def __init__(self, zone: Mapping[str, str | list[str]]) -> None:
        self.zone, self.asked = dict(zone), list[str]()
        self._udp, self._tcp = _both()
        self.port: int = self._udp.getsockname()[1]
        self._threads = [threading.Thread(target=each) for each in (self._serve_udp, self._serve_tcp)]

    def __enter__(self) -> "DnsServer":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"stop", ("127.0.0.1", self.port))
        with socket.create_connection(("127.0.0.1", self.port)):
            pass
        for thread in self._threads:
            thread.join()
        self._udp.close()
        self._tcp.close()

    def _serve_udp(self) -> None:
        while (packet := self._udp.recvfrom(4096))[0] != b"stop":
            reply = self._reply(packet[0])
            if len(reply) > 1232:
                cut = dns.message.make_response(dns.message.from_wire(packet[0]))
                cut.flags |= dns.flags.TC
                reply = cut.to_wire()
            if reply:
                self._udp.sendto(reply, packet[1])

    def _serve_tcp(self) -> None:
        while True:
            connection, _ = self._tcp.accept()
            with connection:
                head = connection.recv(2)
                if not head:
                    return
                reply = self._reply(connection.recv(struct.unpack("!H", head)[0]))
                if reply:
                    connection.sendall(struct.pack("!H", len(reply)) + reply)

    def _reply(self, packet: bytes) -> bytes:
        asked = dns.message.from_wire(packet)
        question = asked.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        self.asked.append(name)
        found = self.zone.get(name)
        reply = dns.message.make_response(asked)
        if found == SILENT:
            return b""
        if found == GARBAGE:
            return packet[:2] + b"\xff" * 40
        if found == SERVFAIL:
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif found is None:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        else:
            lines = [self._line(each) for each in ([found] if isinstance(found, str) else found)]
            for kind, value in lines:
                if kind in (dns.rdatatype.to_text(question.rdtype), "CNAME"):
                    reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, value))
            if any(kind == "CNAME" for kind, _ in lines):
                target = lines[0][1]
                more = self.zone.get(target.rstrip("."), [])
                for kind, value in [self._line(each) for each in ([more] if isinstance(more, str) else more)]:
                    reply.answer.append(dns.rrset.from_text(target, 60, "IN", kind, value))
        return reply.to_wire(max_size=65535)

    def _line(self, text: str) -> tuple[str, str]:
        kind, _, value = text.partition(" ")
        if kind in ("A", "AAAA", "MX", "PTR", "CNAME"):
            return kind, value
        strings = [text[at : at + 250] for at in range(0, len(text), 250)]
        return "TXT", " ".join('"{}"'.format(each.replace('"', '\\"')) for each in strings)


def _both() -> tuple[socket.socket, socket.socket]:
    """UDP and TCP on one free port; another process may have taken the second of the pair."""
    while True:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        try:
            return udp, socket.create_server(("127.0.0.1", udp.getsockname()[1]))
        except OSError:
            udp.close()
