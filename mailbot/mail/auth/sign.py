"""Our own mail signed for our domain: one DKIM-Signature field (RFC 6376, RFC 8463) put on top of it."""

import hashlib
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from mailbot.mail.auth import canonical
from mailbot.mail.compose.mime_writer import ComposeRefused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

NAME = "DKIM-Signature"
_OVERSIGNED = ("from", "subject")  # once more than they stand there: a second one breaks the signature
_WIDTH = 64  # characters of base64 in a line
_STRING = 250  # characters of one string of a TXT record; 255 octets are the most (RFC 1035 section 3.3)


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs for `domain`. `headers` are the fields to sign, in lower case, where a mail has them."""

    domain: str
    selector: str
    headers: tuple[str, ...]
    key: "RSAPrivateKey | Ed25519PrivateKey" = field(repr=False)

    def signs_for(self, domain: str) -> bool:
        """Is a signature of ours aligned with mail from there (RFC 7489 section 3.1.1, relaxed)?"""
        return domain == self.domain or domain.endswith(f".{self.domain}")

    def signed(self, content: bytes, now: datetime) -> bytes:
        """`content` (CRLF line ends) with its signature on top; the same content and moment, the same bytes.

        The relaxed forms survive a relay that folds or trims lines.
        """
        letter = canonical.letter(content)
        if letter is None:
            raise ComposeRefused("a header that can be read in two ways can't be signed")
        names = [name for name in self.headers for _ in range(self._times(letter, name))]
        digest = b64encode(hashlib.sha256(canonical.body(letter.body, relaxed=True)).digest()).decode()
        lines = [
            f"{NAME}: v=1; a={self._algorithm}; c=relaxed/relaxed;",
            f"d={self.domain}; s={self.selector}; t={int(now.timestamp())};",
            *_wrapped("h=", names),
            f"bh={digest};",
            "b=",
        ]
        unsigned = "\r\n ".join(lines).encode("ascii")
        octets = [name.encode("ascii") for name in names]
        proof = self._proof(canonical.header(letter, octets, unsigned, relaxed=True))
        text = b64encode(proof)
        rows = [text[at : at + _WIDTH] for at in range(0, len(text), _WIDTH)]
        return unsigned + b"\r\n ".join(rows) + b"\r\n" + content

    def record(self) -> tuple[str, str]:
        """The name and the text of the TXT record to publish."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        public = self.key.public_key()
        if self._algorithm == "rsa-sha256":
            octets = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        else:
            octets = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        kind = self._algorithm.partition("-")[0]
        name = f"{self.selector}._domainkey.{self.domain}"
        return name, f"v=DKIM1; k={kind}; p={b64encode(octets).decode()}"

    def zone_line(self) -> str:
        """The record as a zone file has it, in strings short enough for the DNS."""
        name, text = self.record()
        strings = " ".join(f'"{text[at : at + _STRING]}"' for at in range(0, len(text), _STRING))
        return f"{name}. IN TXT ( {strings} )"

    @property
    def _algorithm(self) -> str:
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

        return "rsa-sha256" if isinstance(self.key, RSAPrivateKey) else "ed25519-sha256"

    def _times(self, letter: canonical.Letter, name: str) -> int:
        return letter.count(name.encode("ascii")) + (name in _OVERSIGNED)

    def _proof(self, signed: bytes) -> bytes:
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.hashes import SHA256

        if isinstance(self.key, RSAPrivateKey):
            return self.key.sign(signed, PKCS1v15(), SHA256())
        return self.key.sign(hashlib.sha256(signed).digest())  # RFC 8463 section 3


def _wrapped(start: str, names: list[str]) -> list[str]:
    """`h=a:b:c;` over several lines."""
    lines = [start]
    for name in names:
        piece = name if lines[-1] == start else f":{name}"
        if len(lines[-1]) + len(piece) > _WIDTH:
            lines.append("")
        lines[-1] += piece
    lines[-1] += ";"
    return lines
