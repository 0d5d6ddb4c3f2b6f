"""Is this mail as the domain signed it? DKIM (RFC 6376, 8301, 8463), stricter where a pass would mislead us.

Theory of operation. A signature counts when it covers the whole body (no `l=`, section 8.2), From and, if
there is one, Subject, and each of the fields that we act by as often as it stands there (8.15): a second
Subject put on top of a signed mail would be the one that people read. Keys from 1,024 to 4,096 bits, SHA-256.
"""

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from mailbot.mail.auth import canonical
from mailbot.mail.auth.canonical import Letter, tags
from mailbot.mail.auth.dns_lookup import Lookup

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

MOST_READ = 100  # signatures of one mail that are looked at at all; how many are verified the caller says
KEY_LIMIT = 4096  # characters of a key record
NAMES_LIMIT = 200
BITS = range(1024, 4097)  # RFC 8301 section 3.2, and what our processor can bear
EXPONENT = 1 << 32

# What stands there once, and says who writes to whom about what.
_ONCE = frozenset(
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
    """One DKIM-Signature field, read. `kind` is the key's: "rsa" or "ed25519"."""

    field: bytes
    domain: str
    selector: str
    identity: str  # the domain of i=
    kind: str
    relaxed_header: bool
    relaxed_body: bool
    names: tuple[bytes, ...]
    body_hash: bytes
    proof: bytes
    expires: int | None


def signatures(mail: Letter) -> Iterator[Signature]:
    """The signatures that could count, topmost first."""
    if mail.count(b"from") != 1:
        return
    fields = [field for name, field in mail.fields if name == b"dkim-signature"]
    for field in fields[:MOST_READ]:
        signature = _read(field)
        if signature and _covers(signature, mail):
            yield signature


def holds(signature: Signature, mail: Letter, lookup: Lookup, at: datetime) -> bool:
    """Did the owner of the domain sign this? `at` is when the mail came. Raises LookupFailed, TimeLimitReached."""
    if signature.expires is not None and signature.expires < at.timestamp():
        return False
    body = canonical.body(mail.body, relaxed=signature.relaxed_body)
    if hashlib.sha256(body).digest() != signature.body_hash:
        return False
    texts = lookup(f"{signature.selector}._domainkey.{signature.domain}", "TXT")
    key = _key(texts, signature)
    if key is None:
        return False
    signed = canonical.header(mail, signature.names, signature.field, relaxed=signature.relaxed_header)
    return _verifies(key, signature.proof, signed)


def _read(field: bytes) -> Signature | None:
    """Section 6.1.1; None for what is not written as the RFC says."""
    value = field.partition(b":")[2]
    found = tags(value.decode("ascii")) if value.isascii() else None
    if found is None or found.get("v") != "1" or found.get("a") not in _ALGORITHMS or "l" in found:
        return None
    forms = (*found.get("c", "simple").split("/"), "simple")[:2]
    domain, selector = found.get("d", "").lower(), found.get("s", "").lower()
    identity = found.get("i", f"@{domain}").rpartition("@")[2].lower()
    names = tuple(name.strip().lower().encode() for name in found.get("h", "").split(":"))
    expires = found.get("x")
    try:
        body_hash, proof = (_octets(found.get(name, "")) for name in ("bh", "b"))
    except ValueError:
        return None
    sound = (
        all(form in _FORMS for form in forms)
        and _DOMAIN.match(domain)
        and _DOMAIN.match(selector)
        and (identity == domain or identity.endswith(f".{domain}"))
        and (expires is None or (expires.isdigit() and len(expires) <= 12))
        and "dns/txt" in found.get("q", "dns/txt").split(":")
        and len(names) <= NAMES_LIMIT
    )
    if not sound:
        return None
    return Signature(
        field=field,
        domain=domain,
        selector=selector,
        identity=identity,
        kind=_ALGORITHMS[found["a"]],
        relaxed_header=forms[0] == "relaxed",
        relaxed_body=forms[1] == "relaxed",
        names=names,
        body_hash=body_hash,
        proof=proof,
        expires=None if expires is None else int(expires),
    )


def _covers(signature: Signature, mail: Letter) -> bool:
    signed = set(signature.names)
    if b"from" not in signed or (b"subject" not in signed and mail.count(b"subject")):
        return False
    return all(mail.count(name) <= signature.names.count(name) for name in signed & _ONCE)


def _key(texts: Sequence[str], signature: Signature) -> "RSAPublicKey | Ed25519PublicKey | None":
    """The domain's key (section 3.6.1), None when there is none that may have made this signature."""
    for text in texts:
        found = tags(text) if len(text) <= KEY_LIMIT and text.isascii() else None
        if found and found.get("p") is not None and found.get("v", "DKIM1") == "DKIM1":
            break
    else:
        return None
    flags = [flag.strip() for flag in found.get("t", "").split(":")]
    fits = (
        found.get("k", "rsa") == signature.kind
        and "sha256" in [each.strip() for each in found.get("h", "sha256").split(":")]
        and {each.strip() for each in found.get("s", "*").split(":")} & {"*", "email"}
        and "y" not in flags  # the domain is only trying: as if it were not signed
        and not ("s" in flags and signature.identity != signature.domain)
    )
    return _public_key(found["p"], signature.kind) if fits else None


def _public_key(text: str, kind: str) -> "RSAPublicKey | Ed25519PublicKey | None":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        octets = _octets(text)
        if kind == "ed25519":
            return Ed25519PublicKey.from_public_bytes(octets)
        key = load_der_public_key(octets)
    except (ValueError, UnsupportedAlgorithm):
        return None
    # A key of 16,384 bits with an exponent as long took 9 s, in which nothing else ran.
    if isinstance(key, RSAPublicKey) and key.key_size in BITS and key.public_numbers().e < EXPONENT:
        return key
    return None


def _verifies(key: "RSAPublicKey | Ed25519PublicKey", proof: bytes, signed: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        if isinstance(key, Ed25519PublicKey):
            key.verify(proof, hashlib.sha256(signed).digest())  # RFC 8463 section 3: the hash is signed
        else:
            key.verify(proof, signed, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _octets(text: str) -> bytes:
    """Base64 with white space in it; ValueError when it is none, or nothing."""
    octets = base64.b64decode("".join(text.split()), validate=True)
    if not octets:
        raise ValueError("nothing")
    return octets
