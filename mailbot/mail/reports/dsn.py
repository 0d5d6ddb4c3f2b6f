"""Read standard reports: delivery status (RFC 3464, 6533), feedback (RFC 5965), receipts (RFC 8098).

Where the part for their fields is missing or mislabelled, any text with such fields is read.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from mailbot.domain.model import Failure
from mailbot.mail.parsing import encoded_words, header_fields
from mailbot.mail.parsing.addresses import parse_addresses
from mailbot.mail.parsing.mime_tree import Part, Structure
from mailbot.mail.reports.unstructured_bounces import RECIPIENT_LIMIT, most_specific_status

PART_SIZE_LIMIT = 64 * 1024  # bytes of a part that are read
PART_LIMIT = 50
_LINE_LIMIT = 2000
_DIAGNOSTIC_LIMIT = 300  # characters

_STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
_RECEIPT_TYPES = ("message/disposition-notification", "message/global-disposition-notification")
_FEEDBACK_TYPES = ("message/feedback-report",)
_ORIGINAL_TYPES = (
    "message/rfc822",
    "message/rfc822-headers",
    "text/rfc822-headers",
    "message/global",
    "message/global-headers",
    "message/rfc822headers",
    "message/partial",
)
_KNOWN_TYPES = (*_STATUS_TYPES, *_RECEIPT_TYPES, *_FEEDBACK_TYPES, *_ORIGINAL_TYPES)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,60}\Z")
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?!\d|\.\d)")
_ID = re.compile(r"<[^<>\s]{1,250}>")
_RECIPIENT_FIELDS = ("final-recipient", "original-recipient")
_FAILED = ("fail", "error", "undeliver", "bounce", "reject")
_DELAYED = ("delay", "defer", "transient", "warn")
_NO_COMPLAINTS = frozenset({"auth-failure", "not-spam", "dmarc", "virus-report"})

Group = dict[str, str]


@dataclass(frozen=True, slots=True)
class Original:
    """The returned part of the original mail. `references` holds its In-Reply-To and References."""

    message_id: str = ""
    references: tuple[str, ...] = ()
    subject: str = ""


def texts(raw: bytes, tree: Structure) -> list[tuple[Part, str]]:
    """Return the parts that are texts or embedded mails, decoded, within limits."""
    readable = (part for part in tree.parts if part.type.startswith(("text/", "message/")))
    return [(part, part.text(raw, PART_SIZE_LIMIT)) for part in islice(readable, PART_LIMIT)]


def read_delivery_status(parts: Iterable[tuple[Part, str]]) -> tuple[Failure, ...]:
    """Return each recipient of a delivery status notification and the result for it."""
    failures = map(_failure, _groups_with(parts, _STATUS_TYPES, "final-recipient"))
    return tuple(islice(filter(None, failures), RECIPIENT_LIMIT))


def read_feedback(parts: Iterable[tuple[Part, str]]) -> tuple[str, tuple[Failure, ...]] | None:
    """Return ("complaint" or "receipt", its recipients): not every feedback is a complaint."""
    for group in _groups_with(parts, _FEEDBACK_TYPES, "feedback-type"):
        kind = group.get("feedback-type", "abuse").lower().strip()
        values = (group.get(name, "") for name in ("original-rcpt-to", "removal-recipient"))
        readers = dict.fromkeys(filter(None, map(_address, values)))
        failures = tuple(Failure(reader, "complained", "", kind[:40]) for reader in readers)
        return ("receipt" if kind in _NO_COMPLAINTS else "complaint"), failures
    return None


def read_receipt(parts: Iterable[tuple[Part, str]]) -> tuple[str, tuple[Failure, ...]] | None:
    """Return (Message-ID of the original, its reader) of a disposition notification."""
    for group in _groups_with(parts, _RECEIPT_TYPES, "disposition"):
        if "disposition" not in group and "final-recipient" not in group:
            continue
        disposition = group.get("disposition", "").rpartition(";")[2].strip().lower()[:40]
        address = _address(group.get("original-recipient", "")) or _address(group.get("final-recipient", ""))
        ids = _ID.findall(group.get("original-message-id", ""))
        return (ids[0] if ids else ""), ((Failure(address, disposition),) if address else ())
    return None


def read_original(parts: Iterable[tuple[Part, str]]) -> Original:
    """Read the returned mail from its part, else from header lines in the text."""
    listed = list(parts)
    for part, text in listed:
        if part.type in _ORIGINAL_TYPES:
            block = text.encode("utf-8", "replace")
            header, _ = header_fields.read(block, 0, len(block))
            if header.rows:
                return _original({name: header.get(name) for name in header.first})
    for part, text in listed:
        if part.type == "text/plain":
            groups = (group for group in _groups(text) if "message-id" in group)
            if (group := next(groups, None)) is not None:
                return _original(group)
    return Original()


def _original(group: Group) -> Original:
    references = f"{group.get('in-reply-to', '')} {group.get('references', '')}"
    return Original(
        message_id=next(iter(_ID.findall(group.get("message-id", ""))), ""),
        references=tuple(dict.fromkeys(_ID.findall(references)))[:20],
        subject=encoded_words.decode_line(group.get("subject", "")[: header_fields.VALUE_LIMIT], 1000),
    )


def _groups_with(parts: Iterable[tuple[Part, str]], types: Iterable[str], key_field: str) -> Iterator[Group]:
    """Yield the groups of fields in parts of these types; without such a part, those with `key_field`."""
    listed = list(parts)
    chosen = [text for part, text in listed if part.type in types]
    for text in chosen:
        yield from _groups(text)
    if not chosen:
        others = (text for part, text in listed if part.type not in _KNOWN_TYPES)
        for text in others:
            if key_field in text.lower():
                yield from (group for group in _groups(text) if key_field in group)


def _groups(text: str) -> Iterator[Group]:
    """Yield the groups of fields between empty lines; a second recipient begins a new group."""
    group: Group = {}
    name = ""
    for line in text.split("\n", _LINE_LIMIT)[:_LINE_LIMIT]:
        if not line.strip():
            if group:
                yield group
            group, name = {}, ""
            continue
        field, colon, value = line.partition(":")
        field = field.strip(" \t>|").lower()
        if line[0] in " \t" and name:
            group[name] = f"{group[name]} {line.strip()}"[: 8 * _DIAGNOSTIC_LIMIT]
        elif colon and _NAME.match(field):
            if field in group and field in _RECIPIENT_FIELDS:
                yield group
                group = {}
            name = field
            group.setdefault(name, value.strip()[: 8 * _DIAGNOSTIC_LIMIT])
        elif name == "diagnostic-code":  # folded without the required white space
            group[name] = f"{group[name]} {line.strip()}"[: 8 * _DIAGNOSTIC_LIMIT]
    if group:
        yield group


def _failure(group: Group) -> Failure | None:
    """Read a group of RFC 3464 section 2.3; None for one without a recipient."""
    values = (group.get(name, "") for name in ("original-recipient", "final-recipient", "x-actual-recipient"))
    address = next((address for value in values if (address := _address(value))), "")
    has_recipient = any(name in group for name in _RECIPIENT_FIELDS)
    if not (has_recipient or {"action", "status"} <= group.keys()) or "disposition" in group:
        return None
    diagnostic = group.get("diagnostic-code", "")
    kind, semicolon, rest = diagnostic.partition(";")
    text = rest if semicolon and " " not in kind.strip() else diagnostic
    diagnostic = " ".join(text.split())[:_DIAGNOSTIC_LIMIT]
    match = _STATUS.search(group.get("status", ""))
    status = match[1] if match else ""
    action = _action(group.get("action", ""), status or most_specific_status("", diagnostic, ""))
    return Failure(address, action, most_specific_status(status, diagnostic, action), diagnostic)


def _action(value: str, status: str) -> str:
    """Return the action as RFC 3464 names it, by the status where it is missing."""
    action = value.strip().lower()
    if action.startswith(_FAILED):
        return "failed"
    if action.startswith(_DELAYED):
        return "delayed"
    if action:
        return action.split()[0][:20]
    return {"5": "failed", "4": "delayed", "2": "delivered"}.get(status[:1], "failed")


def _address(value: str) -> str:
    """Return the address in "rfc822; Budi <budi@x>" and in its usual variants."""
    value = value[:1000]
    typed, semicolon, rest = value.partition(";")
    listed = parse_addresses(rest if semicolon and "@" not in typed else value)
    return next((entry.address for entry in listed if entry.address), "")
