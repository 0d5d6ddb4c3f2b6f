"""Write packages around mails as programs send them: winmail.dat (MS-OXTNEF), compressed RTF, S/MIME."""

import base64
import struct
from collections.abc import Iterable

HEAD = b"From: Budi <budi@pelanggan.example>\r\nSubject: Saldo\r\nMIME-Version: 1.0\r\n"
MESSAGE_OBJECT = bytes.fromhex("0703020000000000c000000000000046")


def part(kind: str, content: bytes) -> bytes:
    return f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n\r\n".encode() + base64.encodebytes(
        content
    )


def mail(kind: str, content: bytes) -> bytes:
    return HEAD + part(kind, content)


def mixed(*parts: bytes) -> bytes:
    head = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    return head + b"".join(b"--b\r\n" + each + b"\r\n" for each in parts) + b"--b--\r\n"


# winmail.dat


def tnef(*attributes: tuple[int, bytes]) -> bytes:
    rows = (
        struct.pack("<BII", 1, number, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)
        for number, value in attributes
    )
    return b"\x78\x9f\x3e\x22\x01\x00" + b"".join(rows)


def properties(*rows: tuple[int, int, bytes]) -> bytes:
    """Write MAPI properties: (type, number, value)."""
    out = struct.pack("<I", len(rows))
    for kind, number, value in rows:
        out += struct.pack("<HH", kind, number)
        if kind in (0x0D, 0x1E, 0x1F, 0x102):
            out += struct.pack("<II", 1, len(value)) + value + b"\0" * (-len(value) % 4)
        else:
            out += value
    return out


def unicode(text: str) -> bytes:
    return (text + "\0").encode("utf-16-le")


def compressed_rtf(source: bytes) -> bytes:
    """Write literals only, which is valid and simple."""
    body = b"".join(b"\0" + source[at : at + 8] for at in range(0, len(source), 8))
    return struct.pack("<II4sI", len(body) + 12, len(source), b"LZFu", 0) + body


# S/MIME


def der(tag: int, *contents: bytes) -> bytes:
    content = b"".join(contents)
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    length = bytes((len(content),)) if len(content) < 128 else bytes((0x80 | len(size),)) + size
    return bytes((tag,)) + length + content


def ber(tag: int, *contents: bytes) -> bytes:
    """Write an element of indefinite length."""
    return bytes((tag, 0x80)) + b"".join(contents) + b"\0\0"


def octets_in_parts(content: bytes, size: int = 10) -> bytes:
    return ber(0x24, *(der(0x04, content[at : at + size]) for at in range(0, len(content), size)))


def oid(*last: int) -> bytes:
    return der(0x06, bytes.fromhex("2a864886f70d01") + bytes(last))


def signed(content: Iterable[bytes], element=der) -> bytes:  # type: ignore[no-untyped-def]
    """Write signed data without certificates and signers: nobody verifies it."""
    inside = element(0x30, oid(7, 1), *(element(0xA0, each) for each in content))
    data = element(0x30, der(0x02, b"\1"), der(0x31), inside, der(0x31))
    return element(0x30, oid(7, 2), element(0xA0, data))  # type: ignore[no-any-return]
