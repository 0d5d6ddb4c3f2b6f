"""What reports say in words: codes, reasons, addresses, for the many servers that keep to no standard.

English and Indonesian. All patterns are RE2 on bounded text, so that each takes linear time.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import re2

from mailbot.domain.model import Failure
from mailbot.mail.parsing.addresses import normalise_address

LOOKED_AT = 32 * 1024  # characters of a report's text: what a server says stands in front of the original
RECIPIENTS = 50
_DIAGNOSTIC = 300  # characters
_NEAR = 15  # lines after "could not be delivered" in which the address stands
_MOST_LINES = 500

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.case_sensitive = False


def _any(*ways: str, multiline: bool = False) -> Any:
    return re2.compile(f"{'(?m)' if multiline else ''}(?:{'|'.join(ways)})", _OPTIONS)


# RFC 3463. What follows must not make it an IP address or a version with four parts.
_ENHANCED = re2.compile(r"(?:^|[^0-9.])([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:[^0-9.]|\.\s|\.?$)", _OPTIONS)
_BASIC = re2.compile(r"(?:^|[^0-9.])([245])[0-9]{2}(?:[ -]|$)", _OPTIONS)

_SOMEBODY = r"(?:user|recipient|address|mailbox|account|alias|email)\W+(?:\w+\W+){0,5}"
# The first that fits. Servers word what RFC 3463 numbers; the numbers are those of its section 3.
_REASONS: tuple[tuple[str, Any], ...] = (
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
            _SOMEBODY + r"(?:disabled|inactive|suspended|deactivated|closed|locked)",
            r"no longer (?:active|in use|available|accepts?)|tidak aktif|dinonaktifkan|ditutup",
        ),
    ),
    (
        "1.1",
        _any(
            _SOMEBODY + r"(?:unknown|unavailable|not (?:be )?found)",
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
_FINAL = _any(
    r"permanent|will not be re(?:tried|try)|giv(?:e|ing|en) up|gave up|no further|stopped trying",
    r"could not be delivered within",
    r"gagal permanen|tidak akan (?:di)?coba|berhenti mencoba",
)
# Where the server's words end and the mail that it returns begins.
_ORIGINAL = _any(
    r"^[ \t>]*[-_=*]{2,}.{0,60}(?:original|returned|forwarded|unsent|copy of|pesan asli|salinan)",
    r"^[ \t>]*[-_=*]{2,} ?(?:below this line|message text follows|the (?:header|message) )",
    r"^.{0,30}(?:original message (?:headers|follows)|copy of (?:the|your) (?:original )?message)",
    r"^[ \t]*(?:pesan asli|salinan pesan|isi pesan asli).{0,40}$",
    multiline=True,
)
_ADDRESS = re2.compile(r"[a-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?", _OPTIONS)
_QSBMF = re2.compile(r"(?m)^[ \t]*<([^<>\s]{1,320})>:(?:[ \t]|$)", _OPTIONS)  # qmail, Postfix, Yahoo
_ID_FIELD = re2.compile(r"message-id|in-reply-to|references", _OPTIONS)
_OFFICIALS = (
    "postmaster",
    "mailer-daemon",
    "mailerdaemon",
    "abuse",
    "hostmaster",
    "helpdesk",
    "no-reply",
    "noreply",
)


def status_of(text: str, action: str = "failed") -> str:
    """The enhanced status code that a diagnostic names, or that its words mean; "" when it says neither."""
    return _enhanced(text) or _meant(text, action)


def _enhanced(text: str) -> str:
    found = _ENHANCED.search(text[: 4 * _DIAGNOSTIC])
    return str(found[1]) if found else ""


def _meant(text: str, action: str) -> str:
    text = text[: 4 * _DIAGNOSTIC]
    basic = _BASIC.search(text)
    for code, words in _REASONS:
        if words.search(text):
            usual = "4" if action == "delayed" or code == "4.7" else "5"
            return f"{basic[1] if basic and basic[1] != '2' else usual}.{code}"
    return f"{basic[1]}.0.0" if basic and basic[1] != "2" else ""


def specific(status: str, diagnostic: str, action: str) -> str:
    """The status, or what the diagnostic knows more exactly: many servers say 5.0.0 for everything."""
    if status and not status.endswith(".0.0"):
        return status
    better = status_of(diagnostic, action)
    return better if better and better[0] == (status or better)[0] else status


def is_delay(text: str) -> bool:
    """Will it be tried again, by these words?"""
    return bool(DELAYED.search(text)) and not _FINAL.search(text)


def own_words(text: str) -> str:
    """The text up to the mail that it returns, if it says anything before that."""
    text = text[:LOOKED_AT]
    found = _ORIGINAL.search(text)
    before = text[: found.start()] if found else text
    return before if before.strip() else text


def failures(words: str, others: Iterable[str]) -> tuple[Failure, ...]:
    """Which addresses a server calls undeliverable in its own words; `others` are not meant by any of it."""
    action = "delayed" if is_delay(words) else "failed"
    skipped = set(others)
    named = [str(found[1]) for found in _QSBMF.finditer(words)]
    addresses = [address for each in named if (address := normalise_address(each)) and address not in skipped]
    addresses = addresses or list(_nearby(words, skipped))
    return tuple(failure_of(words, address, action) for address in dict.fromkeys(addresses))[:RECIPIENTS]


def failure_of(words: str, address: str, action: str) -> Failure:
    diagnostic = _about(words, address)
    code = _enhanced(diagnostic) or _enhanced(words)
    status = code or _meant(diagnostic, action) or _meant(words, action)
    return Failure(address, action, status, diagnostic)


def _nearby(words: str, skipped: set[str]) -> Iterator[str]:
    """The addresses on the first line that has any, from one on that tells of the failure."""
    lines = words.split("\n", _MOST_LINES)[:_MOST_LINES]
    telling = (n for n, line in enumerate(lines) if FAILED.search(line) or DELAYED.search(line))
    for number in (*telling, 0):  # 0: when only the subject told, or it is told below the address
        for near in lines[number : number + _NEAR]:
            found = [each for each in _addresses(near) if each not in skipped]
            if found:
                yield from found
                return


def _addresses(line: str) -> Iterator[str]:
    if _ID_FIELD.search(line):
        return
    for found in _ADDRESS.finditer(line):
        address = normalise_address(found[0].strip("'.*=-"))
        if address and not address.startswith(_OFFICIALS) and "." in address.rpartition("@")[2]:
            yield address


def _about(words: str, address: str) -> str:
    """What stands behind an address, up to the end of its paragraph (of the next one, if nothing does)."""
    at = words.lower().find(address)
    if at < 0:
        return " ".join(words.split())[:_DIAGNOSTIC]
    behind = words[at + len(address) : at + len(address) + 8 * _DIAGNOSTIC].lstrip(">:)]'\" \t.,")
    said = [" ".join(each.split()) for each in behind.split("\n\n") if len(each.strip()) > 3]
    return said[0][:_DIAGNOSTIC] if said else ""
