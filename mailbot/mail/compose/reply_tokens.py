"""Sign and check the tokens in our Message-IDs and addresses. They prove where a reply or a bounce
belongs.
"""

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

import re2

from mailbot.domain.people.addresses import owner

LOCAL_PART = 64  # octets, RFC 5321 section 4.5.3.1.1
NONCE = 16  # characters at most: 80 bits in base32, 64 in hexadecimal
MAC = 26  # characters of five bits: 130 bits
TAP_MAC = 24  # 120 bits: its address has a code beside the nonce

_LENGTH_LIMIT = 400  # characters: our own addresses and Message-IDs are shorter
# These patterns are unambiguous and all texts are short, so re is as safe as re2 and much faster.
_NUMBER = re.compile("[A-Z]{2,10}-[0-9]{8,12}-[0-9]")
_LETTERS = b"abcdefghijklmnopqrstuvwxyz234567" * 8  # for each byte the letter of its lowest five bits
_NONCE_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_ID = re.compile(
    f"<?mb[.]([a-z]{{2,10}}-[0-9]{{8,12}}-[0-9])[.]([a-z0-9]{{1,{NONCE}}})[.]([a-z2-7]{{{MAC}}})@([a-z0-9.-]+)>?"
)
_NUMBERED = f"[^@+\\s]+[+](%s)[.]([a-z]{{2,10}})-?([0-9]{{8,12}})-?([0-9])[.]([a-z2-7]{{{MAC}}})@[^@\\s]+"
_REPLY, _SURVEY, _POSTED = (re.compile(_NUMBERED % purpose) for purpose in ("t|d", "s", "w"))
_ARRIVED = re.compile(f"[^@+\\s]+[+](c|u)[.]([a-z][a-z0-9-]{{0,14}})[.]([a-z2-7]{{{MAC}}})@[^@\\s]+")
_TAP = re.compile(
    f"[^@+\\s]+[+]a[.]([a-z][0-9]{{0,9}})[.]([a-z0-9]{{1,{NONCE}}})[.]([a-z2-7]{{{TAP_MAC}}})@[^@\\s]+"
)
_FORM_KEY = re.compile(f"([a-z0-9]{{1,{NONCE}}})[.]([0-9]{{1,12}})[.]([a-z2-7]{{{MAC}}})")
_BOUNCE = re.compile(f"[^@+\\s]+[+]b[.]([a-z0-9]{{1,{NONCE}}})[.]([a-z2-7]{{{MAC}}})@[^@\\s]+")
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
# Anywhere in a text. Of a bounce address only the token: hosts on the route may embed it in another address
# (SRS, BATV, VERP) and replace its "@".
_TOKEN = re2.compile(
    f"(?i)mb[.][a-z]{{2,10}}-[0-9]{{8,12}}-[0-9][.][a-z0-9]{{1,{NONCE}}}[.][a-z2-7]{{{MAC}}}"
    f"@[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|[+]b[.][a-z0-9]{{1,{NONCE}}}[.][a-z2-7]{{{MAC}}}",
    _OPTIONS,
)


@dataclass(frozen=True, slots=True)
class ReplyToken:
    """The token of a reply address. It proves nothing before `TokenSigner.verify`.

    `for_colleagues`: what comes by it is a decision, of which nothing goes to the customer.
    """

    number: str
    mac: str
    for_colleagues: bool = False


@dataclass(frozen=True, slots=True)
class TapToken:
    """The token of a one-tap link's address. It proves nothing before `TokenSigner.verify_tap`."""

    code: str
    nonce: str
    mac: str


@dataclass(frozen=True, slots=True)
class Arrived:
    """By which channel a mail came that we made of what somebody wrote there. `proven`: by that person for sure."""

    channel: str
    proven: bool


@dataclass(frozen=True, slots=True)
class TokenSigner:
    """Signs with HMAC-SHA256 truncated to 130 bits (RFC 2104 section 5); a token is valid for one purpose.

    Reading takes any text and never raises. Signing raises ValueError for input that could not be read again.
    `secret` has at least 16 bytes and outlives the daemon. `previous` are secrets whose tokens are still recognised:
    without them a new secret invalidates all tokens sent before.
    """

    secret: bytes = field(repr=False)
    previous: tuple[bytes, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        for each in (self.secret, *self.previous):
            if len(each) < 16:
                raise ValueError(f"the secret has {len(each)} bytes, at least 16 are needed")

    def message_id(self, number: str, nonce: str, domain: str) -> str:
        """Return `<mb.toko-48217390-8.nonce.mac@domain>`; the nonce (1 to 16 of a-z, 0-9) names the outbox
        row.
        """
        _check_number(number)
        _check_nonce(nonce)
        return f"<mb.{number.lower()}.{nonce}.{self._mac('id', number, nonce, domain)}@{domain}>"

    def bulletin_id(self, nonce: str, domain: str) -> str:
        """Return the Message-ID of a mail about no ticket, by which no reply finds a ticket."""
        _check_nonce(nonce)
        return f"<mb.{nonce}.{self._mac('bulletin', nonce, domain)}@{domain}>"

    def number_in(self, message_id: str) -> str | None:
        """Return the ticket number in a Message-ID that we signed (brackets may be missing), else None."""
        signed = self._signed(message_id)
        return signed[0] if signed else None

    def nonce_in(self, token: str) -> str | None:
        """Return the nonce in a token from `find_tokens`, None when we did not sign it."""
        if token.startswith("+"):
            return self.bounce_nonce(f"x{token}@x")
        signed = self._signed(token)
        return signed[1] if signed else None

    def _signed(self, message_id: str) -> tuple[str, str] | None:
        """Return ticket number and nonce of a Message-ID that we signed, else None."""
        groups = _match(_ID, message_id)
        if not groups:
            return None
        number, nonce, mac, domain = groups
        number = number.upper()
        return (number, nonce) if self._is_own(mac, "id", number, nonce, domain) else None

    def reply_address(self, mailbox_address: str, number: str, participant: str) -> str:
        """Return `support+t.toko-48217390-8.mac@domain`: mail of `participant` to it is about this ticket."""
        return self._numbered(mailbox_address, "t", number, self._mac("reply", number, participant))

    def decision_address(self, mailbox_address: str, number: str, participant: str) -> str:
        """Return `support+d.toko-48217390-8.mac@domain`: by it `participant` decides, and answers no customer."""
        return self._numbered(mailbox_address, "d", number, self._mac("decision", number, participant))

    @staticmethod
    def _numbered(mailbox_address: str, purpose: str, number: str, mac: str) -> str:
        _check_number(number)
        try:
            return _add_token(mailbox_address, f"{purpose}.{number.lower()}.{mac}")
        except ValueError:
            return _add_token(mailbox_address, f"{purpose}.{number.lower().replace('-', '')}.{mac}")

    @staticmethod
    def reply_token_in(address: str) -> ReplyToken | None:
        """Return the unverified token in a reply address, None when there is none."""
        groups = _match(_REPLY, address)
        return ReplyToken(_number(groups), groups[4], groups[0] == "d") if groups else None

    def verify(self, token: ReplyToken, participant: str) -> bool:
        """Check that we signed the token for its number and this address; case does not matter."""
        return self._is_own(
            token.mac, "decision" if token.for_colleagues else "reply", token.number, participant
        )

    def survey_address(self, mailbox_address: str, number: str) -> str:
        """Return `support+s.toko-48217390-8.mac@domain`: who takes part in that ticket rates it by a mail to it."""
        return self._numbered(mailbox_address, "s", number, self._mac("survey", number))

    def surveyed(self, address: str) -> str:
        """Return the number in a survey address that we signed, else ""."""
        groups = _match(_SURVEY, address)
        if not groups:
            return ""
        number = _number(groups)
        return number if self._is_own(groups[4], "survey", number) else ""

    def posted_address(self, mailbox_address: str, number: str, message_id: str, participant: str) -> str:
        """Return `support+w.toko-48217390-8.mac@domain`: `participant` wrote this mail where we knew them.

        It is never sent to anybody: an envelope that has it was made by us.
        """
        return self._numbered(mailbox_address, "w", number, self._mac("web", number, message_id, participant))

    def posted(self, address: str, message_id: str, sender: str) -> str:
        """Return the number in such an address that we signed for this mail, else ""."""
        groups = _match(_POSTED, address)
        if not groups:
            return ""
        number = _number(groups)
        return number if self._is_own(groups[4], "web", number, message_id, sender) else ""

    def arrived_address(
        self, mailbox_address: str, channel: str, message_id: str, author: str, *, proven: bool = True
    ) -> str:
        """Return `support+c.whatsapp.mac@domain`: this mail is what `author` wrote to us by that channel.

        Without `proven` the channel is known, and not who wrote it. Never sent to anybody, as a posted address.
        """
        kind = "c" if proven else "u"
        return _add_token(
            mailbox_address, f"{kind}.{channel}.{self._mac('arrived', kind, channel, message_id, author)}"
        )

    def arrived(self, address: str, message_id: str, author: str) -> Arrived | None:
        """Return how a mail came to us, by such an address that we signed for it; else None."""
        groups = _match(_ARRIVED, address)
        if not groups or not self._is_own(groups[2], "arrived", groups[0], groups[1], message_id, author):
            return None
        return Arrived(groups[1], proven=groups[0] == "c")

    def form_key(self, form: str, nonce: str, issued_at: int) -> str:
        """Return what a page of a web form carries: `nonce.seconds.mac`, of a moment in seconds since 1970."""
        return f"{nonce}.{issued_at}.{self._mac('form', form, nonce, str(issued_at))}"

    def form_key_issued(self, key: str, form: str) -> tuple[str, int] | None:
        """Return the nonce and the moment of a key that we signed for this form, else None."""
        groups = _match(_FORM_KEY, key)
        if not groups or not self._is_own(groups[2], "form", form, groups[0], groups[1]):
            return None
        return groups[0], int(groups[1])

    def page_key(self, number: str, address: str, revoked: int) -> str:
        """Return what opens the page of a ticket for the owner of an address: 26 characters, 130 bits.

        `revoked`: how often this person's links to it were revoked; with each time there is another key.
        """
        return self._mac("page", number, str(revoked), owner(address))

    def verify_page_key(self, key: str, number: str, address: str, revoked: int) -> bool:
        """Check that this key opens the page for the owner of that address."""
        return self._is_own(key, "page", number, str(revoked), owner(address))

    def tap_address(self, mailbox_address: str, number: str, nonce: str, code: str, agent: str) -> str:
        """Return `support+a.code.nonce.mac@domain`: a mail of `agent` to it does what the code says, once.

        `nonce`: of the notice that holds the link.
        """
        _check_nonce(nonce)
        mac = self._mac("tap", number, nonce, code, agent)[:TAP_MAC]
        return _add_token(mailbox_address, f"a.{code}.{nonce}.{mac}")

    @staticmethod
    def tap_token_in(address: str) -> TapToken | None:
        """Return the unverified token in a one-tap link's address, None when there is none."""
        groups = _match(_TAP, address)
        return TapToken(*groups) if groups else None

    def verify_tap(self, token: TapToken, number: str, agent: str) -> bool:
        """Check that we signed the token for this ticket and agent."""
        return self._is_own(token.mac, "tap", number, token.nonce, token.code, agent, length=TAP_MAC)

    def bounce_address(self, mailbox_address: str, nonce: str) -> str:
        """Return `support+b.nonce.mac@domain`, the envelope sender by which a bounce names the outbox row."""
        _check_nonce(nonce)
        return _add_token(mailbox_address, f"b.{nonce}.{self._mac('bounce', nonce)}")

    def bounce_nonce(self, address: str) -> str | None:
        """Return the nonce in a bounce address that we signed, else None."""
        groups = _match(_BOUNCE, address)
        return groups[0] if groups and self._is_own(groups[1], "bounce", groups[0]) else None

    def _is_own(self, mac: str, *words: str, length: int = MAC) -> bool:
        """Check that one of our secrets made this code of `words`."""
        given = mac.encode("utf-8", "replace")
        return any(
            hmac.compare_digest(given, _mac(secret, words)[:length].encode())
            for secret in (self.secret, *self.previous)
        )

    def _mac(self, *words: str) -> str:
        return _mac(self.secret, words)


def _mac(secret: bytes, words: Sequence[str]) -> str:
    # Only the last word may hold a NUL, so the joined text is unambiguous. Bytes are lowered, because
    # str.lower would make two addresses equal (U+212A, the Kelvin sign, becomes "k").
    text = "\0".join(words).encode("utf-8", "surrogatepass").lower()
    return hmac.digest(secret, text, "sha256")[:MAC].translate(_LETTERS).decode("ascii")


def page_url(public_url: str, keys: TokenSigner, number: str, address: str, revoked: int) -> str:
    """Return the link to the page where the owner of an address sees a ticket."""
    return f"{public_url}/t/{number}?k={keys.page_key(number, address, revoked)}"


def find_tokens(text: str, limit: int) -> tuple[str, ...]:
    """Return what looks like our Message-IDs and bounce tokens, unverified, in order, without duplicates.

    `text` holds no lone surrogates.
    """
    tokens = (match[0] for match in islice(_TOKEN.finditer(text), 20 * limit))
    return tuple(islice(dict.fromkeys(tokens), limit))


def check_token_fits(mailbox_address: str, prefix: str, digits: int) -> None:
    """Raise ValueError, with a text for the admin, when this mailbox's address has no room for a token."""
    local = mailbox_address.rpartition("@")[0]
    if not local or "+" in local or not mailbox_address.isascii():
        raise ValueError(f"{mailbox_address!r} can't be a mailbox: it needs an ASCII local part without '+'")
    room = LOCAL_PART - len("+t..") - MAC - max(NONCE, len(prefix) + digits + 1)
    if len(local) > room:
        raise ValueError(
            f"the part before @ of {mailbox_address} has {len(local)} characters; at most {room} leave room "
            f"for the reply token of a number like {prefix}-{'0' * digits}-0 (64 octets, RFC 5321)"
        )


def _number(groups: Sequence[str]) -> str:
    return f"{groups[1].upper()}-{groups[2]}-{groups[3]}"


def _check_number(number: str) -> None:
    if not _NUMBER.fullmatch(number):
        raise ValueError(f"{number!r} is no ticket number")


def _check_nonce(nonce: str) -> None:
    if not 0 < len(nonce) <= NONCE or not _NONCE_LETTERS.issuperset(nonce):
        raise ValueError(f"a nonce is 1 to {NONCE} of a-z and 0-9, not {nonce!r}")


def _add_token(mailbox_address: str, token: str) -> str:
    local, _, domain = mailbox_address.rpartition("@")
    if len(local) + 1 + len(token) > LOCAL_PART:
        raise ValueError(f"{mailbox_address} has no room for a token of {len(token)} characters")
    return f"{local}+{token}@{domain}"


def _match(pattern: re.Pattern[str], text: str) -> tuple[str, ...] | None:
    # ASCII first: lower() maps some other letters into a-z.
    if len(text) > _LENGTH_LIMIT or not text.isascii():
        return None
    match = pattern.fullmatch(text.lower())
    return match.groups() if match else None
