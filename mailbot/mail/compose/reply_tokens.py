"""Keyed marks in our Message-IDs and addresses, by which an answer or a bounce proves where it belongs."""

import hmac
import re
from dataclasses import dataclass, field
from itertools import islice

import re2

LOCAL_PART = 64  # octets, RFC 5321 section 4.5.3.1.1
NONCE = 16  # characters at most: 80 bits in base32, 64 in hexadecimal
MAC = 26  # characters of five bits: 130 bits

_LONGEST = 400  # no address or Message-ID of ours is longer: anything longer is not looked at
# None of these has two ways to read a text and all texts are short, so re is as safe as re2 and much quicker.
_NUMBER = re.compile("[A-Z]{2,10}-[0-9]{8,12}-[0-9]")
_LETTERS = b"abcdefghijklmnopqrstuvwxyz234567" * 8  # one for each byte: the letter of its lowest five bits
_NONCE_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_ID = re.compile(
    f"<?mb[.]([a-z]{{2,10}}-[0-9]{{8,12}}-[0-9])[.]([a-z0-9]{{1,{NONCE}}})[.]([a-z2-7]{{{MAC}}})@([a-z0-9.-]+)>?"
)
_REPLY = re.compile(
    f"[^@+\\s]+[+]t[.]([a-z]{{2,10}})-?([0-9]{{8,12}})-?([0-9])[.]([a-z2-7]{{{MAC}}})@[^@\\s]+"
)
_BOUNCE = re.compile(f"[^@+\\s]+[+]b[.]([a-z0-9]{{1,{NONCE}}})[.]([a-z2-7]{{{MAC}}})@[^@\\s]+")
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
# Anywhere in a text. Of a bounce address only its tag: on the way it may stand inside of another address
# (SRS, BATV, VERP), with its "@" written as something else.
_MARK = re2.compile(
    f"(?i)mb[.][a-z]{{2,10}}-[0-9]{{8,12}}-[0-9][.][a-z0-9]{{1,{NONCE}}}[.][a-z2-7]{{{MAC}}}"
    f"@[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|[+]b[.][a-z0-9]{{1,{NONCE}}}[.][a-z2-7]{{{MAC}}}",
    _OPTIONS,
)


@dataclass(frozen=True, slots=True)
class ReplyToken:
    """What a keyed reply address says. It says nothing until `TokenSigner.verify` agrees."""

    number: str
    mac: str


@dataclass(frozen=True, slots=True)
class TokenSigner:
    """Makes and checks the marks: HMAC-SHA256 cut to 130 bits (RFC 2104 section 5), one purpose per mark.

    Reading takes any text and never raises. Making raises ValueError on what would not read back.
    `secret` has at least 16 bytes and outlives the daemon: with another one every mark sent so far is void.
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) < 16:
            raise ValueError(f"the secret has {len(self.secret)} bytes, at least 16 are needed")

    def message_id(self, number: str, nonce: str, domain: str) -> str:
        """`<mb.toko-48217390-8.nonce.mac@domain>`; the nonce (1 to 16 of a-z, 0-9) is the outbox row's."""
        _check_number(number)
        _check_nonce(nonce)
        return f"<mb.{number.lower()}.{nonce}.{self._mac('id', number, nonce, domain)}@{domain}>"

    def bulletin_id(self, nonce: str, domain: str) -> str:
        """The Message-ID of a mail about no ticket: it names none, so that no answer finds one by it."""
        _check_nonce(nonce)
        return f"<mb.{nonce}.{self._mac('bulletin', nonce, domain)}@{domain}>"

    def number_in(self, message_id: str) -> str | None:
        """The number in a Message-ID that we signed (its brackets may be missing), else None."""
        found = self._signed(message_id)
        return found[0] if found else None

    def nonce_in(self, mark: str) -> str | None:
        """The nonce (of the outbox row) in what `find_tokens` found, when the mark is ours, else None."""
        if mark.startswith("+"):
            return self.bounce_nonce(f"x{mark}@x")
        found = self._signed(mark)
        return found[1] if found else None

    def _signed(self, message_id: str) -> tuple[str, str] | None:
        """Number and nonce of a Message-ID that we signed."""
        found = _match(_ID, message_id)
        if not found:
            return None
        number, nonce, mac, domain = found
        number = number.upper()
        ours = hmac.compare_digest(mac, self._mac("id", number, nonce, domain))
        return (number, nonce) if ours else None

    def reply_address(self, mailbox_address: str, number: str, participant: str) -> str:
        """`support+t.toko-48217390-8.mac@domain`: whoever writes there as `participant` means this ticket."""
        _check_number(number)
        mac = self._mac("reply", number, participant)
        try:
            return _tagged(mailbox_address, f"t.{number.lower()}.{mac}")
        except ValueError:
            return _tagged(mailbox_address, f"t.{number.lower().replace('-', '')}.{mac}")

    @staticmethod
    def reply_token_in(address: str) -> ReplyToken | None:
        """The tag in a reply address, unproven; None when there is none."""
        found = _match(_REPLY, address)
        return ReplyToken(f"{found[0].upper()}-{found[1]}-{found[2]}", found[3]) if found else None

    def verify(self, tag: ReplyToken, participant: str) -> bool:
        """Whether this tag was made for this number and this participant (an address; case is forgiven)."""
        ours = self._mac("reply", tag.number, participant)
        return hmac.compare_digest(tag.mac.encode("utf-8", "replace"), ours.encode())

    def bounce_address(self, mailbox_address: str, nonce: str) -> str:
        """`support+b.nonce.mac@domain`: the envelope sender, so that a bounce names the outbox row."""
        _check_nonce(nonce)
        return _tagged(mailbox_address, f"b.{nonce}.{self._mac('bounce', nonce)}")

    def bounce_nonce(self, address: str) -> str | None:
        """The nonce in a bounce address that we made, else None."""
        found = _match(_BOUNCE, address)
        if not found or not hmac.compare_digest(found[1], self._mac("bounce", found[0])):
            return None
        return found[0]

    def _mac(self, *words: str) -> str:
        # All words but the last are of an alphabet without NUL, so the joint is unambiguous. Lower case is
        # that of bytes: str.lower would make one address of two (U+212A, the Kelvin sign, becomes "k").
        text = "\0".join(words).encode("utf-8", "surrogatepass").lower()
        return hmac.digest(self.secret, text, "sha256")[:MAC].translate(_LETTERS).decode("ascii")


def find_tokens(text: str, most: int) -> tuple[str, ...]:
    """What looks like a signed Message-ID or the tag of a bounce address, unproven; in order, no doubles.

    `text` holds no lone surrogates.
    """
    found = (match[0] for match in islice(_MARK.finditer(text), 20 * most))
    return tuple(islice(dict.fromkeys(found), most))


def check_token_fits(mailbox_address: str, prefix: str, digits: int) -> None:
    """Raises ValueError, with a text for the admin, when an address of this mailbox can't carry our marks."""
    local = mailbox_address.rpartition("@")[0]
    if not local or "+" in local or not mailbox_address.isascii():
        raise ValueError(f"{mailbox_address!r} can't be a mailbox: it needs an ASCII local part without '+'")
    room = LOCAL_PART - len("+t..") - MAC - max(NONCE, len(prefix) + digits + 1)
    if len(local) > room:
        raise ValueError(
            f"the part before @ of {mailbox_address} has {len(local)} characters; at most {room} leave room "
            f"for the reply tag of a number like {prefix}-{'0' * digits}-0 (64 octets, RFC 5321)"
        )


def _check_number(number: str) -> None:
    if not _NUMBER.fullmatch(number):
        raise ValueError(f"{number!r} is no ticket number")


def _check_nonce(nonce: str) -> None:
    if not 0 < len(nonce) <= NONCE or not _NONCE_LETTERS.issuperset(nonce):
        raise ValueError(f"a nonce is 1 to {NONCE} of a-z and 0-9, not {nonce!r}")


def _tagged(mailbox_address: str, tag: str) -> str:
    local, _, domain = mailbox_address.rpartition("@")
    if len(local) + 1 + len(tag) > LOCAL_PART:
        raise ValueError(f"{mailbox_address} has no room for a tag of {len(tag)} characters")
    return f"{local}+{tag}@{domain}"


def _match(pattern: re.Pattern[str], text: str) -> tuple[str, ...] | None:
    # ASCII first: lower() maps some other letters into a-z.
    if len(text) > _LONGEST or not text.isascii():
        return None
    found = pattern.fullmatch(text.lower())
    return found.groups() if found else None
