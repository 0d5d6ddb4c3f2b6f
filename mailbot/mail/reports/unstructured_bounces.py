"""Find codes, reasons and addresses in the texts of servers that follow no standard, in English and
Indonesian.

All patterns are RE2 on bounded text, so that each takes linear time.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from mailbot.domain.model import Failure
from mailbot.domain.routing.patterns import Pattern
from mailbot.domain.routing.text import options
from mailbot.mail.parsing.addresses import normalise_address

TEXT_LIMIT = 32 * 1024  # characters: the server's text comes before the original
RECIPIENT_LIMIT = 50
_DIAGNOSTIC_LIMIT = 300  # characters
_NEARBY_LINES = 15  # searched for an address after "could not be delivered"
_LINE_LIMIT = 500

_OPTIONS = partial(options, case_sensitive=False)


def _any(*patterns: str, multiline: bool = False) -> Any:
    return Pattern(f"{'(?m)' if multiline else ''}(?:{'|'.join(patterns)})", _OPTIONS)


# RFC 3463, but no IP address and no version number with four parts.
_ENHANCED = Pattern(r"(?:^|[^0-9.])([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:[^0-9.]|\.\s|\.?$)", _OPTIONS)
_BASIC = Pattern(r"(?:^|[^0-9.])([245])[0-9]{2}(?:[ -]|$)", _OPTIONS)

_MAILBOX = r"(?:user|recipient|address|mailbox|account|alias|email)\W+(?:\w+\W+){0,5}"
# Status codes of RFC 3463 section 3 and the phrases that servers use instead. The first match counts.
_STATUS_PHRASES: tuple[tuple[str, Any], ...] = (
    (
        "2.2",
        _any(
            r"over ?quota|quota (?:is |has been )?exceed|exceed\w* (?:\w+ ){0,3}quota|mailbox (?:is )?full",
            r"(?:mailbox|inbox|account)\W+(?:\w+\W+){0,4}full",
            r"full mailbox|out of storage|not enough (?:storage|disk)|kuota|penuh",
        ),
    ),
    (
        "7.1",
        _any(
            r"\bspam\b|block(?:ed|list)|black ?list|\brbl\b|dnsbl|spamhaus|reputation|polic(?:y|ies)",
            r"not authori[sz]ed|access denied|relay(?:ing)? (?:access )?denied|\bspf\b|\bdkim\b",
            r"\bdmarc\b|diblokir",
        ),
    ),
    (
        "1.2",
        _any(
            r"(?:host|domain)(?: or domain)?(?: name)? (?:name )?(?:was )?(?:not found|unknown)",
            r"unknown (?:host|domain)",
            r"no such (?:host|domain)|nxdomain|couldn't find any host",
            r"domain .{0,80}(?:not found|couldn't be found)",
            r"domain .{0,80}tidak (?:dapat )?ditemukan|unrout(?:e)?able (?:mail )?domain",
        ),
    ),
    (
        "2.1",
        _any(
            _MAILBOX + r"(?:disabled|inactive|suspended|deactivated|closed|locked)",
            r"no longer (?:active|in use|available|accepts?)|tidak aktif|dinonaktifkan|ditutup",
        ),
    ),
    (
        "1.1",
        _any(
            _MAILBOX + r"(?:unknown|unavailable|not (?:be )?found)",
            r"unknown (?:or illegal )?(?:user|recipient|mailbox|address|alias|local)|no such",
            r"does ?n[o'’]t exist",
            r"does not have an? |doesn't have an? |user not known|not known at",
            r"not a (?:known|valid|local) user",
            r"invalid (?:recipient|mailbox|address|user)|no mailbox|mailbox unavailable",
            r"address (?:was )?rejected",
            r"recipient (?:address )?rejected|(?:couldn't|could not|wasn't|was not) (?:be )?found",
            r"not listed in",
            r"bad (?:destination|address)|unrout(?:e)?able address|undeliverable address",
            r"no valid recipients",
            r"tidak (?:dapat )?(?:ditemukan|dikenal|terdaftar)",
            r"alamat .{0,40}(?:salah|tidak valid|tidak ada)",
        ),
    ),
    ("3.4", _any(r"too (?:large|big)|size limit|exceeds? (?:the )?(?:max|size)|terlalu besar")),
    (
        "4.7",
        _any(
            r"time(?:d)? ?out|expired|too long|retry time|connection (?:refused|dropped)|kedaluwarsa",
            r"no route to host",
        ),
    ),
)

_DELIVERY = (
    r"deliver(?:y|ing) (?:of |to |your |the |this |following |recipients? |message |has |was |status )*"
)
FAILED = _any(
    r"undeliver(?:able|ed)|unable to (?:deliver|be delivered)",
    r"(?:could ?n[o'’]?t|cannot|can't) (?:be )?(?:deliver|sen[dt])",
    r"(?:was|were|been|is|has|is being|had)(?: not|n't) (?:been )?(?:able to )?(?:be )?deliver",
    r"message not delivered",
    _DELIVERY + r"(?:fail|incomplete|error|problem|impossible|refused|abort|\(fail)",
    r"delivery status notification|mail delivery (?:system|subsystem|failed|failure|error)",
    r"failure notice|returned mail",
    r"return(?:ed|ing) (?:\w+ )?(?:to sender|message|email)|did not reach",
    r"(?:permanent|fatal) (?:\w+ )?errors?",
    r"mail (?:delivery )?(?:system )?(?:fail|error)",
    r"message (?:was |has been |could not be )?(?:reject|block|bounc)",
    r"reject(?:ed|s) your (?:message|mail|email)|address not found",
    r"(?:recipient|mailbox) (?:not found|unavailable)",
    r"user unknown|unknown user|non-?deliver|couldn't be (?:delivered|found|sent)|failed permanently",
    r"tidak (?:dapat |bisa |berhasil |akan )?(?:di|ter)?(?:kirim|sampai)|tidak tersampaikan",
    r"gagal (?:di|ter)?kirim",
    r"kegagalan pengiriman|pengiriman .{0,40}gagal|gagal mengirim|gagal disampaikan|alamat tidak ditemukan",
    r"penerima tidak|kotak (?:surat|masuk|pesan) .{0,30}penuh",
    r"(?:pesan|email|surel) .{0,40}(?:diblokir|ditolak)",
    r"dikembalikan (?:ke(?:pada)? )?pengirim",
)
DELAYED = _any(
    r"\bdelay(?:ed)?\b|will (?:be )?retr(?:y|ied)|will (?:keep|continue|be) (?:to )?try",
    r"still (?:being )?tr(?:y|ied)",
    r"not (?:yet )?(?:been )?delivered yet|not yet been delivered|has not yet|delivery incomplete",
    r"temporary (?:problem|failure)",
    r"need not (?:do|re)|not need to (?:do anything|re-?send)",
    r"could not be delivered for (?:the )?(?:past|last)",
    r"could not send message for past|tertunda|ditunda|akan (?:terus )?(?:di|men)?coba|masalah sementara",
    r"belum (?:dapat |bisa |berhasil )?(?:di|ter)kirim",
)
_GIVEN_UP = _any(
    r"permanent|will not be re(?:tried|try)|giv(?:e|ing|en) up|gave up|no further|stopped trying",
    r"could not be delivered within",
    r"gagal permanen|tidak akan (?:di)?coba|berhenti mencoba",
)
# Where the server's text ends and the returned mail begins.
_ORIGINAL = _any(
    r"^[ \t>]*[-_=*]{2,}.{0,60}(?:original|returned|forwarded|unsent|copy of|pesan asli|salinan)",
    r"^[ \t>]*[-_=*]{2,} ?(?:below this line|message text follows|the (?:header|message) )",
    r"^.{0,30}(?:original message (?:headers|follows)|copy of (?:the|your) (?:original )?message)",
    r"^[ \t]*(?:pesan asli|salinan pesan|isi pesan asli).{0,40}$",
    multiline=True,
)
_ADDRESS = Pattern(r"[a-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?", _OPTIONS)
_QSBMF = Pattern(r"(?m)^[ \t]*<([^<>\s]{1,320})>:(?:[ \t]|$)", _OPTIONS)  # qmail, Postfix, Yahoo
_ID_FIELD = Pattern(r"message-id|in-reply-to|references", _OPTIONS)
_ROLE_ADDRESSES = (
    *("postmaster", "mailer-daemon", "mailerdaemon", "abuse"),
    *("hostmaster", "helpdesk", "no-reply", "noreply"),
)


def find_status(text: str, action: str = "failed") -> str:
    """Return the enhanced status code that a diagnostic holds, or that its phrases mean, else ""."""
    return _enhanced(text) or _status_by_phrase(text, action)


def _enhanced(text: str) -> str:
    match = _ENHANCED.search(text[: 4 * _DIAGNOSTIC_LIMIT])
    return str(match[1]) if match else ""


def _status_by_phrase(text: str, action: str) -> str:
    text = text[: 4 * _DIAGNOSTIC_LIMIT]
    basic = _BASIC.search(text)
    for code, phrases in _STATUS_PHRASES:
        if phrases.search(text):
            default = "4" if action == "delayed" or code == "4.7" else "5"
            return f"{basic[1] if basic and basic[1] != '2' else default}.{code}"
    return f"{basic[1]}.0.0" if basic and basic[1] != "2" else ""


def most_specific_status(status: str, diagnostic: str, action: str) -> str:
    """Return the status or, if it is general like 5.0.0, a more specific one from the diagnostic."""
    if status and not status.endswith(".0.0"):
        return status
    better = find_status(diagnostic, action)
    return better if better and better[0] == (status or better)[0] else status


def is_delay(text: str) -> bool:
    """Check whether the text announces another attempt."""
    return bool(DELAYED.search(text)) and not _GIVEN_UP.search(text)


def text_before_original(text: str) -> str:
    """Return the text before the returned mail, or all of it when nothing is before."""
    text = text[:TEXT_LIMIT]
    match = _ORIGINAL.search(text)
    before = text[: match.start()] if match else text
    return before if before.strip() else text


def find_failures(text: str, others: Iterable[str]) -> tuple[Failure, ...]:
    """Return the addresses that a server's text calls undeliverable, without `others`."""
    action = "delayed" if is_delay(text) else "failed"
    skipped = set(others)
    listed = [normalise_address(str(match[1])) for match in _QSBMF.finditer(text)]
    addresses = [address for address in listed if address and address not in skipped]
    addresses = addresses or list(_nearby(text, skipped))
    return tuple(build_failure(text, address, action) for address in dict.fromkeys(addresses))[
        :RECIPIENT_LIMIT
    ]


def build_failure(text: str, address: str, action: str) -> Failure:
    diagnostic = _diagnostic_for(text, address)
    code = _enhanced(diagnostic) or _enhanced(text)
    status = code or _status_by_phrase(diagnostic, action) or _status_by_phrase(text, action)
    return Failure(address, action, status, diagnostic)


def _nearby(text: str, skipped: set[str]) -> Iterator[str]:
    """Yield the addresses on the first line with any, at or below a line about the failure."""
    lines = text.split("\n", _LINE_LIMIT)[:_LINE_LIMIT]
    failure_lines = (n for n, line in enumerate(lines) if FAILED.search(line) or DELAYED.search(line))
    for number in (
        *failure_lines,
        0,
    ):  # 0: only the subject is about the failure, or a line below the address
        for near in lines[number : number + _NEARBY_LINES]:
            addresses = [address for address in _addresses(near) if address not in skipped]
            if addresses:
                yield from addresses
                return


def _addresses(line: str) -> Iterator[str]:
    if _ID_FIELD.search(line):
        return
    for match in _ADDRESS.finditer(line):
        address = normalise_address(match[0].strip("'.*=-"))
        if address and not address.startswith(_ROLE_ADDRESSES) and "." in address.rpartition("@")[2]:
            yield address


def _diagnostic_for(text: str, address: str) -> str:
    """Return the text after an address, up to the end of its paragraph, else the next paragraph."""
    at = text.lower().find(address)
    if at < 0:
        return " ".join(text.split())[:_DIAGNOSTIC_LIMIT]
    after = text[at + len(address) : at + len(address) + 8 * _DIAGNOSTIC_LIMIT].lstrip(">:)]'\" \t.,")
    paragraphs = [" ".join(part.split()) for part in after.split("\n\n") if len(part.strip()) > 3]
    return paragraphs[0][:_DIAGNOSTIC_LIMIT] if paragraphs else ""
