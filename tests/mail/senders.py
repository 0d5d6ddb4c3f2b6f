"""Make keys, signed mails and a DNS in a dictionary for the tests of sender verification."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import dkim
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mailbot.mail.auth.dns_lookup import LookupFailed, RecordType
from mailbot.mail.auth.sign import Signer

BUDI = "budi@bank.example"
MAIL = (
    b"From: Budi <budi@bank.example>\r\nTo: support@dukungan.example\r\nSubject: Saldo\r\n"
    b"Date: Mon, 23 Nov 2026 10:00:00 +0700\r\nMessage-ID: <1@bank.example>\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
    b"Saldo saya  terpotong\tdua kali. \r\n\r\nMohon dibantu.\r\n\r\n\r\n"
)
HEADERS = ("from", "to", "subject", "date", "message-id", "content-type")


def rsa(bits: int = 2048) -> RSAPrivateKey:
    return _rsa(bits)


@cache
def _rsa(bits: int) -> RSAPrivateKey:
    return generate_private_key(65537, bits)


@cache
def ed25519() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def pem(key: RSAPrivateKey | Ed25519PrivateKey, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    return key.private_bytes(Encoding.PEM, form, NoEncryption())


def record(key: RSAPrivateKey | Ed25519PrivateKey, more: str = "") -> str:
    return Signer("bank.example", "s1", (), key).dns_record()[1] + more


def signed(
    mail: bytes = MAIL,
    *,
    domain: str = "bank.example",
    selector: str = "s1",
    forms: tuple[bytes, bytes] = (b"relaxed", b"relaxed"),
    headers: Sequence[str] = HEADERS,
    bits: int = 2048,
    length: bool = False,
) -> bytes:
    """Return `mail` with a signature of dkimpy."""
    field = dkim.sign(
        mail,
        selector.encode(),
        domain.encode(),
        pem(rsa(bits), PrivateFormat.TraditionalOpenSSL),
        canonicalize=forms,
        include_headers=[name.encode() for name in headers],
        length=length,
    )
    return bytes(field) + mail


class Zone:
    """A DNS by name (TXT) or ("A", name): a text, a list of texts, or an exception to raise."""

    def __init__(self, data: Mapping[Any, Any]) -> None:
        self.data, self.asked = data, list[str]()

    def __call__(self, name: str, kind: RecordType) -> Sequence[str]:
        self.asked.append(name)
        found = self.data.get(name if kind == "TXT" else (kind, name), [])
        if isinstance(found, Exception):
            raise found
        return [found] if isinstance(found, str) else found


DOWN = LookupFailed("SERVFAIL")


def keyed() -> dict[Any, Any]:
    """Return a zone in which bank.example publishes the key of `signed`."""
    return {"s1._domainkey.bank.example": record(rsa())}
