"""Read what an automatic mail reports: a bounce, a delay, a complaint or a receipt. Pure, total, bounded.

Theory of operation. The readers run in order, the strictest first: RFC 3464, RFC 5965, RFC 8098, the field
X-Failed-Recipients, flufl.bounce, then phrases in the text. All they find was written by a stranger. Nothing
follows from it until one of our reply tokens proves which mail is meant.
"""

import re
from collections.abc import Collection
from email import message_from_bytes
from email.policy import compat32

from mailbot.domain.model import Failure, Report
from mailbot.mail.compose.reply_tokens import find_tokens
from mailbot.mail.parsing import addresses, body, encoded_words, header_fields, mime_tree
from mailbot.mail.parsing.header_fields import VALUE_LIMIT, Fields
from mailbot.mail.parsing.mime_tree import Part, Structure
from mailbot.mail.reports import dsn, unstructured_bounces

UNSTRUCTURED_SIZE_LIMIT = 512 * 1024  # bytes: no server writes or returns more without a structure
TOKEN_LIMIT = 20
TEXT_LIMIT = 64 * 1024  # characters in which a ticket number is searched
_DAEMON = re.compile(
    r"mailer[-_. ]?daemon|post[-_. ]?master|mail ?delivery|delivery (?:sub)?system|system administrator"
    r"|mail ?admin|mail ?system|\bbounces?\b|mta\b",
    re.IGNORECASE,
)
# Hidden from the email package, which decodes with any codec that Python has.
_CHARSET = re.compile(rb"charset", re.IGNORECASE)
# flufl.bounce tries 45 backtracking patterns on each line: few and short lines limit the work.
_LINES, _LINE_LENGTH, _HEADER_LINES = 250, 160, 160

Finding = tuple[str, tuple[Failure, ...], str, str]  # kind, recipients, read by, Message-ID of the original


def read(raw: bytes, own: Collection[str] = frozenset()) -> Report | None:
    """Return what an automatic mail reports, None when it is no report. Never raises.

    `own` are the addresses of our mailboxes: a report is sent to them, but not about them.
    """
    header, start = header_fields.read(raw, 0, len(raw))
    tree = mime_tree.read(raw, header, start, len(raw))
    return read_parts(raw, header, tree, body.read(raw, tree).text, own)


def read_parts(
    raw: bytes, header: Fields, tree: Structure, text: str, own: Collection[str] = frozenset()
) -> Report | None:
    """Do the same for a mail that is parsed already; `text` is that of its body."""
    try:
        return _read(raw, header, tree, text, own)
    except Exception:  # parsing is total: the mail is processed as one that reports nothing
        return None


def _read(raw: bytes, header: Fields, tree: Structure, text: str, own: Collection[str]) -> Report | None:
    parts = dsn.texts(raw, tree)
    subject = encoded_words.decode_line(header.get("subject")[:VALUE_LIMIT], 1000)
    finding = _read_standard(parts) or _read_unstructured(raw, header, subject, text, own)
    if finding is None:
        return None
    kind, recipients, read_by, original_id = finding
    original = dsn.read_original(parts)
    message_id = original_id or original.message_id
    whole = "\n".join((subject, original.subject, text[:TEXT_LIMIT], *(part for _, part in parts)))
    whole = whole[: 2 * TEXT_LIMIT]
    header_text = "\n".join(value for _, value in header.rows)[:TEXT_LIMIT]
    return Report(
        kind=kind,
        recipients=recipients,
        permanent=kind == "bounce" and any(failure.status.startswith("5") for failure in recipients),
        read_by=read_by,
        message_id=message_id,
        references=original.references,
        tokens=_tokens(f"{message_id}\n{header_text}\n{whole}"),
        text=whole[:TEXT_LIMIT],
    )


def _read_standard(parts: list[tuple[Part, str]]) -> Finding | None:
    if failures := dsn.read_delivery_status(parts):
        return _kind(failures), failures, "RFC 3464", ""
    if feedback := dsn.read_feedback(parts):
        return feedback[0], feedback[1], "RFC 5965", ""
    if receipt := dsn.read_receipt(parts):
        return "receipt", receipt[1], "RFC 8098", receipt[0]
    return None


def _kind(failures: tuple[Failure, ...]) -> str:
    actions = {failure.action for failure in failures}
    if "failed" in actions:
        return "bounce"
    return "delay" if "delayed" in actions else "receipt"


def _read_unstructured(
    raw: bytes, header: Fields, subject: str, text: str, own: Collection[str]
) -> Finding | None:
    if len(raw) > UNSTRUCTURED_SIZE_LIMIT or not _may_be_report(header, subject):
        return None
    server_text = unstructured_bounces.text_before_original(text)
    sender = next((entry.address for entry in addresses.parse_addresses(header.get("from"))), "")
    others = {sender, *own}
    listed = addresses.parse_addresses(header.get("x-failed-recipients"))  # Exim, Gmail
    action = "delayed" if unstructured_bounces.is_delay(f"{subject}\n{server_text}") else "failed"
    if failed := [entry.address for entry in listed if entry.address and entry.address not in others]:
        return _finding(action, failed, server_text, "X-Failed-Recipients")
    temporary, permanent = _run_flufl(raw)
    if failed := [address for address in permanent if _is_other(address, own)]:
        return _finding(action, failed, server_text, "flufl.bounce")
    if failed := [address for address in temporary if _is_other(address, own)]:
        return _finding("delayed", failed, server_text, "flufl.bounce")
    failures = unstructured_bounces.find_failures(server_text, others | _own_addresses_in(server_text, own))
    if failures:
        return _kind(failures), failures, "words", ""
    if unstructured_bounces.FAILED.search(f"{subject}\n{server_text}"):
        return ("delay" if action == "delayed" else "bounce"), (), "words", ""
    return None


def _finding(action: str, failed: list[str], server_text: str, read_by: str) -> Finding:
    chosen = tuple(dict.fromkeys(failed))[: unstructured_bounces.RECIPIENT_LIMIT]
    failures = tuple(unstructured_bounces.build_failure(server_text, address, action) for address in chosen)
    return _kind(failures), failures, read_by, ""


def _may_be_report(header: Fields, subject: str) -> bool:
    if "x-failed-recipients" in header.first or _DAEMON.search(header.get("from")[:VALUE_LIMIT]):
        return True
    return bool(unstructured_bounces.FAILED.search(subject) or unstructured_bounces.DELAYED.search(subject))


def _is_other(address: str, own: Collection[str]) -> bool:
    local, _, domain = address.rpartition("@")
    return bool(domain) and f"{local.partition('+')[0]}@{domain}" not in own


def _own_addresses_in(text: str, own: Collection[str]) -> set[str]:
    """Return the addresses in the text that are in `own`, with any tag."""
    found = re.findall(r"[^\s<>()\"':;,]{1,100}@[^\s<>()\"':;,]{1,100}", text)
    return {address.lower() for address in found if not _is_other(address.lower(), own)}


def _run_flufl(raw: bytes) -> tuple[list[str], list[str]]:
    """Return the addresses that flufl.bounce finds: failed temporarily, failed permanently."""
    from flufl.bounce import all_failures  # imported late: only reports need it

    head, _, rest = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    lines = [*head.split(b"\n", _HEADER_LINES)[:_HEADER_LINES], b"", *rest.split(b"\n", _LINES)[:_LINES]]
    limited = _CHARSET.sub(b"x-set", b"\n".join(line[:_LINE_LENGTH] for line in lines))
    try:
        failures = all_failures(message_from_bytes(limited, policy=compat32))
    except Exception:  # its detectors raise on odd input, for example on a From that is not ASCII
        return [], []
    temporary, permanent = (
        [
            address
            for item in sorted(group)
            if (address := addresses.normalise_address(item.decode("ascii", "replace")))
        ]
        for group in failures
    )
    return temporary, permanent


def _tokens(text: str) -> tuple[str, ...]:
    """Return the whole tokens in the text; without any, those that a line end divides."""
    return find_tokens(text, TOKEN_LIMIT) or find_tokens(re.sub(r"=?\n[>| \t]*", "", text), TOKEN_LIMIT)
