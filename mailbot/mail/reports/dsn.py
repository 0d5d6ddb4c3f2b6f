"""Reports of a standard: delivery status (RFC 3464, 6533), abuse feedback (RFC 5965), receipts (RFC 8098).

Forgiving: where the part for their fields is missing or mislabelled, any text that holds such fields will do.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mailbot.domain.model import Failure
from mailbot.mail.parsing import charsets, encoded_words, header_fields, transfer_encoding
from mailbot.mail.parsing.addresses import parse_addresses
from mailbot.mail.parsing.mime_tree import Part, Structure
from mailbot.mail.reports.unstructured_bounces import RECIPIENTS, specific

PART_LIMIT = 64 * 1024  # bytes of a part that are looked at
PARTS = 50
_LINES = 2000
_DIAGNOSTIC = 300

_STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
_RECEIPT_TYPES = ("message/disposition-notification", "message/global-disposition-notification")
_FEEDBACK_TYPES = ("message/feedback-report",)
_ORIGINAL_TYPES = (
    *(
        "message/rfc822",
        "message/rfc822-headers",
        "text/rfc822-headers",
        "message/global",
        "message/global-headers",
    ),
    *("message/rfc822headers", "message/partial"),
)
_KNOWN_TYPES = (*_STATUS_TYPES, *_RECEIPT_TYPES, *_FEEDBACK_TYPES, *_ORIGINAL_TYPES)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,60}\Z")
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?!\d|\.\d)")
_ID = re.compile(r"<[^<>\s]{1,250}>")
_BEGINS_A_RECIPIENT = ("final-recipient", "original-recipient")
_FAILED = ("fail", "error", "undeliver", "bounce", "reject")
_DELAYED = ("delay", "defer", "transient", "warn")
_NO_COMPLAINTS = frozenset({"auth-failure", "not-spam", "dmarc", "virus-report"})

Group = dict[str, str]


@dataclass(frozen=True, slots=True)
class Original:
    """What is returned of the mail that the report is about. `references`: its In-Reply-To and References."""

    message_id: str = ""
    references: tuple[str, ...] = ()
    subject: str = ""


def texts(raw: bytes, tree: Structure) -> list[tuple[Part, str]]:
    """Every part that may say something, decoded: text and embedded messages, within limits."""
    told = (part for part in tree.parts if part.type.startswith(("text/", "message/")))
    return [(part, text_of(raw, part)) for part, _ in zip(told, range(PARTS), strict=False)]


def text_of(raw: bytes, part: Part) -> str:
    data = raw[part.start : min(part.end, part.start + PART_LIMIT)]
    data = transfer_encoding.undo(data, part.fields.get("content-transfer-encoding"))[:PART_LIMIT]
    return charsets.clean(charsets.decode(data, part.parameters.get("charset", "")))


def delivery(parts: Iterable[tuple[Part, str]]) -> tuple[Failure, ...]:
    """Each address of a delivery status notification and what became of the mail for it."""
    failures = (_failure(group) for group in _groups_with(parts, _STATUS_TYPES, "final-recipient"))
    return tuple(failure for failure, _ in zip(filter(None, failures), range(RECIPIENTS), strict=False))


def complaint(parts: Iterable[tuple[Part, str]]) -> tuple[str, tuple[Failure, ...]] | None:
    """("complaint" or "receipt", who complained) for a feedback report: not every feedback is a complaint."""
    for group in _groups_with(parts, _FEEDBACK_TYPES, "feedback-type"):
        kind = group.get("feedback-type", "abuse").lower().strip()
        named = (group.get(name, "") for name in ("original-rcpt-to", "removal-recipient"))
        found = dict.fromkeys(address for value in named if (address := _address(value)))
        who = tuple(Failure(address, "complained", "", kind[:40]) for address in found)
        return ("receipt" if kind in _NO_COMPLAINTS else "complaint"), who
    return None


def receipt(parts: Iterable[tuple[Part, str]]) -> tuple[str, tuple[Failure, ...]] | None:
    """(Message-ID of the original, who read it) for a disposition notification."""
    for group in _groups_with(parts, _RECEIPT_TYPES, "disposition"):
        if "disposition" not in group and "final-recipient" not in group:
            continue
        done = group.get("disposition", "").rpartition(";")[2].strip().lower()[:40]
        address = _address(group.get("original-recipient", "")) or _address(group.get("final-recipient", ""))
        ids = _ID.findall(group.get("original-message-id", ""))
        return (ids[0] if ids else ""), ((Failure(address, done),) if address else ())
    return None


def original(parts: Iterable[tuple[Part, str]]) -> Original:
    """The returned mail, from the part that holds it; without one, from the lines of a header in the text."""
    listed = list(parts)
    for part, text in listed:
        if part.type in _ORIGINAL_TYPES:
            block = text.encode("utf-8", "replace")
            found, _ = header_fields.read(block, 0, len(block))
            if found.rows:
                return _original({name: found.get(name) for name in found.first})
    for part, text in listed:
        if part.type == "text/plain":
            groups = (group for group in _groups(text) if "message-id" in group)
            if (group := next(groups, None)) is not None:
                return _original(group)
    return Original()


def _original(group: Group) -> Original:
    answered = f"{group.get('in-reply-to', '')} {group.get('references', '')}"
    return Original(
        message_id=next(iter(_ID.findall(group.get("message-id", ""))), ""),
        references=tuple(dict.fromkeys(_ID.findall(answered)))[:20],
        subject=charsets.clean_line(
            encoded_words.decoded(group.get("subject", "")[: header_fields.VALUE_LIMIT]), 1000
        ),
    )


def _groups_with(parts: Iterable[tuple[Part, str]], types: Iterable[str], telling: str) -> Iterator[Group]:
    """Groups of fields from the parts of these types; without any, from texts with the field that tells."""
    listed = list(parts)
    chosen = [text for part, text in listed if part.type in types]
    if not chosen:
        chosen = [text for part, text in listed if part.type not in _KNOWN_TYPES and telling in text.lower()]
        for text in chosen:
            yield from (group for group in _groups(text) if telling in group)
        return
    for text in chosen:
        yield from _groups(text)


def _groups(text: str) -> Iterator[Group]:
    """The groups of fields in a text, between empty lines; a second recipient begins one of its own."""
    group: Group = {}
    name = ""
    for line in text.split("\n", _LINES)[:_LINES]:
        if not line.strip():
            if group:
                yield group
            group, name = {}, ""
            continue
        found, colon, value = line.partition(":")
        found = found.strip(" \t>|").lower()
        if line[0] in " \t" and name:
            group[name] = f"{group[name]} {line.strip()}"[: 8 * _DIAGNOSTIC]
        elif colon and _NAME.match(found):
            if found in group and found in _BEGINS_A_RECIPIENT:
                yield group
                group = {}
            name = found
            group.setdefault(name, value.strip()[: 8 * _DIAGNOSTIC])
        elif name == "diagnostic-code":  # folded by somebody who forgot the white space
            group[name] = f"{group[name]} {line.strip()}"[: 8 * _DIAGNOSTIC]
    if group:
        yield group


def _failure(group: Group) -> Failure | None:
    """What one group of RFC 3464 2.3 says; None for one that names no recipient."""
    named = (group.get(name, "") for name in ("original-recipient", "final-recipient", "x-actual-recipient"))
    address = next((address for value in named if (address := _address(value))), "")
    told = any(name in group for name in ("final-recipient", "original-recipient")) or (
        "action" in group and "status" in group
    )
    if not told or "disposition" in group:
        return None
    diagnostic = group.get("diagnostic-code", "")
    kind, semicolon, rest = diagnostic.partition(";")
    diagnostic = " ".join((rest if semicolon and " " not in kind.strip() else diagnostic).split())[
        :_DIAGNOSTIC
    ]
    found = _STATUS.search(group.get("status", ""))
    status = found[1] if found else ""
    action = _action(group.get("action", ""), status or specific("", diagnostic, ""))
    return Failure(address, action, specific(status, diagnostic, action), diagnostic)


def _action(value: str, status: str) -> str:
    """The action in RFC 3464's words; by the status where it is missing."""
    said = value.strip().lower()
    if said.startswith(_FAILED):
        return "failed"
    if said.startswith(_DELAYED):
        return "delayed"
    if said:
        return said.split()[0][:20]
    return {"5": "failed", "4": "delayed", "2": "delivered"}.get(status[:1], "failed")


def _address(value: str) -> str:
    """The address in "rfc822; Budi <budi@x>" and in all that is made of it."""
    value = value[:1000]
    typed, semicolon, rest = value.partition(";")
    found = parse_addresses(rest if semicolon and "@" not in typed else value)
    return next((person.address for person in found if person.address), "")
