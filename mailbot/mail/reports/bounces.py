"""Is this automatic mail a report about mail of ours, and what does it say? Pure, total, bounded.

Readers in order, the strictest first: RFC 3464, RFC 5965, RFC 8098, flufl.bounce, words in the text. What
they find is what a stranger says: nothing follows from it until a key of ours proves which mail is meant.
"""

import re
from collections.abc import Collection
from email import message_from_bytes
from email.policy import compat32

from mailbot.domain.model import Failure, Report
from mailbot.mail.compose.reply_tokens import find_tokens
from mailbot.mail.parsing import addresses, body, charsets, encoded_words, header_fields, mime_tree
from mailbot.mail.parsing.header_fields import VALUE_LIMIT, Fields
from mailbot.mail.parsing.mime_tree import Part, Structure
from mailbot.mail.reports import dsn, unstructured_bounces

UNSTRUCTURED_SIZE_LIMIT = (
    512 * 1024
)  # bytes: no server writes that much, or returns more, without a structure
MARKS = 20
SAID = 64 * 1024  # characters in which a ticket number is looked for
_DAEMON = re.compile(
    r"mailer[-_. ]?daemon|post[-_. ]?master|mail ?delivery|delivery (?:sub)?system|system administrator"
    r"|mail ?admin|mail ?system|\bbounces?\b|mta\b",
    re.IGNORECASE,
)
# Not for the email package, which decodes with any codec that Python has.
_CHARSET = re.compile(rb"charset", re.IGNORECASE)
# flufl.bounce tries 45 patterns of the backtracking kind on each line: few and short lines are bounded work.
_LINES, _LINE, _HEADER = 250, 160, 40


def read(raw: bytes, own: Collection[str] = frozenset()) -> Report | None:
    """What an automatic mail reports; None when it is something else. Never raises.

    `own` are the addresses of our mailboxes: whom a report is sent to is not whom it is about.
    """
    header, start = header_fields.read(raw, 0, len(raw))
    tree = mime_tree.read(raw, header, start, len(raw))
    return read_parts(raw, header, tree, body.read(raw, tree).text, own)


def read_parts(
    raw: bytes, header: Fields, tree: Structure, text: str, own: Collection[str] = frozenset()
) -> Report | None:
    """The same for a mail that is divided already: `text` is what its body says."""
    try:
        return _read(raw, header, tree, text, own)
    except Exception:  # reading is total (mail.md, point 1): the mail is kept, as one that reports nothing
        return None


def _read(raw: bytes, header: Fields, tree: Structure, text: str, own: Collection[str]) -> Report | None:
    parts = dsn.texts(raw, tree)
    subject = charsets.clean_line(encoded_words.decoded(header.get("subject")[:VALUE_LIMIT]), 1000)
    found = _standard(parts) or _guessed(raw, header, subject, text, own)
    if found is None:
        return None
    kind, recipients, read_by, about = found
    original = dsn.original(parts)
    message_id = about or original.message_id
    said = "\n".join((subject, original.subject, text[:SAID], *(each for _, each in parts)))[: 2 * SAID]
    above = "\n".join(value for _, value in header.rows)[:SAID]
    return Report(
        kind=kind,
        recipients=recipients,
        permanent=kind == "bounce" and any(each.status.startswith("5") for each in recipients),
        read_by=read_by,
        message_id=message_id,
        references=original.references,
        tokens=_tokens(f"{message_id}\n{above}\n{said}"),
        text=said[:SAID],
    )


Found = tuple[str, tuple[Failure, ...], str, str]  # kind, recipients, read by, Message-ID of the original


def _standard(parts: list[tuple[Part, str]]) -> Found | None:
    if failures := dsn.delivery(parts):
        return _kind(failures), failures, "RFC 3464", ""
    if complained := dsn.complaint(parts):
        return complained[0], complained[1], "RFC 5965", ""
    if received := dsn.receipt(parts):
        return "receipt", received[1], "RFC 8098", received[0]
    return None


def _kind(failures: tuple[Failure, ...]) -> str:
    actions = {failure.action for failure in failures}
    if "failed" in actions:
        return "bounce"
    return "delay" if "delayed" in actions else "receipt"


def _guessed(raw: bytes, header: Fields, subject: str, text: str, own: Collection[str]) -> Found | None:
    """By the words of servers that keep to no standard, where they are told as such."""
    if len(raw) > UNSTRUCTURED_SIZE_LIMIT or not _looks_like_one(header, subject):
        return None
    said = unstructured_bounces.own_words(text)
    sender = next((person.address for person in addresses.parse_addresses(header.get("from"))), "")
    others = {sender, *own}
    listed = addresses.parse_addresses(header.get("x-failed-recipients"))  # Exim, Gmail
    action = "delayed" if unstructured_bounces.is_delay(f"{subject}\n{said}") else "failed"
    if named := [person.address for person in listed if person.address and person.address not in others]:
        return _told(action, named, said, "X-Failed-Recipients")
    temporary, permanent = _flufl(raw)
    if found := [each for each in permanent if _is_other(each, own)]:
        return _told(action, found, said, "flufl.bounce")
    if found := [each for each in temporary if _is_other(each, own)]:
        return _told("delayed", found, said, "flufl.bounce")
    failures = unstructured_bounces.failures(said, others | _tagged(said, own))
    if failures:
        return _kind(failures), failures, "words", ""
    if unstructured_bounces.FAILED.search(f"{subject}\n{said}"):
        return ("delay" if action == "delayed" else "bounce"), (), "words", ""
    return None


def _told(action: str, named: list[str], said: str, read_by: str) -> Found:
    chosen = tuple(dict.fromkeys(named))[: unstructured_bounces.RECIPIENTS]
    failures = tuple(unstructured_bounces.failure_of(said, address, action) for address in chosen)
    return _kind(failures), failures, read_by, ""


def _looks_like_one(header: Fields, subject: str) -> bool:
    if "x-failed-recipients" in header.first or _DAEMON.search(header.get("from")[:VALUE_LIMIT]):
        return True
    return bool(unstructured_bounces.FAILED.search(subject) or unstructured_bounces.DELAYED.search(subject))


def _is_other(address: str, own: Collection[str]) -> bool:
    local, _, domain = address.rpartition("@")
    return bool(domain) and f"{local.partition('+')[0]}@{domain}" not in own


def _tagged(said: str, own: Collection[str]) -> set[str]:
    """Addresses of ours in the text, with any tag."""
    found = re.findall(r"[^\s<>()\"':;,]{1,100}@[^\s<>()\"':;,]{1,100}", said)
    return {each.lower() for each in found if not _is_other(each.lower(), own)}


def _flufl(raw: bytes) -> tuple[list[str], list[str]]:
    """What flufl.bounce finds: addresses that failed for now, and for good."""
    from flufl.bounce import all_failures  # late: only reports need it

    head, _, rest = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    rows = head.split(b"\n", _HEADER * 4)[: _HEADER * 4]
    kept = [*(row[:_LINE] for row in rows), b"", *(row[:_LINE] for row in rest.split(b"\n", _LINES)[:_LINES])]
    tame = _CHARSET.sub(b"x-set", b"\n".join(kept))
    try:
        found = all_failures(message_from_bytes(tame, policy=compat32))
    except Exception:  # a From that is not ASCII is enough, and it raises whatever its detectors do
        return [], []
    temporary, permanent = (
        [
            address
            for each in sorted(group)
            if (address := addresses.normalise_address(each.decode("ascii", "replace")))
        ]
        for group in found
    )
    return temporary, permanent


def _tokens(text: str) -> tuple[str, ...]:
    """Those that stand whole; when there are none, those that a line end divides."""
    return find_tokens(text, MARKS) or find_tokens(re.sub(r"=?\n[>| \t]*", "", text), MARKS)
