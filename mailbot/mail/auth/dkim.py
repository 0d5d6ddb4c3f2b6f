"""Verify DKIM signatures (RFC 6376, 8301, 8463), stricter than the RFCs where a pass would mislead us.

Theory of operation. A signature counts only under these conditions:

- It covers the whole body (no `l=`, section 8.2), From and, if there is one, Subject.
- It covers each field that we act on as often as the mail has it (section 8.15). People would read a second
  Subject that an attacker added on top of a signed mail.
- It uses SHA-256, and an RSA key has from 1,024 to 4,096 bits.
"""

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from mailbot.mail.auth import canonical
from mailbot.mail.auth.canonical import SplitMail, parse_tags
from mailbot.mail.auth.dns_lookup import Lookup

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

SIGNATURE_LIMIT = 100  # signatures of one mail that are parsed; the caller limits how many are verified
KEY_RECORD_LIMIT = 4096  # characters
FIELD_LIMIT = 200  # signed fields
KEY_BITS = range(1024, 4097)  # at least by RFC 8301 section 3.2, at most for the time of a verification
EXPONENT_LIMIT = 1 << 32

# Fields that a mail has once, and that people or mailbot act on.
_UNIQUE_FIELDS = frozenset(
    b"from sender reply-to to cc subject date message-id in-reply-to references "
    b"mime-version content-type content-transfer-encoding".split()
)
_ALGORITHMS = {"rsa-sha256": "rsa", "ed25519-sha256": "ed25519"}
_FORMS = ("simple", "relaxed")
_DOMAIN = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*\Z"
)


@dataclass(frozen=True, slots=True)
class Signature:
    """A parsed DKIM-Signature field."""

    field: bytes
    domain: str
    selector: str
    agent_domain: str  # of i=
    key_type: str  # "rsa" or "ed25519"
    relaxed_header: bool
    relaxed_body: bool
    names: tuple[bytes, ...]
    body_hash: bytes
    signature: bytes
    expires: int | None


def find_signatures(mail: SplitMail) -> Iterator[Signature]:
    """Yield the signatures that could count, topmost first."""
    if mail.count(b"from") != 1:
        return
    fields = [field for name, field in mail.fields if name == b"dkim-signature"]
    for field in fields[:SIGNATURE_LIMIT]:
        signature = _parse(field)
        if signature and _covers(signature, mail):
            yield signature


def verify(signature: Signature, mail: SplitMail, lookup: Lookup, at: datetime) -> bool:
    """Check whether the owner of the domain signed this mail, which came at `at`.

    Raises LookupFailed and TimeLimitReached.
    """
    if signature.expires is not None and signature.expires < at.timestamp():
        return False
    body = canonical.canonical_body(mail.body, relaxed=signature.relaxed_body)
    if hashlib.sha256(body).digest() != signature.body_hash:
        return False
    texts = lookup(f"{signature.selector}._domainkey.{signature.domain}", "TXT")
    key = _key(texts, signature)
    if key is None:
        return False
    signed = canonical.signed_header(mail, signature.names, signature.field, relaxed=signature.relaxed_header)
    return _verify_signature(key, signature.signature, signed)


def _parse(field: bytes) -> Signature | None:
    """Parse a DKIM-Signature field (section 6.1.1); None for an invalid one."""
    value = field.partition(b":")[2]
    tags = parse_tags(value.decode("ascii")) if value.isascii() else None
    if tags is None or tags.get("v") != "1" or tags.get("a") not in _ALGORITHMS or "l" in tags:
        return None
    forms = (*tags.get("c", "simple").split("/"), "simple")[:2]
    domain, selector = tags.get("d", "").lower(), tags.get("s", "").lower()
    agent_domain = tags.get("i", f"@{domain}").rpartition("@")[2].lower()
    names = tuple(name.strip().lower().encode() for name in tags.get("h", "").split(":"))
    expires = tags.get("x")
    try:
        body_hash, signature = (_decode_base64(tags.get(name, "")) for name in ("bh", "b"))
    except ValueError:
        return None
    valid = (
        all(form in _FORMS for form in forms)
        and _DOMAIN.match(domain)
        and _DOMAIN.match(selector)
        and (agent_domain == domain or agent_domain.endswith(f".{domain}"))
        and (expires is None or (expires.isdigit() and len(expires) <= 12))
        and "dns/txt" in tags.get("q", "dns/txt").split(":")
        and len(names) <= FIELD_LIMIT
    )
    if not valid:
        return None
    return Signature(
        field=field,
        domain=domain,
        selector=selector,
        agent_domain=agent_domain,
        key_type=_ALGORITHMS[tags["a"]],
        relaxed_header=forms[0] == "relaxed",
        relaxed_body=forms[1] == "relaxed",
        names=names,
        body_hash=body_hash,
        signature=signature,
        expires=None if expires is None else int(expires),
    )


def _covers(signature: Signature, mail: SplitMail) -> bool:
    signed = set(signature.names)
    if b"from" not in signed or (b"subject" not in signed and mail.count(b"subject")):
        return False
    return all(mail.count(name) <= signature.names.count(name) for name in signed & _UNIQUE_FIELDS)


def _key(texts: Sequence[str], signature: Signature) -> "RSAPublicKey | Ed25519PublicKey | None":
    """Return the domain's key (section 3.6.1), None when no key may have made this signature."""
    for text in texts:
        tags = parse_tags(text) if len(text) <= KEY_RECORD_LIMIT and text.isascii() else None
        if tags and tags.get("p") is not None and tags.get("v", "DKIM1") == "DKIM1":
            break
    else:
        return None
    flags, hashes, services = (
        [item.strip() for item in tags.get(name, default).split(":")]
        for name, default in (("t", ""), ("h", "sha256"), ("s", "*"))
    )
    usable = (
        tags.get("k", "rsa") == signature.key_type
        and "sha256" in hashes
        and not {"*", "email"}.isdisjoint(services)
        and "y" not in flags  # the domain is testing DKIM: its mail counts as unsigned
        and not ("s" in flags and signature.agent_domain != signature.domain)
    )
    return _public_key(tags["p"], signature.key_type) if usable else None


def _public_key(text: str, key_type: str) -> "RSAPublicKey | Ed25519PublicKey | None":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        octets = _decode_base64(text)
        if key_type == "ed25519":
            return Ed25519PublicKey.from_public_bytes(octets)
        key = load_der_public_key(octets)
    except (ValueError, UnsupportedAlgorithm):
        return None
    # A key of 16,384 bits with an equally long exponent took 9 s, in which nothing else ran.
    if isinstance(key, RSAPublicKey) and key.key_size in KEY_BITS and key.public_numbers().e < EXPONENT_LIMIT:
        return key
    return None


def _verify_signature(key: "RSAPublicKey | Ed25519PublicKey", signature: bytes, signed: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        if isinstance(key, Ed25519PublicKey):
            key.verify(signature, hashlib.sha256(signed).digest())  # RFC 8463 section 3: the hash is signed
        else:
            key.verify(signature, signed, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _decode_base64(text: str) -> bytes:
    """Decode base64 with white space in it. Raises ValueError when it is invalid or empty."""
    octets = base64.b64decode("".join(text.split()), validate=True)
    if not octets:
        raise ValueError("empty")
    return octets
