"""Sign outbound mail with one DKIM-Signature field on top of it (RFC 6376, RFC 8463)."""

import hashlib
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime
from textwrap import wrap
from typing import TYPE_CHECKING

from mailbot.mail.auth import canonical
from mailbot.mail.compose.mime_writer import ComposeRefused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

HEADER_NAME = "DKIM-Signature"
_OVERSIGNED = ("from", "subject")  # signed once more than present: an added one breaks the signature
_LINE_WIDTH = 64  # characters of base64
_STRING_LENGTH = (
    250  # characters of one string of a TXT record, which holds 255 octets (RFC 1035 section 3.3)
)


@dataclass(frozen=True, slots=True)
class Signer:
    """A DKIM key for `domain`. `headers` are the fields to sign where a mail has them, in lower case."""

    domain: str
    selector: str
    headers: tuple[str, ...]
    key: "RSAPrivateKey | Ed25519PrivateKey" = field(repr=False)

    def signs_for(self, domain: str) -> bool:
        """Check whether our signature is aligned with mail from `domain` (RFC 7489 section 3.1.1,
        relaxed).
        """
        return domain == self.domain or domain.endswith(f".{self.domain}")

    def sign(self, content: bytes, now: datetime) -> bytes:
        """Return `content` (CRLF line ends) with its signature on top; equal input gives equal bytes.

        The relaxed forms survive a relay that folds or trims lines. Raises ComposeRefused.
        """
        mail = canonical.split(content)
        if mail is None:
            raise ComposeRefused("a header that can be read in two ways can't be signed")
        names = [name for name in self.headers for _ in range(self._times(mail, name))]
        digest = b64encode(
            hashlib.sha256(canonical.canonical_body(mail.body, relaxed=True)).digest()
        ).decode()
        lines = [
            f"{HEADER_NAME}: v=1; a={self._algorithm}; c=relaxed/relaxed;",
            f"d={self.domain}; s={self.selector}; t={int(now.timestamp())};",
            *wrap(f"h={': '.join(names)};", _LINE_WIDTH, break_on_hyphens=False),
            f"bh={digest};",
            "b=",
        ]
        unsigned = "\r\n ".join(lines).encode("ascii")
        octets = [name.encode("ascii") for name in names]
        text = b64encode(self._signature(canonical.signed_header(mail, octets, unsigned, relaxed=True)))
        rows = [text[at : at + _LINE_WIDTH] for at in range(0, len(text), _LINE_WIDTH)]
        return unsigned + b"\r\n ".join(rows) + b"\r\n" + content

    def dns_record(self) -> tuple[str, str]:
        """Return the name and the text of the TXT record to publish."""
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
        """Return the record as a line of a zone file, in strings short enough for the DNS."""
        name, text = self.dns_record()
        strings = " ".join(
            f'"{text[at : at + _STRING_LENGTH]}"' for at in range(0, len(text), _STRING_LENGTH)
        )
        return f"{name}. IN TXT ( {strings} )"

    @property
    def _algorithm(self) -> str:
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

        return "rsa-sha256" if isinstance(self.key, RSAPrivateKey) else "ed25519-sha256"

    def _times(self, mail: canonical.SplitMail, name: str) -> int:
        return mail.count(name.encode("ascii")) + (name in _OVERSIGNED)

    def _signature(self, signed: bytes) -> bytes:
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.hashes import SHA256

        if isinstance(self.key, RSAPrivateKey):
            return self.key.sign(signed, PKCS1v15(), SHA256())
        return self.key.sign(hashlib.sha256(signed).digest())  # RFC 8463 section 3
